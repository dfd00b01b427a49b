"""Every invalid field of a value, found by decoding again, part by part.

The fast path stops at the first mistake and says little. Only when it has failed is the value
walked once more, bounded in number and depth.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from coterie.call import Violation

__all__ = ["violations", "whole_numbers"]

MOST = 20
DEEPEST = 16

_AT = re.compile(r" - at `[^`]*`$")


def violations(value: Any, hint: Any, where: str, *, strict: bool = True) -> tuple[Violation, ...]:
    """What is wrong with ``value`` (plain JSON types) as a ``hint``; twenty mistakes at most."""
    found: list[Violation] = []
    for pointer, message in _walk(value, hint, "#", DEEPEST, strict=strict):
        found.append(Violation(message, pointer, where))
        if len(found) == MOST:
            break
    return tuple(found)


def _walk(
    value: Any, hint: Any, pointer: str, depth: int, *, strict: bool
) -> Iterator[tuple[str, str]]:
    try:
        msgspec.convert(value, hint, strict=strict)
    except msgspec.ValidationError as error:
        inner = False
        if depth:
            for found in _parts(value, hint, pointer, depth - 1, strict=strict):
                inner = True
                yield found
        if not inner:
            yield pointer, _AT.sub("", str(error))
    except RecursionError:
        yield pointer, "Nested too deep"


def _parts(
    value: Any, hint: Any, pointer: str, depth: int, *, strict: bool
) -> Iterator[tuple[str, str]]:
    hint = _concrete(hint)
    origin = get_origin(hint) or hint
    if isinstance(value, dict) and isinstance(origin, type):
        if issubclass(origin, msgspec.Struct) and origin is hint:
            yield from _fields(value, origin, pointer, depth, strict=strict)
        elif issubclass(origin, dict) and len(get_args(hint)) == 2:
            for key, item in value.items():
                yield from _walk(item, get_args(hint)[1], _at(pointer, key), depth, strict=strict)
    elif isinstance(value, list) and get_args(hint) and origin in (list, set, frozenset, tuple):
        item_hint = get_args(hint)[0]
        if origin is not tuple or get_args(hint)[1:] == (Ellipsis,):
            for index, item in enumerate(value):
                yield from _walk(item, item_hint, _at(pointer, index), depth, strict=strict)


def _fields(
    value: dict[Any, Any], struct: type[msgspec.Struct], pointer: str, depth: int, *, strict: bool
) -> Iterator[tuple[str, str]]:
    known = _known(struct)
    for name, (hint, required) in known.items():
        if name in value:
            yield from _walk(value[name], hint, _at(pointer, name), depth, strict=strict)
        elif required:
            yield _at(pointer, name), "Required, and missing"
    if struct.__struct_config__.forbid_unknown_fields:
        for name in value:
            if name not in known:
                yield _at(pointer, name), "Not a field here"


@lru_cache(maxsize=1024)
def _known(struct: type[msgspec.Struct]) -> dict[str, tuple[Any, bool]]:
    """Name on the wire -> type, and whether it must be there."""
    hints = get_type_hints(struct, include_extras=True)
    return {
        field.encode_name: (hints[field.name], field.required)
        for field in msgspec.structs.fields(struct)
    }


def _concrete(hint: Any) -> Any:
    """``hint`` without ``Annotated``, and without ``None`` where that leaves one type."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in (Union, UnionType):
        members = [member for member in get_args(hint) if member is not type(None)]
        if len(members) == 1:
            return _concrete(members[0])
    return hint


def _at(pointer: str, name: object) -> str:
    return f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"


def whole_numbers(value: Any) -> Any:
    """``value`` with 1.0 as 1: JSON knows numbers, not their types (JSON Schema 2020-12, 6.1.1)."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
    if isinstance(value, list):
        return [whole_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: whole_numbers(item) for key, item in value.items()}
    return value


# Beyond this a float no longer tells neighbouring integers apart.
_EXACT = 2.0**53
