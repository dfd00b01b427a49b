"""What the schemas of two OpenAPI documents mean, held against each other.

Two schemas mean the same if they take the same values, as far as types, members, required members,
constants, constraints and unions tell. Words about them (descriptions, examples, titles), hints
(formats without a type of their own) and how they are cut into components do not count, nor does
which of two spellings is used: `nullable` or a type `null`, `const` or an `enum` of one, `allOf`
or its parts written out.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

__all__ = ["Placed", "Side", "differences"]

Placed: TypeAlias = tuple[Any, str]
"""A schema and where it stands."""

_BOUNDS = (
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "pattern", "minItems", "maxItems"),
    *("minProperties", "maxProperties"),
)
# Formats that are types of their own; all others are hints.
_TYPED = ("date-time", "date", "time", "uuid", "decimal", "binary", "byte", "base64")
_DEEPEST = 12


class Side:
    """One of the two documents."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def follow(self, value: Any, where: str = "") -> Placed:
        """What a reference leads to, and its place."""
        while isinstance(value, dict) and isinstance(value.get("$ref"), str):
            where = value["$ref"]
            value = self.document
            for piece in where.partition("#/")[2].split("/"):
                name = piece.replace("~1", "/").replace("~0", "~")
                value = value[int(name)] if isinstance(value, list) else value[name]
        return value, where

    def meaning(self, schema: Any, where: str) -> "Meaning":
        """The schema at ``where``, its parts folded."""
        made = Meaning(where)
        self._fold(schema, made, where, 0)
        return made

    def _fold(self, schema: Any, made: "Meaning", where: str, depth: int) -> None:
        schema, place = self.follow(schema, where)
        if place != where and made.where == where:
            made.where = place
        if not isinstance(schema, dict) or depth > _DEEPEST:
            return
        for number, part in enumerate(schema.get("allOf", ())):
            self._fold(part, made, f"{place}/allOf/{number}", depth + 1)
        made.of_type(schema)
        made.of_parts(schema, place)


class Meaning:
    """What a schema asks for."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.null = False
        self.types: set[str] = set()
        self.values: set[str] | None = None
        self.members: dict[str, Placed] = {}
        self.required: set[str] = set()
        self.item: Placed | None = None
        self.extra: Placed | None = None
        self.options: list[Placed] = []
        self.tag: str | None = None
        self.bounds: dict[str, Any] = {}
        self.form: str | None = None

    def of_type(self, schema: Mapping[str, Any]) -> None:
        """Note its type, its constants and its bounds."""
        kinds = schema.get("type", [])
        told = set(kinds) if isinstance(kinds, list) else {kinds}
        self.null = self.null or "null" in told or schema.get("nullable") is True
        self.types = told - {"null"} or self.types
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if isinstance(values, list):
            self.null = self.null or None in values
            self.values = {repr(value) for value in values if value is not None} or None
            if self.values == {"True", "False"}:
                self.values, self.types = None, {"boolean"}
            elif values == [None]:
                self.types = set()
        self.bounds |= _bounds(schema)
        if schema.get("format") in _TYPED:
            self.form = schema["format"]

    def of_parts(self, schema: Mapping[str, Any], where: str) -> None:
        """Note its members, its items and its choices."""
        for name, inside in schema.get("properties", {}).items():
            self.members.setdefault(name, (inside, f"{where}/properties/{name}"))
        self.required |= set(schema.get("required", ()))
        if "items" in schema:
            self.item = (schema["items"], f"{where}/items")
        extra = schema.get("additionalProperties", True)
        if extra is False or isinstance(extra, dict):
            self.extra = (extra, f"{where}/additionalProperties")
        for word in ("oneOf", "anyOf"):
            for number, option in enumerate(schema.get(word, ())):
                self.options.append((option, f"{where}/{word}/{number}"))
        tag = schema.get("discriminator")
        if isinstance(tag, dict):
            self.tag = str(tag.get("propertyName"))

    @property
    def kind(self) -> str:
        """Its type, also where that is only to be seen."""
        if self.values is not None:
            return "values"
        if not self.types:
            return "object" if self.members or self.extra else "array" if self.item else ""
        return "+".join(sorted(self.types))


def _bounds(schema: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: schema[name] for name in _BOUNDS if name in schema}
    for word, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(found.get(word), bool) and found.pop(word) and plain in found:
            found[word] = found.pop(plain)
    for name in ("minLength", "minItems", "minProperties"):
        if found.get(name) == 0:
            del found[name]
    return found


def differences(before: Side, after: Side, old: Any, new: Any, where: str) -> set[str]:
    """The places in the first document of what does not mean the same in the second, and what it is.

    ``old`` stands at ``where``, ``new`` anywhere. A place and a word: ``#/.../name type``.
    """
    return Comparison(before, after).of((old, where), (new, ""))


class Comparison:
    """Compares each pair of places once; what holds itself is the same until proven otherwise."""

    def __init__(self, before: Side, after: Side) -> None:
        self.before = before
        self.after = after
        self.known: dict[tuple[str, str, str | None], set[str]] = {}

    def of(self, old: Placed, new: Placed, tag: str | None = None) -> set[str]:
        """The differences of two schemas; a member called ``tag`` does not count."""
        first, second = self.before.meaning(*old), self.after.meaning(*new)
        key = (first.where, second.where, tag)
        if key not in self.known:
            self.known[key] = set()
            self.known[key] = set(self._compared(first, second, tag))
        return self.known[key]

    def _compared(self, first: Meaning, second: Meaning, tag: str | None) -> Iterator[str]:
        first, second = _single(self.before, first), _single(self.after, second)
        if first.null != second.null and (first.kind or first.options or second.kind):
            yield f"{first.where} null"
        if first.options or second.options:
            yield from self._options(first, second)
        elif (first.kind, first.values, first.form) != (second.kind, second.values, second.form):
            yield f"{first.where} type"
        else:
            if first.bounds != second.bounds:
                yield f"{first.where} bounds"
            yield from self._members(first, second, {tag, first.tag, second.tag})
            yield from self._inside(first, second)

    def _members(self, first: Meaning, second: Meaning, tags: set[str | None]) -> Iterator[str]:
        if first.required - tags != second.required - tags:
            yield f"{first.where} required"
        for name in (first.members.keys() | second.members.keys()) - tags:
            if name in first.members and name in second.members:
                yield from self.of(first.members[name], second.members[name])
            elif not (name in first.required and name in second.required):
                yield f"{first.where}/properties/{name} member"

    def _inside(self, first: Meaning, second: Meaning) -> Iterator[str]:
        for one, two in ((first.item, second.item), (first.extra, second.extra)):
            said = [each for each in (one, two) if each is not None]
            if one is None or two is None:
                if any(each[0] is False or each[0] for each in said):
                    yield f"{first.where} inside"
            elif one[0] is False or two[0] is False:
                if one[0] != two[0]:
                    yield f"{first.where} closed"
            else:
                yield from self.of(one, two)

    def _options(self, first: Meaning, second: Meaning) -> Iterator[str]:
        """Each choice has one that means the same, or comes nearest to it."""
        mine, theirs = _leaves(self.before, first), _leaves(self.after, second)
        if len(mine) != len(theirs):
            yield f"{first.where} union"
            return
        tag = first.tag or second.tag
        for option in mine:
            yield from min((self.of(option, other, tag) for other in theirs), key=len)


def _single(side: Side, meaning: Meaning) -> Meaning:
    """A union of one type and null is that type, which may be null; one of constants is constants."""
    while meaning.options and not meaning.members:
        inside = [(o, side.meaning(*o)) for o in meaning.options]
        rest = [(o, m) for o, m in inside if m.kind or m.options or not m.null]
        null = meaning.null or len(rest) < len(inside)
        if len(rest) == 1:
            meaning = rest[0][1]
            meaning.null = meaning.null or null
            continue
        meaning.null = null or any(m.null for _, m in rest)
        meaning.options = [option for option, _ in rest]
        if rest and all(m.kind == "values" for _, m in rest):
            values: set[str] = set()
            meaning.values = values.union(*(m.values or set() for _, m in rest))
            meaning.options = []
        return meaning
    return meaning


def _leaves(side: Side, meaning: Meaning) -> list[Placed]:
    found: list[Placed] = []
    for option in meaning.options:
        inner = side.meaning(*option)
        if inner.options and not inner.members:
            meaning.tag = meaning.tag or inner.tag
            found += _leaves(side, inner)
        else:
            found.append(option)
    return found or [({"type": sorted(meaning.types)} if meaning.types else {}, meaning.where)]
