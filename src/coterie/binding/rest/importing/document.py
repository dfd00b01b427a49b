"""Document: the values of an OpenAPI document, with every reference followed."""

from collections.abc import Callable, Iterator, Mapping
from posixpath import dirname, join, normpath
from typing import Any, TypeAlias
from urllib.parse import unquote

import msgspec

from .note import Unreadable
from .swagger import upgraded

__all__ = ["Document", "Fetch", "Values"]

Values: TypeAlias = dict[str, Any]

Fetch: TypeAlias = Callable[[str], Any]
"""Reads the document that a reference names beside this one. Raises `Unreadable`."""

_VERSIONS = ("3.0", "3.1", "3.2")
# What a schema may ask for beside a reference; since 3.1, before that it is to be ignored.
_ASKING = frozenset(
    {"allOf", "anyOf", "oneOf", "not", "if", "const", "enum", "pattern", "minLength", "maxLength"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems"}
    | {"maxItems", "items", "properties", "additionalProperties", "patternProperties"}
    | {"minProperties", "maxProperties", "unevaluatedProperties"}
)
_DEEPEST = 40
_MOST = 5_000_000


class Document:
    """An OpenAPI document of version 3; one of Swagger 2.0 is taken for what it means there.

    Raises `Unreadable` for values that are no such document.
    """

    def __init__(self, values: object, fetch: Fetch) -> None:
        self._fetch = fetch
        self._others: dict[str, Any] = {}
        self._composed: dict[int, tuple[Values, Values]] = {}
        self._asked: set[tuple[str, ...]] = set()
        self.root = _checked(_plain(values))
        self._old = str(self.root.get("openapi")).startswith("3.0")

    @property
    def paths(self) -> Mapping[str, Values]:
        """Path -> what may be done there. Raises `Unreadable` where one is no object."""
        found = self.root.get("paths", {})
        if not isinstance(found, dict) or not all(isinstance(v, dict) for v in found.values()):
            raise Unreadable("#/paths", "the paths are no object of objects", _MEND)
        return {str(path): inside for path, inside in found.items()}

    def follow(self, value: Any, where: str) -> tuple[Values, str]:
        """``value`` and its place, or what its ``$ref`` leads to, with its own place.

        Members beside a reference, a description say, go before those at its end.
        """
        beside: Values = {}
        for _ in range(_DEEPEST):
            if not isinstance(value, dict):
                raise Unreadable(where, f"an object is due, not {_shown(value)}", _MEND)
            value = self.composed(value)
            reference = value.get("$ref")
            if not isinstance(reference, str):
                return ({**value, **beside} if beside else value), where
            others = {k: v for k, v in value.items() if k in ("description", "summary")}
            beside = {**others, **beside}
            value, where = self.target(reference, where), self.absolute(reference, where)
        raise Unreadable(where, "references lead to one another without end", _MEND)

    def composed(self, schema: Values) -> Values:
        """``schema``; where it asks for more beside its ``$ref``, as 3.1 has it: both, in ``allOf``."""
        if not isinstance(schema.get("$ref"), str) or self._old or not _asks(schema):
            return schema
        if id(schema) not in self._composed:
            others = {
                name: value for name, value in schema.items() if name not in ("$ref", "allOf")
            }
            parts = schema.get("allOf")
            every = [{"$ref": schema["$ref"]}, *(parts if isinstance(parts, list) else ())]
            self._composed[id(schema)] = schema, {**others, "allOf": every}
        return self._composed[id(schema)][1]

    def absolute(self, reference: str, where: str) -> str:
        """The place that ``reference`` at ``where`` means: with the name of its file."""
        here = where.partition("#")[0] if "#" in where else ""
        file, _, pointer = reference.partition("#")
        if file and "://" not in file:
            file = normpath(join(dirname(here), unquote(file)))
        return f"{file or here}#{pointer}"

    def target(self, reference: str, where: str) -> Any:
        """What stands at the place that ``reference`` names. Raises `Unreadable`."""
        file, _, pointer = self.absolute(reference, where).partition("#")
        found: Any = self.root
        if file:
            if file not in self._others:
                self._others[file] = _plain(self._fetch(file))
            found = self._others[file]
        pieces = [
            unquote(piece).replace("~1", "/").replace("~0", "~") for piece in pointer.split("/")[1:]
        ]
        if not file:
            self._asked.add(tuple(pieces))
        for name in pieces:
            try:
                found = found[int(name)] if isinstance(found, list) else found[name]
            except (KeyError, IndexError, TypeError, ValueError):
                what = f"$ref {reference!r} leads to nothing"
                raise Unreadable(where, what, "Add what it names, or mend the reference") from None
        return found

    def unasked(self) -> Iterator[str]:
        """The names of its schemas that nothing has led to so far."""
        components = self.root.get("components")
        schemas = components.get("schemas") if isinstance(components, dict) else None
        for name in schemas if isinstance(schemas, dict) else ():
            if ("components", "schemas", name) not in self._asked:
                yield str(name)


_MEND = "Mend the document; `openapi-spec-validator FILE` names all that is wrong in it"


def _asks(schema: Values) -> bool:
    # That of a parameter is true or false.
    return bool(_ASKING & schema.keys()) or isinstance(schema.get("required"), list)


def _plain(values: object) -> Any:
    """``values`` as JSON has them: YAML knows dates, names that are no text, and parts that are shared.

    Raises `Unreadable` for more than anybody wrote: a few shared parts can stand for any number.
    """
    if _size(values, {}) > _MOST:
        what = f"it has more than {_MOST} values"
        raise Unreadable("", what, "Take out the YAML anchors, or import a part of it")
    try:
        plain: Any = msgspec.to_builtins(values, str_keys=True)
        msgspec.json.encode(plain)
    except UnicodeEncodeError:
        # A lone surrogate, which no source and no wire can hold.
        raise Unreadable("", "a text in it holds half a character", "Write it in UTF-8") from None
    except (TypeError, ValueError) as error:
        raise Unreadable("", f"it holds what JSON cannot: {error}", _MEND) from None
    return plain


def _size(value: Any, known: dict[int, int | None]) -> int:
    """How many values there are, a shared part as often as it is used; long texts count for many."""
    if isinstance(value, str):
        return 1 + (len(value) >> 6)
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        known[id(value)] = None
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(part, known) for part in parts)
    found = known[id(value)]
    if found is None:
        raise Unreadable("", "a part of it holds itself", "Take out the YAML anchors")
    return found


def _checked(values: object) -> Values:
    if not isinstance(values, dict):
        what = f"an OpenAPI document is an object, not {_shown(values)}"
        raise Unreadable("", what, "Is it the right file?")
    version = values.get("openapi", values.get("swagger"))
    if str(version) in ("2.0", "2"):
        values = upgraded(values)
    elif not (isinstance(version, str) and version.startswith(_VERSIONS)):
        what = 'it has no `openapi: 3...` nor `swagger: "2.0"`'
        if version is not None:
            what = f"its version is {_shown(version)}"
        raise Unreadable("", what, "OpenAPI 3.0, 3.1 and Swagger 2.0 are read")
    return values


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(value)[:60]
