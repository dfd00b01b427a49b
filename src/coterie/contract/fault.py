"""Fault: a declared business error, the same typed exception on both sides of the wire."""

import string
from collections.abc import Mapping
from typing import Any, ClassVar, dataclass_transform, get_type_hints

import msgspec

from .code import Code
from .problem import ContractError, Problem
from .words import kebab, paragraph

__all__ = ["Fault"]

# Members of a problem-details object (RFC 9457) that a fault's own fields would overwrite.
_RESERVED = frozenset({"type", "title", "status", "detail", "instance", "code", "trace_id"})

_MISSING: Any = object()


@dataclass_transform()
class Fault(Exception):
    """A business error that a contract declares.

    Fields are annotations, as in a dataclass; the docstring's first paragraph is the message
    and may name fields in braces::

        class OutOfStock(Fault, code=Code.FAILED_PRECONDITION, status=409):
            \"\"\"Only {available} left of product {product_id}.\"\"\"

            product_id: int
            available: int

    ``code`` is one of the sixteen of `Code`, ``status`` the HTTP status where it should differ
    from the code's own, ``kind`` the name on the wire (default: the class name in kebab case).

    Only a separate struct is ever encoded or decoded, since an exception cannot be one.
    Raises `ContractError` when the class is made, if fields or message cannot work.
    """

    code: ClassVar[Code] = Code.FAILED_PRECONDITION
    status: ClassVar[int] = Code.FAILED_PRECONDITION.status
    kind: ClassVar[str] = "fault"

    __fields__: ClassVar[dict[str, Any]] = {}
    __wire__: ClassVar[Any] = None

    def __init_subclass__(
        cls, *, code: Code | None = None, status: int | None = None, kind: str | None = None
    ) -> None:
        super().__init_subclass__()
        if code is not None:
            cls.code = code
            cls.status = code.status
        if status is not None:
            cls.status = status
        cls.kind = kind or kebab(cls.__name__)
        own = {
            name: cls.__dict__.get(name, _MISSING)
            for name, annotation in cls.__dict__.get("__annotations__", {}).items()
            if "ClassVar" not in str(annotation)
        }
        cls.__fields__ = {**cls.__fields__, **own}
        cls.__wire__ = None
        problems = tuple(_problems(cls))
        if problems:
            raise ContractError(f"fault {cls.__qualname__}", problems)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        names = list(self.__fields__)
        if len(args) > len(names):
            raise TypeError(f"{self._name} takes {len(names)} values, {len(args)} given")
        values = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name not in self.__fields__:
                raise TypeError(f"{self._name} has no field {name!r}; it has {names}")
            if name in values:
                raise TypeError(f"{self._name} got {name!r} twice")
            values[name] = value
        for name, default in self.__fields__.items():
            if name not in values:
                if default is _MISSING:
                    raise TypeError(f"{self._name} needs {name}=")
                values[name] = default
        super().__init__()
        self.__dict__.update(values)

    @property
    def _name(self) -> str:
        return self.__class__.__name__

    def values(self) -> dict[str, Any]:
        """The fields and their values, in the order of declaration."""
        return {name: getattr(self, name) for name in self.__fields__}

    @property
    def message(self) -> str:
        """The docstring's first paragraph with the fields filled in."""
        template = paragraph(self.__class__.__doc__) or self._name
        try:
            return template.format_map(self.values())
        except (ValueError, TypeError, AttributeError, LookupError):
            # A value that its format specification refuses must not hide the fault itself.
            return template

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.values().items())
        return f"{self._name}({inside})"

    def __eq__(self, other: object) -> bool:
        return self.__class__ is other.__class__ and self.values() == _values(other)

    __hash__ = Exception.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (self.__class__, self.values()))

    @classmethod
    def wire(cls) -> type[msgspec.Struct]:
        """The struct that stands for this fault on the wire; made once, at first use.

        Raises `ContractError` if a field's type cannot be resolved or encoded.
        """
        if cls.__wire__ is None:
            cls.__wire__ = _wire(cls)
        made: type[msgspec.Struct] = cls.__wire__
        return made

    @classmethod
    def from_wire(cls, members: Mapping[str, Any]) -> "Fault":
        """The fault told by ``members`` of a decoded problem-details object.

        Raises `msgspec.ValidationError` when a field is missing or of another type.
        """
        struct = msgspec.convert(members, cls.wire(), strict=False)
        return cls(**{name: getattr(struct, name) for name in cls.__fields__})


def _values(other: object) -> dict[str, Any]:
    return other.values() if isinstance(other, Fault) else {}


def _rebuild(cls: type[Fault], values: dict[str, Any]) -> Fault:
    return cls(**values)


def _wire(cls: type[Fault]) -> type[msgspec.Struct]:
    try:
        hints = get_type_hints(cls, include_extras=True)
        fields: list[Any] = [
            (name, hints[name]) if default is _MISSING else (name, hints[name], default)
            for name, default in cls.__fields__.items()
        ]
        made = msgspec.defstruct(cls.__name__, fields, kw_only=True, module=cls.__module__)
        msgspec.json.Decoder(made)
    except (TypeError, NameError) as error:
        problem = Problem(cls.__qualname__, f"its fields cannot travel: {error}", _USE)
        raise ContractError(f"fault {cls.__qualname__}", (problem,)) from error
    return made


_USE = "Use types that msgspec encodes: numbers, text, dates, structs, lists, mappings"


def _problems(cls: type[Fault]) -> list[Problem]:
    found: list[Problem] = []
    where = cls.__qualname__
    for name in cls.__fields__:
        if name in _RESERVED:
            what = f"field {name!r} is a member of every problem-details answer (RFC 9457)"
            found.append(Problem(where, what, "Give the field another name"))
        elif name.startswith("_") or hasattr(Fault, name):
            found.append(
                Problem(where, f"field {name!r} hides an attribute that every fault has", "Rename it")
            )
    try:
        used = [name for _, name, _, _ in string.Formatter().parse(paragraph(cls.__doc__)) if name]
    except ValueError as error:
        found.append(Problem(where, f"the message does not parse: {error}", "Double the brace"))
        used = []
    for name in used:
        field = name.split(".")[0].split("[")[0]
        if field not in cls.__fields__:
            found.append(
                Problem(
                    where,
                    f"the message names {{{field}}}, which is no field",
                    f"Declare `{field}: ...`, or double the braces",
                )
            )
    return found
