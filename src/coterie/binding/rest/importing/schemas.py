"""Schemas as types: each object becomes a struct, what has a name keeps it."""

from collections import deque
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from .document import Document, Values
from .kinds import (
    ANY,
    NONE,
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
    either,
    mentioned,
    spoken_of,
)
from .merging import annotated_reference, merged
from .names import Names, can_be_renamed
from .note import Notes, Unreadable
from .parts import properties, text
from .parts import required as needed_of
from .scalars import bounds, scalar, words
from .unions import Unions

__all__ = ["Schemas"]

_DEEPEST = 60
_MOST = 20_000

# What a type cannot say: the word, and what is done instead.
_UNSAID = {
    "not": "not checked",
    "if": "not checked",
    "patternProperties": "members of any name are taken",
    "propertyNames": "members of any name are taken",
    "dependentRequired": "not checked",
    "dependentSchemas": "not checked",
    "dependencies": "not checked",
    "unevaluatedProperties": "not checked",
    "unevaluatedItems": "not checked",
    "contains": "not checked",
    "contentSchema": "taken as text",
    "$dynamicRef": "taken as any value",
    "xml": "JSON alone is spoken",
}
_OBJECT = ("properties", "additionalProperties", "required", "patternProperties")
_ARRAY = ("items", "prefixItems")


class Schemas:
    """The types of one module, made as they are asked for."""

    def __init__(self, document: Document, notes: Notes, names: Names) -> None:
        self.document = document
        self.notes = notes
        self.names = names
        self.defined: dict[str, Record | Alias] = {}
        self._places: dict[str, Kind | None] = {}
        self._same: dict[bytes, Named] = {}
        self._schemas: dict[str, Values] = {}
        self._waiting: deque[tuple[Record, Values, str]] = deque()
        self._unions = Unions(self)

    def of(self, schema: Any, where: str, hint: str, depth: int = 0) -> Kind:
        """The type of ``schema``; ``hint`` names it where it has no name of its own."""
        if schema is True or schema == {}:
            return ANY
        if not isinstance(schema, dict) or depth > _DEEPEST:
            self.notes.add(where, "a schema that is none, `false`, or nested too deep", "any value")
            return ANY
        schema = self.document.composed(schema)
        reference = annotated_reference(schema)
        if reference is not None:
            kind = self._at(reference, where, hint, depth)
            return either(kind, NONE) if schema.get("nullable") is True else kind
        return self._inline(schema, where, hint, depth)

    def finish(self) -> None:
        """Make the members of every struct that was asked for, and of those that they ask for."""
        while self._waiting:
            record, schema, where = self._waiting.popleft()
            self._fill(record, schema, where)

    def record(self, kind: Kind) -> Record | None:
        """The struct that ``kind`` is, by whatever name."""
        while isinstance(kind, Named):
            found = self.defined[kind.name]
            if isinstance(found, Record):
                return found
            kind = found.kind
        return None

    def real(self, kind: Kind) -> Kind:
        """``kind`` itself, where it is another name of it."""
        while isinstance(kind, Named):
            found = self.defined[kind.name]
            if isinstance(found, Record):
                return kind
            kind = found.kind
        return kind

    def schema(self, record: Record) -> Values:
        """The schema that ``record`` is made of, its parts merged."""
        return self._schemas[record.name]

    def whole(self, schema: Values, where: str) -> tuple[Values, str]:
        """``schema`` with its references followed and its parts merged, and its place."""
        _, at = self.document.follow(schema, where)
        return merged(schema, where, self.document, self.notes), at

    def keep(self, kinds: Iterable[Kind]) -> None:
        """Drop all types that none of ``kinds`` speaks of, directly or through others."""
        waiting = {name for kind in kinds for name in mentioned(kind)}
        kept: set[str] = set()
        while waiting:
            name = waiting.pop()
            kept.add(name)
            waiting |= spoken_of(self.defined[name]) - kept
        self.defined = {name: one for name, one in self.defined.items() if name in kept}

    def struct(self, schema: Values, where: str, hint: str) -> Named:
        """A struct of an object's schema; equal ones without a name are one."""
        key = msgspec.json.encode([self.document.absolute("#", where), schema], enc_hook=str)
        known = self._same.get(key)
        if known is None:
            known = self._same[key] = self._new(schema, where, hint)
        return known

    def _new(self, schema: Values, where: str, hint: str) -> Named:
        if len(self.defined) > _MOST:
            what = f"more than {_MOST} types come of it"
            raise Unreadable(where, what, "Import a part of it")
        name = self.names.of_type(hint)
        record = Record(name, where, text(schema.get("description")))
        record.closed = _is_closed(schema)
        self.defined[name] = record
        self._schemas[name] = schema
        self._waiting.append((record, schema, where))
        return Named(name)

    def _at(self, reference: str, where: str, hint: str, depth: int) -> Kind:
        place = self.document.absolute(reference, where)
        if place in self._places:
            known = self._places[place]
            if known is None:
                self.notes.add(place, "a type that is nothing but itself", "any value")
                return ANY
            return known
        target = self.document.target(reference, where)
        self._places[place] = None
        if isinstance(target, dict) and annotated_reference(target) is None:
            whole = merged(target, place, self.document, self.notes)
            name = _last(place) or hint
            family = self._unions.family(target, place)
            kind: Kind
            if family is not None:
                kind = self.aliased(family, name)
            elif _is_struct(whole):
                self._say(whole, place)
                kind = self._new(whole, place, name)
                kind = either(kind, NONE) if _nullable(whole) else kind
            else:
                kind = self.aliased(self._inline(target, place, name, depth + 1), name)
        else:
            kind = self.of(target, place, hint, depth + 1)
        return self._keep(place, kind)

    def _keep(self, place: str, kind: Kind) -> Kind:
        self._places[place] = kind
        return kind

    def aliased(self, kind: Kind, name: str) -> Kind:
        """A name for what is worth one."""
        if isinstance(kind, Plain | Named):
            return kind
        alias = Alias(self.names.of_type(name), kind)
        self.defined[alias.name] = alias
        return Named(alias.name)

    def _inline(self, schema: Values, where: str, hint: str, depth: int) -> Kind:
        whole = merged(schema, where, self.document, self.notes)
        self._say(whole, where)
        kind = self._whole(whole, where, hint, depth + 1)
        return either(kind, NONE) if whole.get("nullable") is True else kind

    def _whole(self, schema: Values, where: str, hint: str, depth: int) -> Kind:
        if "const" in schema:
            return words([schema["const"]], where, self.notes)
        if isinstance(schema.get("enum"), list):
            return words(schema["enum"], where, self.notes)
        for word in ("oneOf", "anyOf"):
            if isinstance(schema.get(word), list):
                found = self._unions.of(word, schema, where, hint, depth)
                if found is not None:
                    return found
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return self._several(kinds, schema, where, hint, depth)
        if kinds is None:
            kinds = next(
                (k for k, signs in _SIGNS.items() if any(s in schema for s in signs)), None
            )
        if kinds == "object":
            return self._object(schema, where, hint, depth)
        if kinds == "array":
            return self._array(schema, where, hint, depth)
        return ANY if kinds is None else scalar(str(kinds), schema, where, self.notes)

    def _several(self, kinds: list[Any], schema: Values, where: str, hint: str, depth: int) -> Kind:
        if {"string", "number"} == set(map(str, kinds)) and schema.get("format") == "decimal":
            return Plain("Decimal")
        found: list[Kind] = [
            self._whole(_only({**schema, "type": kind}), where, hint, depth + 1) for kind in kinds
        ]
        return self._unions.tidy(found, where, hint) if found else ANY

    def _object(self, schema: Values, where: str, hint: str, depth: int) -> Kind:
        if _is_struct(schema):
            return self.struct(schema, where, hint)
        others = schema.get("additionalProperties", True)
        value: Kind = ANY
        if isinstance(others, dict):
            value = self.of(others, f"{where}/additionalProperties", f"{hint} value", depth + 1)
        elif _is_closed(schema):
            return self.struct(schema, where, hint)
        return bounds(Table(value), "dict", schema, where, self.notes)

    def _array(self, schema: Values, where: str, hint: str, depth: int) -> Kind:
        if schema.get("uniqueItems") is True:
            self.notes.add(where, "`uniqueItems`", "a list, in its order; not checked")
        places = schema.get("prefixItems")
        if isinstance(places, list) and places:
            if schema.get("maxItems") == len(places) == schema.get("minItems"):
                return Row(
                    tuple(
                        self.of(item, f"{where}/prefixItems/{n}", f"{hint} {n + 1}", depth + 1)
                        for n, item in enumerate(places)
                    )
                )
            self.notes.add(where, "`prefixItems` of any number", "a list of any values")
            return Listed(ANY)
        item = self.of(schema.get("items", {}), f"{where}/items", f"{hint} item", depth + 1)
        return bounds(Listed(item), "list", schema, where, self.notes)

    def _fill(self, record: Record, schema: Values, where: str) -> None:
        needed = needed_of(schema)
        inside = properties(schema)
        # What must be there, and nothing is said of, is anything.
        missing = sorted(needed - {str(name) for name in inside})
        names = Names()
        for number, (wire, told) in enumerate((inside | dict.fromkeys(missing, True)).items(), 1):
            place = f"{where}/properties/{wire}"
            if not can_be_renamed(str(wire)):
                self.notes.add(where, f"a member called {wire!r}", "left out: no field can be")
                continue
            kind = self.of(told, place, f"{record.name} {wire}")
            name = names.of_value(str(wire), f"field_{number}")
            record.members.append(
                self.member(str(wire), name, kind, told, place, required=wire in needed)
            )

    def member(
        self, wire: str, name: str, kind: Kind, schema: Any, where: str, *, required: bool
    ) -> Member:
        """A member of a struct, with what its schema says of it."""
        if not isinstance(schema, dict):
            return Member(wire, name, kind, required)
        for word, direction in (("readOnly", "answers"), ("writeOnly", "requests")):
            if schema.get(word) is True:
                done = "may be left out" if required else "stands in both directions"
                self.notes.add(where, f"`{word}`: it is in {direction} alone", done)
                required = False
        if schema.get("deprecated") is True:
            self.notes.add(where, "`deprecated` at a member", "not told")
        described = text(schema.get("description"))
        made = Member(wire, name, described_kind(kind, described), required)
        if "default" in schema:
            value = schema["default"]
            if required or not self.fits(value, kind):
                why = "required" if required else "of another type than its default"
                self.notes.add(where, f"`default` of what is {why}", "no default")
            else:
                made.given, made.default = True, value
        return made

    def fits(self, value: Any, kind: Kind) -> bool:
        """Whether ``value`` can stand in Python as the default of a member of this type."""
        match self.real(kind):
            case Noted(inner, meta):
                return self.fits(value, inner) and _within(value, dict(meta))
            case Plain("Any"):
                return isinstance(value, str | bool | None) or value in ([], {})
            case Plain(name):
                return type(value) in _PYTHON.get(name, ()) and _small(value)
            case Words(values):
                return any(value == each and type(value) is type(each) for each in values)
            case Listed():
                return isinstance(value, list) and not value
            case Table():
                return isinstance(value, dict) and not value
            case Choice(kinds):
                return any(self.fits(value, each) for each in kinds)
            case _:
                return False

    def _say(self, schema: Values, where: str) -> None:
        for word, instead in _UNSAID.items():
            if word in schema:
                self.notes.add(where, f"`{word}`", instead)
        others = schema.get("additionalProperties")
        if properties(schema) and (others is True or isinstance(others, dict)):
            what = "`additionalProperties` beside named ones"
            self.notes.add(where, what, "what has no name there is not kept")
        for word in ("minProperties", "maxProperties"):
            if properties(schema) and word in schema:
                self.notes.add(where, f"`{word}` of an object with named members", "not checked")


_SIGNS = {"object": _OBJECT, "array": _ARRAY}
_PYTHON: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "None": (type(None),),
}
_OF_TYPE = {
    "string": ("minLength", "maxLength", "pattern", "format", "contentEncoding"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    "object": (*_OBJECT, "minProperties", "maxProperties"),
}


def described_kind(kind: Kind, description: str) -> Kind:
    """``kind`` with a description in its ``Meta``."""
    if not description:
        return kind
    inner, meta = (kind.kind, kind.meta) if isinstance(kind, Noted) else (kind, ())
    return Noted(inner, (*meta, ("description", description)))


def _small(value: Any) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _within(value: Any, meta: Values) -> bool:
    try:
        known = {n: v for n, v in meta.items() if n != "tz"}
        msgspec.convert(value, Annotated[type(value), msgspec.Meta(**known)])
    except (msgspec.ValidationError, TypeError, ValueError):
        return False
    return True


def _only(schema: Values) -> Values:
    """A schema of one type, without the words about others."""
    kind = "number" if schema["type"] == "integer" else schema["type"]
    others = {word for name, of in _OF_TYPE.items() if name != kind for word in of}
    return {name: value for name, value in schema.items() if name not in others}


def _is_struct(schema: Values) -> bool:
    kind = schema.get("type", "object")
    plain = kind == "object" or (
        isinstance(kind, list) and set(map(str, kind)) == {"object", "null"}
    )
    if not plain or any(word in schema for word in ("oneOf", "anyOf", "enum", "const")):
        return False
    return bool(properties(schema)) or (_is_closed(schema) and "type" in schema)


def _is_closed(schema: Values) -> bool:
    return schema.get("additionalProperties") is False and not schema.get("patternProperties")


def _nullable(schema: Values) -> bool:
    kinds = schema.get("type")
    return schema.get("nullable") is True or (isinstance(kinds, list) and "null" in kinds)


def _last(place: str) -> str:
    return place.partition("#")[2].rpartition("/")[2].replace("~1", "/").replace("~0", "~")
