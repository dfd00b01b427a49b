"""Example values, made from types: the same at every run, and always valid.

A value named by ``Meta(examples=[...])`` goes before one that is made up, and so does a default.
"""

import itertools
import math
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

import msgspec
import msgspec.inspect as mi

from coterie.contract import Upload

from .plain import plainly
from .schemas import bare, fields_of, unwrap

__all__ = ["NO_EXAMPLE", "example"]

NO_EXAMPLE: Any = object()
"""Stands for "there is none": a pattern nothing of ours fits, a type that needs itself."""

# Texts tried in turn where a pattern asks for more than a field's own name.
_TEXTS = (
    "a", "A", "1", "ab", "AB", "12", "abc", "ABC", "123", "A1", "a1", "AB-12", "ab-12", "AB-1234",
    "ABC-123", "1234", "12345", "123456", "12345678", "example", "Example", "user@example.com",
    "example.com", "https://example.com/", "+15550100", "2026-01-31", "12:00", "1.0.0", "EUR",
    "#336699", "192.0.2.1", "0" * 32, "a" * 64,
)  # fmt: skip


class _NoneFitsError(Exception):
    """No value of ours is valid for the type."""


def example(
    hint: Any, name: str = "", *, without: Collection[str] = (), strict: bool = True
) -> Any:
    """A value of ``hint`` as plain JSON types, or `NO_EXAMPLE`.

    ``name`` is what the value is called, and the text it holds if it is text; ``without`` are
    fields of the outermost struct to leave out; ``strict`` as in `msgspec.convert`.
    """
    try:
        value = _value(mi.type_info(hint), name, frozenset())
        msgspec.convert(value, hint, strict=strict, str_keys=True)
    except (_NoneFitsError, msgspec.ValidationError):
        return NO_EXAMPLE
    if without and isinstance(value, dict):
        hidden = {f.encode_name for f in fields_of(bare(mi.type_info(hint))) if f.name in without}
        value = {member: inside for member, inside in value.items() if member not in hidden}
    return value


def _value(info: mi.Type, name: str, above: frozenset[Any]) -> Any:
    info, extra = unwrap(info)
    if extra.get("examples"):
        return extra["examples"][0]
    if isinstance(info, mi.UnionType):
        return _first(info, name, above)
    if isinstance(info, mi.EnumType):
        return next(iter(info.cls)).value
    fields = list(fields_of(info))
    if fields or isinstance(info, mi.StructType):
        return _record(info, fields, above)
    if isinstance(info, mi.CollectionType):
        return _items(info, name, above)
    if isinstance(info, mi.TupleType):
        return [_value(item, name, above) for item in info.item_types]
    if isinstance(info, mi.DictType):
        return _members(info, name, above)
    make = _PLAIN.get(type(info))
    if make is None:
        raise _NoneFitsError
    return make(info, name)


def _first(info: mi.UnionType, name: str, above: frozenset[Any]) -> Any:
    for member in sorted(info.types, key=lambda kind: isinstance(unwrap(kind)[0], mi.NoneType)):
        try:
            return _value(member, name, above)
        except _NoneFitsError:
            continue
    raise _NoneFitsError


def _record(info: Any, fields: list[mi.Field], above: frozenset[Any]) -> Any:
    if info.cls in above or info.cls is Upload:
        raise _NoneFitsError
    above |= {info.cls}
    row = isinstance(info, mi.NamedTupleType) or getattr(info, "array_like", False)
    members: dict[str, Any] = {}
    if isinstance(info, mi.StructType) and info.tag_field is not None:
        members[info.tag_field] = info.tag
    for field in fields:
        try:
            members[field.encode_name] = _field(field, above)
        except _NoneFitsError:
            if field.required or row:
                raise
    return list(members.values()) if row else members


def _field(field: mi.Field, above: frozenset[Any]) -> Any:
    _, extra = unwrap(field.type)
    given = field.default not in (None, msgspec.NODEFAULT, msgspec.UNSET)
    if given and not extra.get("examples"):
        return plainly(field.default)
    return _value(field.type, field.encode_name, above)


def _items(info: mi.CollectionType, name: str, above: frozenset[Any]) -> Any:
    least = info.min_length or 0
    if info.max_length == 0:
        return []
    try:
        item = _value(info.item_type, name.removesuffix("s"), above)
    except _NoneFitsError:
        if least:
            raise
        return []
    if isinstance(info, mi.SetType | mi.FrozenSetType) and least > 1:
        raise _NoneFitsError
    return [item] * max(1, least)


def _members(info: mi.DictType, name: str, above: frozenset[Any]) -> Any:
    if (info.min_length or 0) > 1:
        raise _NoneFitsError
    try:
        key = _value(info.key_type, "key", above)
        return {str(key): _value(info.value_type, name.removesuffix("s"), above)}
    except _NoneFitsError:
        if info.min_length:
            raise
        return {}


def _integer(info: Any, _: str) -> int:
    step = info.multiple_of or 1
    for start in _starts(info):
        value = math.ceil(start / step) * step
        for candidate in (value, value + step, value - step):
            if _within(info, candidate):
                return int(candidate)
    raise _NoneFitsError


def _float(info: Any, _: str) -> float:
    for start in _starts(info):
        for candidate in (start + 0.5, float(start), start + 0.001, start - 0.001):
            if info.multiple_of is None and _within(info, candidate):
                return candidate
    if info.multiple_of is not None and _within(info, info.multiple_of):
        return float(info.multiple_of)
    raise _NoneFitsError


def _starts(info: Any) -> Iterator[Any]:
    yield 1
    for bound in (info.ge, info.gt, info.le, info.lt):
        if bound is not None:
            yield bound


def _within(info: Any, value: float) -> bool:
    return not (
        (info.ge is not None and value < info.ge)
        or (info.gt is not None and value <= info.gt)
        or (info.le is not None and value > info.le)
        or (info.lt is not None and value >= info.lt)
    )


def _text(info: Any, name: str) -> str:
    words = name.replace("_", " ").strip() or "text"
    for text in itertools.chain([words], _TEXTS):
        fitted = text
        if len(fitted) < (info.min_length or 0):
            fitted = (text.replace(" ", "") * info.min_length)[: info.min_length]
        if info.max_length is not None:
            fitted = fitted[: info.max_length]
        if info.pattern is None or re.search(info.pattern, fitted):
            return fitted
    raise _NoneFitsError


def _bytes(info: Any, _: str) -> str:
    length = max(info.min_length or 0, min(5, 5 if info.max_length is None else info.max_length))
    whole, rest = divmod(length, 3)
    return "AAAA" * whole + ("", "AA==", "AAA=")[rest]


def _zoned(local: str) -> Callable[[Any, str], str]:
    return lambda info, _: local if info.tz is False else f"{local}Z"


def _always(value: Any) -> Callable[[Any, str], Any]:
    return lambda _info, _name: value


_PLAIN: dict[type[mi.Type], Callable[[Any, str], Any]] = {
    mi.AnyType: lambda _, name: name or "anything",
    mi.RawType: lambda _, name: name or "anything",
    mi.NoneType: _always(None),
    mi.BoolType: _always(True),  # noqa: FBT003
    mi.IntType: _integer,
    mi.FloatType: _float,
    mi.StrType: _text,
    mi.BytesType: _bytes,
    mi.ByteArrayType: _bytes,
    mi.MemoryViewType: _bytes,
    mi.DateTimeType: _zoned("2026-01-31T12:00:00"),
    mi.TimeType: lambda info, _: "12:00:00Z" if info.tz else "12:00:00",
    mi.DateType: _always("2026-01-31"),
    mi.TimeDeltaType: _always("PT1H30M"),
    mi.UUIDType: _always("3f0d6a52-8c1e-4b7a-9e24-5d6f7a8b9c01"),
    mi.DecimalType: _always("19.90"),
    mi.LiteralType: lambda info, _: info.values[0],
}
