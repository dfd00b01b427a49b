"""Types, faults and contracts as source of Python."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from coterie.contract import kebab

from .faults import code_of
from .kinds import (
    ANY,
    Alias,
    Choice,
    Kind,
    Listed,
    Member,
    Named,
    Noted,
    Plain,
    Record,
    Row,
    Table,
    Words,
)
from .layout import COLUMNS, Bracket, Expression, Framed, Union, flat, laid
from .literal import docstring, literal, width
from .model import Argument, Class, Error, Method
from .names import wire_rename

__all__ = ["Writer"]

_STEP = "    "
_UNSET = Plain("UnsetType")
_MEDIA = {"text/plain; charset=utf-8": "Text", "text/html; charset=utf-8": "Html"}


class Writer:
    """Writes definitions, and keeps the names that they need from elsewhere."""

    def __init__(self) -> None:
        self.used: set[str] = set()

    def alias(self, one: Alias) -> list[str]:
        """Another name of a type."""
        self.used.add("TypeAlias")
        return laid(self._type(one.kind, ()), "", f"{one.name}: TypeAlias = ")

    def record(self, one: Record, pending: Collection[str]) -> list[str]:
        """A struct; ``pending`` are the types that are defined below it."""
        self.used.add("Struct")
        members = [m for m in one.members if one.tag is None or m.wire != one.tag[0]]
        head: list[Expression] = ["Struct"]
        if members:
            head.append("kw_only=True")
        rename = wire_rename((member.name, member.wire) for member in members)
        if isinstance(rename, dict):
            pairs = tuple(f"{literal(name)}: {literal(wire)}" for name, wire in rename.items())
            head.append(Framed("rename=", Bracket("{", pairs, "}")))
        elif rename:
            head.append(f"rename={literal(rename)}")
        if one.tag is not None:
            head += [f"tag_field={literal(one.tag[0])}", f"tag={literal(one.tag[1])}"]
        if one.closed:
            head.append("forbid_unknown_fields=True")
        lines = laid(Bracket(f"class {one.name}(", tuple(head), ")"), "", after=":")
        told = docstring(one.doc, _STEP)
        inside = [line for member in members for line in self._member(member, pending)]
        return [*lines, *_body(told, inside)]

    def _member(self, member: Member, pending: Collection[str]) -> list[str]:
        kind, after = member.kind, ""
        if member.given:
            after = f" = {literal(member.default)}"
        elif not member.required:
            self.used.add("UNSET")
            kind, after = _or_unset(kind), " = UNSET"
        return _assigned(f"{member.name}: ", self._type(kind, pending), after)

    def fault(self, one: Error) -> list[str]:
        """A fault."""
        self.used |= {"Fault", "Code"}
        code = code_of(one)
        head = ["Fault", f"code=Code.{code.name}"]
        if code.status != one.status:
            head.append(f"status={one.status}")
        if one.kind is None:
            head.append("bare=True")
        elif one.kind != kebab(one.name):
            head.append(f"kind={literal(one.kind)}")
        inside = [line for member in one.members for line in self._field(member)]
        lines = laid(Bracket(f"class {one.name}(", tuple(head), ")"), "", after=":")
        return [*lines, *_body(docstring(one.message, _STEP), inside)]

    def _field(self, member: Member) -> list[str]:
        """A line of a fault. What has another name on the wire has a short type."""
        if member.name == member.wire:
            return self._member(member, ())
        self.used.add("field")
        kind, given = member.kind, ""
        if member.given:
            given = f"default={literal(member.default)}, "
        elif not member.required:
            self.used.add("UNSET")
            kind, given = _or_unset(kind), "default=UNSET, "
        value = f" = field({given}name={literal(member.wire)})"
        return laid(self._type(kind, ()), _STEP, f"{member.name}: ", value)

    def contract(self, one: Class, faults: Mapping[str, Error]) -> list[str]:
        """A contract with its operations."""
        self.used.add("Contract")
        head = ("Contract", f"version={literal(one.version)}")
        lines = laid(Bracket(f"class {one.name}(", head, ")"), "", after=":")
        told = docstring(one.doc, _STEP)
        own = (kebab(one.name.rstrip("0123456789").removesuffix("V")), kebab(one.name))
        methods: list[str] = []
        for number, method in enumerate(one.methods):
            methods += ([""] if number else []) + self._method(method, own)
        return [*lines, *_body(told, methods)]

    def _method(self, one: Method, own: Collection[str]) -> list[str]:
        self.used.add(one.verb)
        parts: list[Expression] = [literal(one.path)]
        if one.faults:
            parts.append(Framed("faults=", Bracket("[", one.faults, "]")))
        if one.status is not None:
            parts.append(f"status={one.status}")
        if one.tags and not (len(one.tags) == 1 and one.tags[0] in own):
            parts.append(Framed("tags=", Bracket("[", tuple(map(literal, one.tags)), "]")))
        for name, value in one.options:
            self.used.add(value)
            parts.append(f"{name}={value}")
        lines = laid(Bracket(f"@{one.verb}(", tuple(parts), ")"), _STEP)
        told = docstring(one.doc, _STEP * 2)
        lines += self._signature(one, end=":" if told else ": ...")
        return [*lines, *told, f"{_STEP * 2}..."] if told else lines

    def _signature(self, one: Method, end: str) -> list[str]:
        needed = [a for a in one.arguments if a.required]
        others = [a for a in one.arguments if not a.required]
        parts: list[Expression] = ["self", *map(self._argument, needed)]
        if others:
            parts += ["*", *map(self._argument, others)]
        result = self._result(one)
        head = f"async def {one.name}("
        line = f"{_STEP}{head}{', '.join(map(flat, parts))}) -> {flat(result)}{end}"
        if width(line) <= COLUMNS:
            return [line]
        lines = [f"{_STEP}{head}"]
        for part in parts:
            lines += ["        *,"] if part == "*" else laid(part, _STEP * 2, after=",")
        return [*lines, *laid(result, _STEP, ") -> ", end)]

    def _argument(self, one: Argument) -> Expression:
        kind: Expression
        if one.marker:
            self.used |= {"Annotated", one.marker.partition("(")[0]}
            inner, meta = (
                (one.kind.kind, one.kind.meta) if isinstance(one.kind, Noted) else (one.kind, ())
            )
            extra = (self._meta(meta),) if meta else ()
            kind = Bracket("Annotated[", (self._type(inner, ()), *extra, one.marker), "]")
        else:
            kind = self._type(one.kind, ())
        return Framed(f"{one.name}: ", kind, "" if one.required else f" = {literal(one.default)}")

    def _result(self, one: Method) -> Expression:
        if one.media is None or (
            one.media == "application/octet-stream" and one.result == Plain("bytes")
        ):
            return self._type(one.result, ())
        if one.result == Plain("str") and one.media in _MEDIA:
            self.used.add(_MEDIA[one.media])
            return _MEDIA[one.media]
        self.used |= {"Annotated", "Content"}
        return Bracket(
            "Annotated[", (self._type(one.result, ()), f"Content({literal(one.media)})"), "]"
        )

    def _type(self, kind: Kind, pending: Collection[str]) -> Expression:
        match kind:
            case Plain(name):
                self.used.add(name.partition("[")[0].partition(".")[0])
                return name
            case Named(name):
                self.used.add(name)
                return literal(name) if name in pending else name
            case Words(values):
                self.used.add("Literal")
                return Bracket("Literal[", tuple(map(literal, values)), "]", comma=len(values) > 1)
            case Listed(item):
                return Bracket("list[", (self._type(item, pending),), "]", comma=False)
            case Row(items):
                parts = tuple(self._type(item, pending) for item in items)
                return Bracket("tuple[", parts, "]", comma=len(items) > 1)
            case Table(value):
                return Bracket("dict[", ("str", self._type(value, pending)), "]")
            case Noted(inner, meta):
                self.used.add("Annotated")
                return Bracket("Annotated[", (self._type(inner, pending), self._meta(meta)), "]")
            case Choice(kinds):
                if any(isinstance(each, Named) and each.name in pending for each in kinds):
                    return literal(flat(Union(tuple(self._type(each, ()) for each in kinds))))
                return Union(tuple(self._type(each, pending) for each in kinds))

    def _meta(self, meta: tuple[tuple[str, Any], ...]) -> Expression:
        self.used.add("Meta")
        return Bracket("Meta(", tuple(f"{name}={literal(value)}" for name, value in meta), ")")


def _assigned(before: str, kind: Expression, after: str) -> list[str]:
    """A field: where the type alone fits on the line, the value goes to lines of its own."""
    line = f"{_STEP}{before}{flat(kind)}"
    if not after or width(f"{line}{after}") <= COLUMNS or width(f"{line} = (") > COLUMNS:
        return laid(kind, _STEP, before, after)
    return [f"{line} = (", f"{_STEP * 2}{after.removeprefix(' = ')}", f"{_STEP})"]


def _or_unset(kind: Kind) -> Kind:
    if kind == ANY or (isinstance(kind, Noted) and kind.kind == ANY):
        return kind
    return Choice((*(kind.kinds if isinstance(kind, Choice) else (kind,)), _UNSET))


def _body(told: list[str], inside: list[str]) -> Iterator[str]:
    yield from told
    if told and inside:
        yield ""
    yield from inside
    if not told and not inside:
        yield f"{_STEP}pass"
