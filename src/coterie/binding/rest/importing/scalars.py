"""Schemas without parts as types: text, numbers, dates, and the constraints on them."""

import math
from typing import Any

from .document import Values
from .kinds import ANY, NONE, Kind, Noted, Plain, Words, either
from .note import Notes
from .patterns import usable

__all__ = ["bounds", "scalar", "words"]

_INT64 = 2**63

_FORMATS: dict[tuple[str, str], Kind] = {
    ("string", "date-time"): Plain("datetime.datetime"),
    ("string", "date"): Plain("datetime.date"),
    ("string", "time"): Noted(Plain("datetime.time"), (("tz", True),)),
    ("string", "date-time-local"): Noted(Plain("datetime.datetime"), (("tz", False),)),
    ("string", "time-local"): Noted(Plain("datetime.time"), (("tz", False),)),
    ("string", "uuid"): Plain("UUID"),
    ("string", "decimal"): Plain("Decimal"),
    ("string", "binary"): Plain("bytes"),
    ("string", "byte"): Plain("bytes"),
    ("string", "base64"): Plain("bytes"),
}
_TYPES = {
    "string": Plain("str"),
    "integer": Plain("int"),
    "number": Plain("float"),
    "boolean": Plain("bool"),
    "null": NONE,
}
# Read as they come: what they say of the type is in the type.
_SAID = frozenset({"int32", "int64", "float", "double", "date-time", "date", "uuid"})
_BOUNDS = {
    "str": {"minLength": "min_length", "maxLength": "max_length", "pattern": "pattern"},
    "bytes": {},
    "list": {"minItems": "min_length", "maxItems": "max_length"},
    "dict": {"minProperties": "min_length", "maxProperties": "max_length"},
}
_NUMBER = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
}
_EVERY = {*_NUMBER, *(name for names in _BOUNDS.values() for name in names)}


def scalar(kind: str, schema: Values, where: str, notes: Notes) -> Kind:
    """The type of a schema whose JSON type is ``kind``: no array and no object."""
    form = schema.get("format")
    if kind == "string" and schema.get("contentEncoding") == "base64":
        return Plain("bytes")  # its pattern says base64 once more
    found: Kind | None = _FORMATS.get((kind, form)) if isinstance(form, str) else None
    if found is None:
        if isinstance(form, str):
            notes.add(where, f"format {form!r}", "a hint; any value of the type is taken")
        found = _TYPES.get(kind, ANY)
        if found is ANY:
            notes.add(where, f"type {kind!r}", "taken as any value")
    if isinstance(found, Plain):
        return bounds(found, found.name, schema, where, notes)
    return found


def words(values: list[Any], where: str, notes: Notes) -> Kind:
    """One of ``values``. What ``Literal`` cannot hold is taken by its type alone."""
    kept: dict[tuple[type, Any], None] = {}
    others: list[Kind] = []
    for value in values:
        if isinstance(value, str) or (type(value) is int and -_INT64 <= value < _INT64):
            kept[type(value), value] = None
        elif value is None:
            others.append(NONE)
        else:
            wide = {bool: Plain("bool"), float: Plain("float"), int: Plain("int")}
            others.append(wide.get(type(value), ANY))
            if sorted(map(str, values)) != ["False", "True"]:
                told = "the values true and false" if isinstance(value, bool) else "the values"
                notes.add(where, f"an enum of other than texts and whole numbers: {told}", _WIDE)
    if Plain("int") in others or Plain("float") in others:
        kept = {key: None for key in kept if key[0] is not int}
    literal = Words(tuple(value for _, value in kept))
    return either(literal, *others) if kept else either(*others) if others else ANY


_WIDE = "taken by their type alone"


def bounds(kind: Kind, name: str, schema: Values, where: str, notes: Notes) -> Kind:
    """``kind`` with the constraints of ``schema`` that it can carry; ``name`` is its own."""
    found: dict[str, Any] = {}
    number = name in ("int", "float")
    table = _NUMBER if number else _BOUNDS.get(name, {})
    for word, value in _modern(schema).items():
        if word not in _EVERY:
            continue
        made = _bound(word, value, name) if word in table else None
        if made is not None:
            found[table[word]] = made
        elif value not in (0, None, "") or word in table:
            notes.add(
                where, f"`{word}`, where the type or the engine cannot hold it", "not checked"
            )
    for tight, loose in (("gt", "ge"), ("lt", "le")):
        if tight in found and loose in found:
            both = (found[tight], found[loose])
            strict = both[0] >= both[1] if tight == "gt" else both[0] <= both[1]
            del found[loose if strict else tight]
    if found.get("min_length") == 0:
        del found["min_length"]
    return Noted(kind, tuple(found.items())) if found else kind


def _modern(schema: Values) -> Values:
    """Bounds as since 3.1, where an exclusive one is a number of its own."""
    made = dict(schema)
    for exclusive, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(made.get(exclusive), bool) and made.pop(exclusive) and plain in made:
            made[exclusive] = made.pop(plain)
    return made


def _bound(word: str, value: Any, name: str) -> Any:
    if word == "pattern":
        return value if usable(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    if name == "float":
        return value if word != "multipleOf" or value > 0 else None
    if abs(value) >= _INT64 or value != int(value):
        return None
    value = int(value)
    if word == "multipleOf" or word not in _NUMBER:
        return value if value > (word == "multipleOf") - 1 else None
    return value
