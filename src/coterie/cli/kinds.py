"""kind(): a type in the words of whoever has to type a value of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import inspect as types

__all__ = ["bare", "fields_of", "kind", "structure_of"]

_WORDS: Mapping[type[types.Type], str] = {
    types.AnyType: "anything",
    types.NoneType: "null",
    types.BoolType: "true or false",
    types.IntType: "int",
    types.FloatType: "number",
    types.DecimalType: "decimal",
    types.StrType: "text",
    types.BytesType: "bytes, @FILE reads them",
    types.ByteArrayType: "bytes, @FILE reads them",
    types.MemoryViewType: "bytes, @FILE reads them",
    types.DateTimeType: "date and time",
    types.TimeType: "time",
    types.DateType: "date",
    types.TimeDeltaType: "duration",
    types.UUIDType: "UUID",
    types.RawType: "anything",
}
_EXACT = 2**53 - 1  # the largest that JSON numbers carry exactly: a bound nobody meets
_LISTS = (types.ListType, types.SetType, types.FrozenSetType, types.VarTupleType)
_STRUCTURES = (
    types.StructType,
    types.DataclassType,
    types.TypedDictType,
    types.NamedTupleType,
)


def bare(info: types.Type) -> types.Type:
    """The type itself, without what is only said about it."""
    while isinstance(info, types.Metadata):
        info = info.type
    return info


def structure_of(info: types.Type) -> types.Type | None:
    """The type with fields that ``info`` is, or is if it is not null."""
    found = bare(info)
    if isinstance(found, types.UnionType):
        members = [bare(m) for m in found.types if not isinstance(bare(m), types.NoneType)]
        found = members[0] if len(members) == 1 else found
    return found if isinstance(found, _STRUCTURES) else None


def fields_of(structure: types.Type) -> Sequence[Any]:
    """Its fields: each has ``name``, ``encode_name``, ``type`` and ``required``."""
    return tuple(getattr(structure, "fields", ()))


def kind(info: types.Type) -> str:
    """``int, at least 1``; ``list of text``; ``open or closed``."""
    found = bare(info)
    match found:
        case types.UnionType():
            members = [m for m in found.types if not isinstance(bare(m), types.NoneType)]
            return " or ".join(map(kind, members))
        case types.LiteralType():
            return " or ".join(map(str, found.values))
        case types.EnumType():
            return " or ".join(str(member.value) for member in found.cls)
        case types.TupleType():
            return f"list of {', '.join(map(kind, found.item_types))}"
        case types.DictType():
            return f"object of {kind(found.value_type)}"
        case types.StructType() | types.DataclassType() | types.TypedDictType():
            return found.cls.__name__
        case types.NamedTupleType():
            return found.cls.__name__
        case _ if isinstance(found, _LISTS):
            return f"list of {kind(found.item_type)}"
        case _:
            return _WORDS.get(type(found), "value") + _bounds(found)


def _bounds(info: types.Type) -> str:
    least, most, unit = getattr(info, "ge", None), getattr(info, "le", None), ""
    if most is not None and most >= _EXACT:
        most = None
    if isinstance(info, types.StrType):
        least, most = info.min_length, info.max_length
        unit = " character" if 1 in (least, most) and None in (least, most) else " characters"
    if least is not None and most is not None:
        return f", {least} to {most}{unit}"
    if least is not None:
        return f", at least {least}{unit}"
    if most is not None:
        return f", at most {most}{unit}"
    above, below = getattr(info, "gt", None), getattr(info, "lt", None)
    return "".join(
        f", {word} {bound}"
        for word, bound in (("above", above), ("below", below))
        if bound is not None
    )
