"""Types as JSON Schema (2020-12); those with a name of their own become components."""

import inspect
from collections.abc import Collection, Iterable, Iterator
from typing import Any, get_origin

import msgspec
import msgspec.inspect as mi

from coterie.contract import Upload

from .names import names
from .plain import INTEGER, plain, plainly

__all__ = ["Schemas", "bare", "fields_of", "unwrap"]

_PREFIX = "#/components/schemas/"

_FILE: dict[str, Any] = {
    "type": "string",
    "format": "binary",
    "contentMediaType": "application/octet-stream",
}

_NAMED = (mi.StructType, mi.DataclassType, mi.TypedDictType, mi.NamedTupleType, mi.EnumType)
_RECORDS = (mi.StructType, mi.DataclassType, mi.TypedDictType, mi.NamedTupleType)
_MAPPINGS = (mi.DictType,)


class Schemas:
    """The schemas of one document.

    ``hints`` are all types it will be asked for, so that names can be told apart beforehand;
    ``taken`` are component names that are in use already.
    """

    def __init__(self, hints: Iterable[Any], taken: Collection[str] = ()) -> None:
        self._found: dict[Any, mi.Type] = {}
        for hint in hints:
            _collect(mi.type_info(hint), self._found)
        self._names = names(self._found, taken)
        self._written: dict[str, dict[str, Any]] = {}

    def of(self, hint: Any, *, null: bool = True) -> dict[str, Any]:
        """The schema of ``hint``; without ``None`` among its members unless ``null``."""
        info = mi.type_info(hint)
        return self._of(info if null else _without_none(info))

    def record(self, hint: Any, without: Collection[str] = ()) -> dict[str, Any]:
        """The schema of a struct, written out, less the fields named in ``without``."""
        info, _ = unwrap(mi.type_info(hint))
        return self._record(info, without)

    def name(self, kind: Any) -> str:
        """What a named type is called in the document."""
        return self._names[kind]

    def define(self, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        """Make ``schema`` a component of our own making; gives the reference to it."""
        self._written.setdefault(name, {"title": name, **schema})
        return {"$ref": _PREFIX + name}

    def components(self) -> dict[str, dict[str, Any]]:
        """The named schemas that were referred to so far, by name, in alphabetical order."""
        return dict(sorted(self._written.items()))

    def _of(self, info: mi.Type) -> dict[str, Any]:
        info, extra = unwrap(info)
        return {**self._bare(info), **extra}

    def _bare(self, info: mi.Type) -> dict[str, Any]:
        if isinstance(info, _NAMED):
            return _FILE if info.cls is Upload else self._refer(info)
        written = plain(info)
        return self._composed(info) if written is None else written

    def _refer(self, info: Any) -> dict[str, Any]:
        name = self._names[info.cls]
        if name not in self._written:
            self._written[name] = {}  # a type may hold itself
            made = self._enum(info) if isinstance(info, mi.EnumType) else self._record(info)
            self._written[name] = {"title": name, **made}
        return {"$ref": _PREFIX + name}

    def _enum(self, info: mi.EnumType) -> dict[str, Any]:
        values = [member.value for member in info.cls]
        kind = "integer" if isinstance(values[0], int) else "string"
        return {**_described(info), "type": kind, "enum": values}

    def _record(self, info: Any, without: Collection[str] = ()) -> dict[str, Any]:
        properties: dict[str, Any] = {}
        required: list[str] = []
        if isinstance(info, mi.StructType) and info.tag_field is not None:
            properties[info.tag_field] = {"const": info.tag}
            required.append(info.tag_field)
        for field in info.fields:
            if field.name in without:
                continue
            properties[field.encode_name] = {**self._of(field.type), **_default(field)}
            if field.required:
                required.append(field.encode_name)
        unknown = bool(getattr(info, "forbid_unknown_fields", False))
        if isinstance(info, mi.NamedTupleType) or getattr(info, "array_like", False):
            most = isinstance(info, mi.NamedTupleType) or unknown
            return {**_described(info), **_row(properties, len(required), bounded=most)}
        schema = {**_described(info), "type": "object", "properties": properties}
        if required:
            schema["required"] = required
        if unknown:
            schema["additionalProperties"] = False
        return schema

    def _composed(self, info: mi.Type) -> dict[str, Any]:
        if isinstance(info, mi.CollectionType):
            schema: dict[str, Any] = {"type": "array", "items": self._of(info.item_type)}
            if isinstance(info, mi.SetType | mi.FrozenSetType):
                schema["uniqueItems"] = True
            return {**schema, **_bounds("Items", info)}
        if isinstance(info, mi.TupleType):
            items = {str(place): self._of(item) for place, item in enumerate(info.item_types)}
            return _row(items, len(items), bounded=True)
        if isinstance(info, _MAPPINGS):
            schema = {"type": "object", "additionalProperties": self._of(info.value_type)}
            keys = self._keys(info.key_type)
            if keys:
                schema["propertyNames"] = keys
            return {**schema, **_bounds("Properties", info)}
        if isinstance(info, mi.UnionType):
            return self._union(info)
        raise TypeError(f"{info} has no schema; mark it with Meta(extra_json_schema=...)")

    def _keys(self, info: mi.Type) -> dict[str, Any]:
        schema = self._of(info)
        if schema.get("type") in ("integer", "number"):
            return {"pattern": INTEGER} if schema["type"] == "integer" else {}
        if "type" in schema:
            del schema["type"]  # the name of a member is text anyway
        return schema

    def _union(self, info: mi.UnionType) -> dict[str, Any]:
        members = [unwrap(member)[0] for member in info.types]
        null = any(isinstance(member, mi.NoneType) for member in members)
        tagged = [m for m in members if isinstance(m, mi.StructType) and m.tag_field is not None]
        options = [
            self._of(kind)
            for kind, member in zip(info.types, members, strict=True)
            if not isinstance(member, mi.NoneType)
        ]
        if len(options) == 1:
            return _nullable(options[0]) if null else options[0]
        if len(tagged) == len(options):
            return self._tagged(tagged, null=null)
        return {"anyOf": [*options, {"type": "null"}] if null else options}

    def _tagged(self, members: list[mi.StructType], *, null: bool) -> dict[str, Any]:
        """Structs told apart by a tag; exactly one fits (OpenAPI 3.1, 4.8.25)."""
        schema: dict[str, Any] = {"oneOf": [self._of(member) for member in members]}
        if not any(member.array_like for member in members):
            mapping = {str(member.tag): self._of(member)["$ref"] for member in members}
            schema["discriminator"] = {
                "propertyName": members[0].tag_field,
                "mapping": mapping,
            }
        return {"anyOf": [schema, {"type": "null"}]} if null else schema


def unwrap(info: mi.Type) -> tuple[mi.Type, dict[str, Any]]:
    """A type without its annotations, and what they add to its schema."""
    extra: dict[str, Any] = {}
    while isinstance(info, mi.Metadata):
        extra = {**(info.extra_json_schema or {}), **extra}
        info = info.type
    if "examples" in extra:
        extra["examples"] = plainly(list(extra["examples"]))
    return info, extra


def bare(info: mi.Type) -> mi.Type:
    """A type without annotations, and without ``None`` where that leaves one."""
    return unwrap(_without_none(info))[0]


def fields_of(info: Any) -> Iterator[mi.Field]:
    """The fields of a struct, dataclass, typed dictionary or named tuple; none for the others."""
    if isinstance(info, _RECORDS):
        yield from info.fields


def _collect(info: mi.Type, found: dict[Any, mi.Type]) -> None:
    info, _ = unwrap(info)
    inside: Iterable[mi.Type] = ()
    if isinstance(info, _NAMED):
        if info.cls in found or info.cls is Upload:
            return
        found[info.cls] = info
        inside = [field.type for field in fields_of(info)]
    elif isinstance(info, mi.CollectionType):
        inside = [info.item_type]
    elif isinstance(info, mi.TupleType):
        inside = info.item_types
    elif isinstance(info, _MAPPINGS):
        inside = [info.key_type, info.value_type]
    elif isinstance(info, mi.UnionType):
        inside = info.types
    for item in inside:
        _collect(item, found)


def _without_none(info: mi.Type) -> mi.Type:
    if isinstance(info, mi.Metadata):
        return mi.Metadata(_without_none(info.type), info.extra_json_schema, info.extra)
    if isinstance(info, mi.UnionType):
        members = tuple(m for m in info.types if not isinstance(unwrap(m)[0], mi.NoneType))
        return members[0] if len(members) == 1 else mi.UnionType(members)
    return info


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema:
        return {**schema, "type": [kind, "null"]}
    if isinstance(kind, list):
        return {**schema, "type": [*kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _row(items: dict[str, Any], least: int, *, bounded: bool) -> dict[str, Any]:
    """An array whose places differ, as tuples and array-like structs travel."""
    schema: dict[str, Any] = {"type": "array", "minItems": least}
    if items:
        schema["prefixItems"] = list(items.values())
    if bounded:
        schema["maxItems"] = len(items)
    return schema


def _bounds(what: str, info: Any) -> dict[str, int]:
    bounds = {f"min{what}": info.min_length, f"max{what}": info.max_length}
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _default(field: mi.Field) -> dict[str, Any]:
    value = field.default
    if field.default_factory in (list, dict, set, frozenset, tuple):
        value = field.default_factory()
    if value is msgspec.NODEFAULT or value is msgspec.UNSET:
        return {}
    return {"default": plainly(value)}


def _described(info: Any) -> dict[str, Any]:
    cls = get_origin(info.cls) or info.cls
    doc = inspect.cleandoc(vars(cls).get("__doc__") or "")
    # A dataclass or a named tuple without a docstring is given its own signature as one.
    return {"description": doc} if doc and not doc.startswith(f"{cls.__name__}(") else {}
