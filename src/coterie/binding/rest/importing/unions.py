"""oneOf, anyOf and discriminators: unions that a decoder can tell apart."""

from typing import Any, Protocol

from .document import Document, Values
from .kinds import (
    ANY,
    NONE,
    Choice,
    Kind,
    Listed,
    Named,
    Noted,
    Plain,
    Record,
    Row,
    Table,
    Words,
    either,
)
from .merging import annotated_reference
from .note import Notes
from .parts import properties, required

__all__ = ["Maker", "Unions"]

_TEXTS = frozenset(
    {"str", "bytes", "datetime.datetime", "datetime.date", "datetime.time", "UUID", "Decimal"}
)
_MOST = 60


class Maker(Protocol):
    """Who makes types of schemas: `coterie.binding.rest.importing.schemas.Schemas`."""

    document: Document
    notes: Notes

    def of(self, schema: Any, where: str, hint: str, depth: int = 0) -> Kind:
        """The type of ``schema``."""
        ...

    def record(self, kind: Kind) -> Record | None:
        """The struct that ``kind`` is."""
        ...

    def real(self, kind: Kind) -> Kind:
        """``kind`` itself, where it is another name of it."""
        ...

    def schema(self, record: Record) -> Values:
        """The schema that ``record`` is made of."""
        ...

    def struct(self, schema: Values, where: str, hint: str) -> Named:
        """A struct of an object's schema."""
        ...


class Unions:
    """Makes unions for one module."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._children: dict[str, list[str]] | None = None

    def of(self, word: str, schema: Values, where: str, hint: str, depth: int) -> Kind | None:
        """The type of a schema with ``oneOf`` or ``anyOf``; ``None`` where it only checks."""
        maker = self._maker
        options = [option for option in schema[word] if isinstance(option, dict)][:_MOST]
        base = {n: v for n, v in schema.items() if n not in (word, "discriminator", "nullable")}
        if len(schema[word]) > _MOST:
            maker.notes.add(where, f"`{word}` of more than {_MOST}", "the first ones are taken")
        if not options or not any(map(_says_type, options)):
            if base.keys() & {"type", "properties", "items", "additionalProperties"}:
                maker.notes.add(where, f"`{word}` that only asks for more", "not checked")
                rest = {name: v for name, v in schema.items() if name not in ("oneOf", "anyOf")}
                return maker.of(rest, where, hint, depth + 1)
            return None if not options else ANY
        if "properties" in base:
            options = [{"allOf": [base, option]} for option in options]
        kinds = [
            maker.of(option, f"{where}/{word}/{number}", _hint(option, hint, number), depth + 1)
            for number, option in enumerate(options)
        ]
        discriminator = schema.get("discriminator")
        if isinstance(discriminator, dict):
            self._tag(discriminator, options, kinds, where)
        return self.tidy(kinds, where, hint, options)

    def family(self, target: Values, place: str) -> Kind | None:
        """Of a schema whose discriminator chooses among those that build on it: any of them."""
        discriminator = target.get("discriminator")
        if not isinstance(discriminator, dict) or "oneOf" in target or "anyOf" in target:
            return None
        children = self._known_children().get(place, [])
        if not children:
            return None
        options = [{"$ref": child} for child in children]
        kinds = [self._maker.of(o, place, "") for o in options]
        self._tag(discriminator, options, kinds, place)
        records = [self._maker.record(kind) for kind in kinds]
        if any(record is None or record.tag is None for record in records):
            return None
        return self.tidy(kinds, place, "")

    def tidy(
        self, kinds: list[Kind], where: str, hint: str, options: list[Values] | None = None
    ) -> Kind:
        """``kinds`` as a union that can be decoded: one text, one object, one list at most."""
        flat = self._flat(kinds)
        if ANY in flat:
            return ANY
        if len([kind for kind in flat if kind != NONE]) == 1:
            return either(*flat)
        texts = [kind for kind in flat if _is_text(kind)]
        lists = [kind for kind in flat if isinstance(_bare(kind), Listed | Row)]
        tables = [kind for kind in flat if isinstance(_bare(kind), Table | Named)]
        others = [kind for kind in flat if kind not in (*texts, *lists, *tables)]
        found = [*self._texts(texts, where, mixed=bool(lists or tables))]
        found += _numbers(others, self._maker.notes, where)
        found += self._objects(tables, where, hint, options or [])
        found += self._lists(lists, where, hint)
        return either(*found)

    def _flat(self, kinds: list[Kind]) -> list[Kind]:
        found: dict[Kind, None] = {}
        waiting = list(kinds)
        while waiting:
            kind = waiting.pop(0)
            real = self._maker.real(kind)
            if isinstance(real, Choice):
                waiting[:0] = real.kinds
            else:
                found[real if isinstance(real, Named) else kind if _simple(kind) else real] = None
        return list(found)

    def _texts(self, kinds: list[Kind], where: str, *, mixed: bool) -> list[Kind]:
        if mixed:
            # The decoder is not told of a pattern beside a list or an object: it cannot bear it.
            bare = [_without_pattern(kind) for kind in kinds]
            if bare != kinds:
                self._maker.notes.add(
                    where, "a `pattern` beside a list or an object", "not checked"
                )
            kinds = list(dict.fromkeys(bare))
        if len(kinds) < 2:
            return kinds
        if all(isinstance(kind, Words) for kind in kinds):
            values = [v for kind in kinds if isinstance(kind, Words) for v in kind.values]
            return [Words(tuple(dict.fromkeys(values)))]
        self._maker.notes.add(where, "several kinds of text", "any text is taken")
        return [Plain("str")]

    def _lists(self, kinds: list[Kind], where: str, hint: str) -> list[Kind]:
        if len(kinds) < 2:
            return kinds
        items: list[Kind] = []
        for kind in kinds:
            bare = _bare(kind)
            items += [bare.item] if isinstance(bare, Listed) else [ANY]
        self._maker.notes.add(where, "several kinds of list", "a list of items of any of them")
        return [Listed(self.tidy(items, where, f"{hint} item"))]

    def _objects(
        self, kinds: list[Kind], where: str, hint: str, options: list[Values]
    ) -> list[Kind]:
        if len(kinds) < 2 or self._told_apart(kinds):
            return kinds
        if self._tag_by_constants(kinds):
            return kinds
        wide: Kind = Table(ANY)
        records = [self._maker.record(kind) for kind in kinds]
        if not all(isinstance(kind, Named) for kind in kinds) or not options:
            self._maker.notes.add(where, "several kinds of object that nothing tells apart", _DICT)
            return [wide]
        schemas = [self._maker.schema(record) for record in records if record is not None]
        together = _together(schemas, hint)
        if together is None:
            self._maker.notes.add(where, "several kinds of object that nothing tells apart", _DICT)
            return [wide]
        what = "several kinds of object that nothing tells apart"
        self._maker.notes.add(where, what, "one struct with the members of all")
        return [self._maker.struct(together, where, hint)]

    def _told_apart(self, kinds: list[Kind]) -> bool:
        tags: list[tuple[str, str | int]] = []
        for kind in kinds:
            record = self._maker.record(kind)
            if record is None or record.tag is None:
                return False
            tags.append(record.tag)
        return len({field for field, _ in tags}) == 1 and len(set(tags)) == len(tags)

    def _tag(
        self, discriminator: Values, options: list[Values], kinds: list[Kind], where: str
    ) -> None:
        """Give each of ``kinds`` the value that tells it, if each has one and no other."""
        field, mapping = discriminator.get("propertyName"), discriminator.get("mapping")
        values: dict[str, list[str]] = {}
        for value, target in (mapping if isinstance(mapping, dict) else {}).items():
            place = str(target) if "#" in str(target) else f"#/components/schemas/{target}"
            values.setdefault(place, []).append(str(value))
        chosen: list[tuple[Record, str]] = []
        for option, kind in zip(options, kinds, strict=True):
            reference = _reference(option)
            record = self._maker.record(kind)
            told = values.get(reference, [reference.rpartition("/")[2]])
            if not reference or record is None or len(told) != 1:
                break
            if record.tag not in (None, (field, told[0])):
                break
            chosen.append((record, told[0]))
        else:
            if isinstance(field, str) and len({r.name for r, _ in chosen}) == len(kinds):
                for record, value in chosen:
                    record.tag = (field, value)
                return
        what = "a discriminator that does not tell each of several structs by one value of its own"
        self._maker.notes.add(where, what, "see what became of the union there")

    def _tag_by_constants(self, kinds: list[Kind]) -> bool:
        """Structs that each hold a constant of their own under one name are told by it."""
        found: dict[str, list[str | int]] = {}
        records = [self._maker.record(kind) for kind in kinds]
        for record in records:
            if record is None:
                return False
            schema = self._maker.schema(record)
            for name, value in _constants(schema, self._maker.document, record.where):
                found.setdefault(name, []).append(value)
        for name, values in found.items():
            apart = (
                len(values) == len(kinds) == len(set(values)) and len(set(map(type, values))) == 1
            )
            known = [r for r in records if r is not None]
            if apart and all(
                r.tag in (None, (name, v)) for r, v in zip(known, values, strict=True)
            ):
                for record, value in zip(known, values, strict=True):
                    record.tag = (name, value)
                return True
        return False

    def _known_children(self) -> dict[str, list[str]]:
        if self._children is None:
            self._children = {}
            components = self._maker.document.root.get("components")
            schemas = components.get("schemas") if isinstance(components, dict) else None
            for name, schema in (schemas if isinstance(schemas, dict) else {}).items():
                own = f"#/components/schemas/{str(name).replace('~', '~0').replace('/', '~1')}"
                parts = schema.get("allOf") if isinstance(schema, dict) else None
                for part in parts if isinstance(parts, list) else ():
                    if isinstance(part, dict) and isinstance(part.get("$ref"), str):
                        self._children.setdefault(part["$ref"], []).append(own)
        return self._children


_DICT = "a dict with any members"


def _says_type(option: Values) -> bool:
    return bool(option.keys() - {"required", "description", "title", "not", "minProperties"})


def _hint(option: Values, hint: str, number: int) -> str:
    title = option.get("title")
    return title if isinstance(title, str) and title else f"{hint} {number + 1}"


def _reference(option: Values) -> str:
    """The place a member of a union leads to, also where members were laid under it."""
    found = annotated_reference(option)
    if found is None and isinstance(option.get("allOf"), list):
        parts = [part for part in option["allOf"] if isinstance(part, dict)]
        found = next((r for r in map(annotated_reference, parts) if r), None)
    return found or ""


def _bare(kind: Kind) -> Kind:
    return kind.kind if isinstance(kind, Noted) else kind


def _simple(kind: Kind) -> bool:
    return not isinstance(kind, Named)


def _is_text(kind: Kind) -> bool:
    bare = _bare(kind)
    if isinstance(bare, Words):
        return any(isinstance(value, str) for value in bare.values)
    return isinstance(bare, Plain) and bare.name in _TEXTS


def _without_pattern(kind: Kind) -> Kind:
    if not isinstance(kind, Noted):
        return kind
    meta = tuple(pair for pair in kind.meta if pair[0] != "pattern")
    return Noted(kind.kind, meta) if meta else kind.kind


def _numbers(kinds: list[Kind], notes: Notes, where: str) -> list[Kind]:
    found: list[Kind] = []
    for name in ("bool", "int", "float"):
        same = [k for k in kinds if _bare(k) == Plain(name)]
        if len(same) > 1:
            notes.add(where, "several ranges of numbers", "any number is taken")
        found += same if len(same) < 2 else [Plain(name)]
    values = [v for k in kinds if isinstance(k, Words) for v in k.values]
    if values:
        whole = any(_bare(k) == Plain("int") for k in found)
        found += [] if whole else [Words(tuple(dict.fromkeys(values)))]
    return [*found, *([NONE] if NONE in kinds else [])]


def _constants(schema: Values, document: Document, where: str) -> list[tuple[str, str | int]]:
    found: list[tuple[str, str | int]] = []
    needed = required(schema)
    for name, told in properties(schema).items():
        if not isinstance(told, dict) or name not in needed:
            continue
        whole, _ = document.follow(told, where)
        values = [whole["const"]] if "const" in whole else whole.get("enum")
        if isinstance(values, list) and len(values) == 1 and type(values[0]) in (str, int):
            found.append((str(name), values[0]))
    return found


def _together(schemas: list[Values], hint: str) -> Values | None:
    """One object with the members of all: those are required that all require."""
    members: dict[str, list[Any]] = {}
    for schema in schemas:
        for name, told in properties(schema).items():
            known = members.setdefault(name, [])
            if told not in known:
                known.append(told)
    if not members or hint.count(" ") > 12 or len(members) > 400:
        return None
    needed = set[str].intersection(*(required(schema) for schema in schemas))
    return {
        "type": "object",
        "properties": {n: v[0] if len(v) == 1 else {"anyOf": v} for n, v in members.items()},
        "required": sorted(needed),
    }
