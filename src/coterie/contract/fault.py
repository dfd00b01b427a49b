"""Fault: a declared business error, the same typed exception on both sides of the wire."""

import inspect
import re
import string
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from functools import partial
from typing import Any, ClassVar, Never, dataclass_transform, get_type_hints

import msgspec

from .code import Code
from .hint import cannot_travel
from .problem import ContractError, Problem
from .words import WIRE_NAME, kebab, paragraph

__all__ = ["Fault"]

# Members of a problem-details object (RFC 9457) that a fault's own fields would overwrite.
_RESERVED = frozenset({"type", "title", "status", "detail", "instance", "code", "trace_id"})

_MISSING: Any = object()
_SPECIFIED = type(msgspec.field())

# In a module with `from __future__ import annotations` an annotation is its own text.
_CLASS_VARIABLE = re.compile(r"(\w+\.)*ClassVar\b")


class _Field(msgspec.Struct, frozen=True):
    """A field: what it is called on the wire, and what makes its value where none is given."""

    wire: str
    make: Callable[[], Any] | None = None


@dataclass_transform(eq_default=False, field_specifiers=(msgspec.field,))
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
    ``field(name=...)`` gives a field another name on the wire.

    ``bare=True``: on the wire it is a JSON object of its fields alone, as programs answer that
    know no problem details; the status is all that names it there. Children inherit it::

        class UserNotFound(Fault, code=Code.NOT_FOUND, bare=True):
            \"\"\"{error}\"\"\"

            error: str

    Only a separate struct is ever encoded or decoded, since an exception cannot be one.
    Raises `ContractError` when the class is made, if fields or message cannot work.
    """

    code: ClassVar[Code] = Code.FAILED_PRECONDITION
    status: ClassVar[int] = Code.FAILED_PRECONDITION.status
    kind: ClassVar[str] = "fault"
    bare: ClassVar[bool] = False

    __fields__: ClassVar[dict[str, _Field]] = {}
    __wire__: ClassVar[Any] = None

    def __init_subclass__(
        cls,
        *,
        code: Code | None = None,
        status: int | None = None,
        kind: str | None = None,
        bare: bool | None = None,
    ) -> None:
        super().__init_subclass__()
        if isinstance(code, Code):
            cls.code = code
            cls.status = code.status
        if status is not None:
            cls.status = status
        if bare is not None:
            cls.bare = bare
        cls.kind = kind or kebab(cls.__name__)
        cls.__fields__ = _fields(cls)
        cls.__wire__ = None
        problems = tuple(_problems(cls))
        if code is not None and not isinstance(code, Code):
            what = f"code={code!r} is none of the sixteen"
            problems += (Problem(cls.__qualname__, what, "Write code=Code.NOT_FOUND, or another"),)
        if problems:
            raise ContractError(f"fault {cls.__qualname__}", problems)

    # Type checkers make each subclass its own signature; where there is no field they look here.
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        names = list(self.__fields__)
        named: dict[str, Any] = kwargs
        if len(args) > len(names):
            raise TypeError(f"{self._name} takes {len(names)} values, {len(args)} given")
        values: dict[str, Any] = dict(zip(names, args, strict=False))
        for name, value in named.items():
            if name not in self.__fields__:
                raise TypeError(f"{self._name} has no field {name!r}; it has {names}")
            if name in values:
                raise TypeError(f"{self._name} got {name!r} twice")
            values[name] = value
        for name, field in self.__fields__.items():
            if name not in values:
                if field.make is None:
                    raise TypeError(f"{self._name} needs {name}=")
                values[name] = field.make()
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

    def __hash__(self) -> int:
        # Equal faults must hash alike, and their values may be lists.
        return hash(self.__class__)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (self.__class__, self.values()), self.__dict__)

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
        """The fault told by ``members`` of a decoded object: problem details, or a bare one.

        Raises `msgspec.ValidationError` when a field is missing or of another type.
        """
        struct = msgspec.convert(members, cls.wire(), strict=False)
        return cls(**{name: getattr(struct, name) for name in cls.__fields__})


def _values(other: object) -> dict[str, Any]:
    return other.values() if isinstance(other, Fault) else {}


def _rebuild(cls: type[Fault], values: dict[str, Any]) -> Fault:
    return cls(**values)


def _fields(cls: type[Fault]) -> dict[str, _Field]:
    found: dict[str, _Field] = {}
    for base in reversed(cls.__mro__[1:]):
        found.update(vars(base).get("__fields__", {}))
    for name, hint in inspect.get_annotations(cls).items():
        if not _CLASS_VARIABLE.match(hint if isinstance(hint, str) else str(hint)):
            found[name] = _field(cls, name)
    return found


def _field(cls: type[Fault], name: str) -> _Field:
    given = vars(cls).get(name, _MISSING)
    if given is _MISSING:
        return _Field(name)
    if not isinstance(given, _SPECIFIED):
        return _Field(name, partial(copy, given))  # a list belongs to one fault alone
    # What is left on the class would stand in for a value, as if it were one.
    delattr(cls, name)
    wire = given.name or name
    if given.default_factory is not msgspec.NODEFAULT:
        return _Field(wire, given.default_factory)
    if given.default is not msgspec.NODEFAULT:
        return _Field(wire, partial(copy, given.default))
    return _Field(wire)


def _wire(cls: type[Fault]) -> type[msgspec.Struct]:
    try:
        made = _struct(cls)
        why = cannot_travel(made)
    except (TypeError, NameError, AttributeError, SyntaxError) as error:
        made, why = msgspec.Struct, str(error)
    if why:
        problem = Problem(cls.__qualname__, f"its fields cannot travel: {why}", _USE)
        raise ContractError(f"fault {cls.__qualname__}", (problem,))
    return made


def _struct(cls: type[Fault]) -> type[msgspec.Struct]:
    hints = get_type_hints(cls, include_extras=True)
    fields: list[Any] = []
    for name, field in cls.__fields__.items():
        if field.make is None:
            given = msgspec.field(name=field.wire)
        else:
            given = msgspec.field(name=field.wire, default_factory=field.make)
        fields.append((name, hints[name], given))
    return msgspec.defstruct(cls.__name__, fields, kw_only=True, module=cls.__module__)


_USE = "Use types that msgspec encodes: numbers, text, dates, structs, lists, mappings"


def _problems(cls: type[Fault]) -> Iterator[Problem]:
    where = cls.__qualname__
    if not 400 <= cls.status <= 599:
        what = f"status {cls.status} does not tell an error"
        yield Problem(where, what, "Use 400 to 499 where the caller can mend it, else 500 to 599")
    if not WIRE_NAME.fullmatch(cls.kind):
        what = f"{cls.kind!r} is no name for the wire"
        yield Problem(where, what, 'Write kind="out-of-stock": small letters, digits and hyphens')
    for name, field in cls.__fields__.items():
        if field.wire in _RESERVED and not cls.bare:
            called = f"field {name!r}" if name == field.wire else f"field {name!r}, {field.wire!r},"
            what = f"{called} is a member of every problem-details answer (RFC 9457)"
            yield Problem(where, what, "Give the field another name, or say bare=True")
        elif name.startswith("_") or hasattr(Fault, name):
            what = f"field {name!r} hides an attribute that every fault has"
            yield Problem(where, what, f"Rename it; field(name={field.wire!r}) is for the wire")
    names = Counter(field.wire for field in cls.__fields__.values())
    for name in (name for name, count in names.items() if count > 1):
        yield Problem(where, f"two fields travel as {name!r}", "Give each a name of its own")
    try:
        used = dict.fromkeys(_named(paragraph(cls.__doc__)))
    except ValueError as error:
        yield Problem(where, f"the message does not parse: {error}", "Double the brace")
        return
    for name in used:
        if name not in cls.__fields__:
            what = f"the message names {{{name}}}, which is no field"
            yield Problem(where, what, f"Declare `{name or 'name'}: ...`, or double the braces")


def _named(template: str) -> Iterator[str]:
    """The fields a format string reads, those inside format specifications too."""
    for _, name, specification, _ in string.Formatter().parse(template):
        if name is not None:
            yield name.split(".")[0].split("[")[0]
            yield from _named(specification or "")
