"""Parameters of an operation as arguments of a method."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from .document import Values
from .kinds import ANY, NONE, Choice, Kind, Listed, Member, Named, Noted, Plain, Row, Table
from .literal import literal
from .model import Argument
from .names import Names
from .parts import properties, required
from .schemas import Schemas

__all__ = ["arguments", "defaulted", "optional", "plain_kind", "without_none"]

_MARKERS = {"path": "Path", "query": "Query", "header": "Header", "cookie": "Cookie"}
# A parameter of these names says nothing (OpenAPI 3.1, 4.8.12.2.1).
_IGNORED = ("accept", "content-type", "authorization")
_SEPARATED = {"form": "commas", "spaceDelimited": "spaces", "pipeDelimited": "bars"}


def arguments(
    found: Iterable[tuple[Values, str]],
    braces: dict[str, str],
    schemas: Schemas,
    names: Names,
    hint: str,
) -> Iterator[Argument]:
    """What each of the parameters, with its place, becomes.

    ``braces`` is what each name in the path is called in Python.
    """
    taken: set[tuple[str, str]] = set()
    spread: set[str] = set()
    for parameter, where in found:
        place, wire = str(parameter.get("in")), str(parameter.get("name"))
        key = (place, wire.lower() if place == "header" else wire)
        if key in taken or (place == "header" and key[1] in _IGNORED):
            continue
        taken.add(key)
        if place not in _MARKERS:
            schemas.notes.add(where, f"a parameter in {place[:40]!r}", "left out")
            continue
        if place == "path" and wire not in braces:
            schemas.notes.add(where, f"path parameter {wire!r} that the path lacks", "left out")
            continue
        if not wire or (place == "header" and not _is_token(wire)):
            schemas.notes.add(where, "a parameter whose name cannot travel", "left out")
            continue
        schema, at = _schema(parameter, where, schemas)
        parts = _parts(parameter, schema, place)
        if parts is None and not _told_twice(wire, place, spread, where, schemas):
            yield _argument(parameter, schema, at, where, place, wire, braces, schemas, names, hint)
        direct = {n for p, n in taken if p == "query" and n != wire}
        for name, told in parts or ():
            alias = f"{wire}[{name}]" if parameter.get("style") == "deepObject" else name
            others = direct if alias in direct else spread
            if _told_twice(alias, place, others, where, schemas):
                continue
            spread.add(alias)
            kind = plain_kind(told, f"{at}/properties", f"{hint} {name}", schemas)
            must = parameter.get("required") is True and name in required(schema)
            yield _made(
                told, kind, where, place, alias, required=must, schemas=schemas, names=names
            )


def _told_twice(
    wire: str, place: str, others: Collection[str], where: str, schemas: Schemas
) -> bool:
    """Whether one of ``others`` travels in the query under the name of this one already."""
    twice = place == "query" and wire in others
    if twice:
        schemas.notes.add(
            where, f"query parameter {wire[:60]!r} beside one of its name", "left out"
        )
    return twice


def _argument(
    parameter: Values,
    schema: Values,
    at: str,
    where: str,
    place: str,
    wire: str,
    braces: dict[str, str],
    schemas: Schemas,
    names: Names,
    hint: str,
) -> Argument:
    must = parameter.get("required") is True or place == "path"
    kind = plain_kind(schema, at, f"{hint} {wire}", schemas)
    style = str(parameter.get("style", "simple" if place in ("path", "header") else "form"))
    if isinstance(_bare(kind), Listed):
        kind = _list(parameter, kind, where, place, style, schemas)
    elif place == "path" and style != "simple":
        schemas.notes.add(where, f"style {style[:40]} in the path", "give it with its signs")
    if "allowEmptyValue" in parameter or parameter.get("allowReserved") is True:
        schemas.notes.add(where, "`allowEmptyValue` or `allowReserved`", "values are escaped")
    if parameter.get("deprecated") is True:
        schemas.notes.add(where, "a deprecated parameter", "not told")
    told = {**schema, "description": parameter.get("description", schema.get("description"))}
    if place == "path":
        made = _made(
            told,
            kind,
            where,
            place,
            wire,
            required=must,
            schemas=schemas,
            names=Names(reserved=()),
        )
        made.name, made.marker = braces[wire], ""
        made.required, made.default = True, None
        return made
    return _made(told, kind, where, place, wire, required=must, schemas=schemas, names=names)


def _schema(parameter: Values, where: str, schemas: Schemas) -> tuple[Values, str]:
    content = parameter.get("content")
    if isinstance(content, dict) and content:
        schemas.notes.add(where, "a parameter that holds JSON as text", "give it as text")
        return {"type": "string"}, where
    schema = parameter.get("schema", {})
    if not isinstance(schema, dict):
        return {}, where
    if "$ref" in schema:
        whole, _ = schemas.document.follow(schema, where)
        if "properties" not in whole:
            return schema, where
    return schemas.whole(schema, f"{where}/schema")


def _parts(parameter: Values, schema: Values, place: str) -> list[tuple[str, Values]] | None:
    """The members of an object that travels as several parameters; ``None`` for all others."""
    inside = properties(schema)
    if place != "query" or not inside:
        return None
    style = parameter.get("style", "form")
    if style != "deepObject" and not (style == "form" and parameter.get("explode", True)):
        return None
    found = [(str(name), told) for name, told in inside.items() if isinstance(told, dict)]
    return found or None


def _made(
    schema: Values,
    kind: Kind,
    where: str,
    place: str,
    wire: str,
    *,
    required: bool,
    schemas: Schemas,
    names: Names,
) -> Argument:
    name = names.of_value(wire, place)
    member = schemas.member(wire, name, without_none(kind), schema, where, required=required)
    usual = name.replace("_", "-") if place == "header" else name
    marker = f"{_MARKERS[place]}({'' if usual == wire else literal(wire)})"
    made = Argument(name, member.kind, marker, required=member.required)
    if usual == wire and place == "query":
        made.marker = "Query()" if isinstance(_bare(schemas.real(kind)), Listed | Choice) else ""
    return defaulted(made, member, where, schemas)


def defaulted(argument: Argument, member: Member, where: str, schemas: Schemas) -> Argument:
    """``argument`` with the default of ``member``; one that may be left out may be ``None``."""
    if member.given and isinstance(member.default, list | dict):
        schemas.notes.add(where, "`default` of a parameter that is a list", "no default")
    elif member.given and member.default is not None:
        argument.default = member.default
    return optional(argument)


def optional(argument: Argument) -> Argument:
    """``argument``, which may be ``None`` where it may be left out and has no default."""
    if not argument.required and argument.default is None:
        kind = argument.kind
        if kind == ANY or NONE in (kind.kinds if isinstance(kind, Choice) else ()):
            return argument
        argument.kind = Choice((*(kind.kinds if isinstance(kind, Choice) else (kind,)), NONE))
    return argument


def plain_kind(schema: Any, where: str, hint: str, schemas: Schemas) -> Kind:
    """The type of what travels as text: no object, and no list within a list."""
    kind = schemas.of(schema, where, hint)
    if not _structured(kind, schemas):
        return kind
    schemas.notes.add(where, "a parameter with parts", "give it as the program wants it, as text")
    listed = isinstance(_bare(schemas.real(kind)), Listed | Row)
    return Listed(Plain("str")) if listed else Plain("str")


def _structured(kind: Kind, schemas: Schemas, depth: int = 0) -> bool:
    match _bare(schemas.real(kind)):
        case Table() | Named() | Row():
            return True
        case Listed(item):
            return depth > 0 or _structured(item, schemas, 1)
        case Choice(kinds):
            return any(_structured(each, schemas, depth) for each in kinds)
        case _:
            return False


def _list(
    parameter: Values, kind: Kind, where: str, place: str, style: str, schemas: Schemas
) -> Kind:
    if place in ("query", "cookie") and style in _SEPARATED:
        if parameter.get("explode", style == "form") is not False and style == "form":
            return kind
        told = f"a list joined by {_SEPARATED[style]}"
        schemas.notes.add(where, told, "give it as one text")
        return Plain("str")
    if place == "header":
        return kind
    schemas.notes.add(where, f"a list in the {place}, style {style}", "give it as one text")
    return Plain("str")


def without_none(kind: Kind) -> Kind:
    """``kind`` without ``None``: what travels as text is left out instead."""
    if isinstance(kind, Choice) and NONE in kind.kinds:
        kinds = tuple(each for each in kind.kinds if each != NONE)
        return kinds[0] if len(kinds) == 1 else Choice(kinds)
    return Plain("str") if kind == NONE else kind


def _bare(kind: Kind) -> Kind:
    return kind.kind if isinstance(kind, Noted) else kind


def _is_token(name: str) -> bool:
    return name.isascii() and all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name)
