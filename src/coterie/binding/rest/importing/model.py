"""What a generated module holds: contracts and their operations, faults, types."""

from msgspec import Struct

from .kinds import Alias, Kind, Member, Record

__all__ = ["Argument", "Class", "Error", "Method", "Model"]


class Argument(Struct):
    """A parameter of an operation. ``marker`` is written as ``Annotated`` has it: ``Query("x")``."""

    name: str
    kind: Kind
    marker: str = ""
    required: bool = True
    default: object = None
    constraints: tuple[tuple[str, object], ...] = ()


class Error(Struct):
    """A fault. ``kind`` is set for one that speaks as Coterie's own; the others are bare."""

    name: str
    status: int
    message: str
    members: list[Member]
    kind: str | None = None
    code: str | None = None


class Method(Struct):
    """An operation. ``result`` is written as it stands; ``status`` where it is not the usual one."""

    name: str
    verb: str
    path: str
    doc: str
    arguments: list[Argument]
    result: Kind
    media: str | None = None
    status: int | None = None
    faults: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()


class Class(Struct):
    """A contract."""

    name: str
    version: str
    doc: str
    methods: list[Method]


class Model(Struct):
    """A module before it is written."""

    title: str
    server: str
    types: dict[str, Record | Alias]
    faults: list[Error]
    contracts: list[Class]
