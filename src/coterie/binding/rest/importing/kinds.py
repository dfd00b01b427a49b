"""The types a generated module speaks of, before they are written down."""

from typing import Any, TypeAlias

from msgspec import Struct

__all__ = [
    "ANY",
    "NONE",
    "Alias",
    "Choice",
    "Fields",
    "Kind",
    "Listed",
    "Member",
    "Named",
    "Noted",
    "Plain",
    "Record",
    "Row",
    "Table",
    "Words",
    "either",
    "mentioned",
    "spoken_of",
]


class Plain(Struct, frozen=True):
    """A type without parts, by the name Python has for it: ``int``, ``datetime.date``."""

    name: str


class Words(Struct, frozen=True):
    """One of some values: ``Literal["a", "b"]``; texts and whole numbers."""

    values: tuple[str | int, ...]


class Listed(Struct, frozen=True):
    """A list of one type."""

    item: "Kind"


class Row(Struct, frozen=True):
    """A list whose places differ: ``tuple[int, str]``."""

    items: "tuple[Kind, ...]"


class Table(Struct, frozen=True):
    """An object of which every member has one type: ``dict[str, T]``."""

    value: "Kind"


class Named(Struct, frozen=True):
    """A type that the module defines."""

    name: str


class Noted(Struct, frozen=True):
    """A type with constraints, as pairs of name and value that ``Meta`` takes."""

    kind: "Kind"
    meta: tuple[tuple[str, Any], ...]


class Choice(Struct, frozen=True):
    """One of several types. Made by `either` alone, so there are two at least, and no nested ones."""

    kinds: "tuple[Kind, ...]"


Kind: TypeAlias = Plain | Words | Listed | Row | Table | Named | Noted | Choice

ANY = Plain("Any")
NONE = Plain("None")


def either(*kinds: Kind) -> Kind:
    """Any of ``kinds``; ``None`` stands last."""
    flat: dict[Kind, None] = {}
    for kind in kinds:
        flat.update(dict.fromkeys(kind.kinds if isinstance(kind, Choice) else (kind,)))
    if ANY in flat:
        return ANY
    none = NONE in flat
    flat.pop(NONE, None)
    found = (*flat, NONE) if none else tuple(flat)
    return found[0] if len(found) == 1 else Choice(found)


def mentioned(kind: Kind) -> set[str]:
    """The names of all types that ``kind`` speaks of."""
    match kind:
        case Named(name):
            return {name}
        case Noted(inner, _) | Listed(inner) | Table(inner):
            return mentioned(inner)
        case Row(kinds) | Choice(kinds):
            return set[str]().union(*map(mentioned, kinds))
        case _:
            return set()


class Member(Struct):
    """A field of a struct or a fault. ``default`` is a Python value where ``given``."""

    wire: str
    name: str
    kind: Kind
    required: bool
    given: bool = False
    default: Any = None


Fields: TypeAlias = list[Member]


class Record(Struct):
    """A struct of the module. ``tag`` is the field and the value that tell it from its siblings."""

    name: str
    where: str
    doc: str = ""
    members: list[Member] = []
    closed: bool = False
    tag: tuple[str, str | int] | None = None


class Alias(Struct):
    """Another name of a type."""

    name: str
    kind: Kind


def spoken_of(one: Record | Alias) -> set[str]:
    """The names of all types that a definition speaks of."""
    if isinstance(one, Alias):
        return mentioned(one.kind)
    return set[str]().union(*(mentioned(member.kind) for member in one.members))
