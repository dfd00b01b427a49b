"""Every invalid field of a value, found by decoding again, part by part.

The fast path stops at the first mistake and says little. Only when it has failed is the value
walked once more, bounded in number and depth.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice, takewhile
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from coterie.call import Violation
from coterie.contract.hint import strip

__all__ = ["first_violation", "holds_decimal", "violations", "whole_numbers"]

T = TypeVar("T")

MOST = 20
DEEPEST = 16
CONVERSIONS = 5000

_AT = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+)\]")


def violations(value: Any, hint: Any, where: str, *, strict: bool = True) -> tuple[Violation, ...]:
    """What is wrong with ``value`` (plain JSON types) as a ``hint``; twenty mistakes at most."""
    walk = _Walk(strict=strict).walk(value, hint, "#", DEEPEST)
    return tuple(Violation(message, pointer, where) for pointer, message in islice(walk, MOST))


def first_violation(error: msgspec.ValidationError, where: str) -> Violation:
    """The one mistake that msgspec tells of, without looking for others."""
    pointer, message = _told(error, "#")
    return Violation(message, pointer, where)


def _told(error: msgspec.ValidationError, pointer: str) -> tuple[str, str]:
    """Pointer and message; the path that msgspec writes (``$.a[0].b``) goes into the pointer."""
    found = _AT.search(str(error))
    if found is None:
        return pointer, str(error)
    place = 0
    # It ends where a key stands that msgspec does not name (``[...]``).
    while (step := _STEP.match(found["path"], place)) is not None:
        pointer, place = _at(pointer, step["name"] or step["index"]), step.end()
    return pointer, str(error)[: found.start()]


class _Walk:
    """One search. Every part is converted again, so their number is bounded."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._left = CONVERSIONS

    def walk(self, value: Any, hint: Any, pointer: str, depth: int) -> Iterator[tuple[str, str]]:
        if self._left <= 0:
            return
        self._left -= 1
        try:
            msgspec.convert(value, hint, strict=self._strict)
        except msgspec.ValidationError as error:
            inner = False
            if depth:
                for found in self._parts(value, hint, pointer, depth - 1):
                    inner = True
                    yield found
            if not inner:
                yield _told(error, pointer)
        except RecursionError:
            yield pointer, "Nested too deep"

    def _parts(self, value: Any, hint: Any, pointer: str, depth: int) -> Iterator[tuple[str, str]]:
        hint = _concrete(hint)
        origin = get_origin(hint) or hint
        if isinstance(value, dict) and isinstance(origin, type):
            if issubclass(origin, msgspec.Struct) and origin is hint:
                yield from self._fields(value, origin, pointer, depth)
            elif issubclass(origin, dict) and len(get_args(hint)) == 2:
                for key, item in self._some(value.items()):
                    yield from self.walk(item, get_args(hint)[1], _at(pointer, key), depth)
        elif isinstance(value, list) and get_args(hint) and origin in (list, set, frozenset, tuple):
            item_hint = get_args(hint)[0]
            if origin is not tuple or get_args(hint)[1:] == (Ellipsis,):
                for index, item in self._some(enumerate(value)):
                    yield from self.walk(item, item_hint, _at(pointer, index), depth)

    def _fields(
        self, value: dict[Any, Any], struct: type[msgspec.Struct], pointer: str, depth: int
    ) -> Iterator[tuple[str, str]]:
        known = _known(struct)
        for name, (hint, required) in known.items():
            if name in value:
                yield from self.walk(value[name], hint, _at(pointer, name), depth)
            elif required:
                yield _at(pointer, name), "Required, and missing"
        if struct.__struct_config__.forbid_unknown_fields:
            for name in value:
                if name not in known:
                    yield _at(pointer, name), "Not a field here"

    def _some(self, items: Iterable[T]) -> Iterator[T]:
        return takewhile(lambda _: self._left > 0, items)


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
    hint = strip(hint)
    if get_origin(hint) in (Union, UnionType):
        members = [member for member in get_args(hint) if member is not type(None)]
        if len(members) == 1:
            return _concrete(members[0])
    return hint


def _at(pointer: str, name: object) -> str:
    return f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"


def holds_decimal(hint: Any) -> bool:
    """Whether a value of this type has a `Decimal` in it, at any depth."""
    seen: set[int] = set()
    waiting: list[object] = [inspect.type_info(hint)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, inspect.DecimalType):
            return True
        if isinstance(node, tuple):
            waiting.extend(node)
        elif isinstance(node, inspect.Type | inspect.Field) and id(node) not in seen:
            seen.add(id(node))
            waiting.extend(getattr(node, name) for name in node.__struct_fields__)
    return False


def whole_numbers(value: Any) -> Any:
    """``value`` with 1.0 as 1: JSON knows numbers, not their types (JSON Schema 2020-12, 6.1.1).

    Lists and dictionaries are changed where they stand: a copy would cost as much again.
    """
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if type(item) in _MAY_CHANGE:
                value[key] = whole_numbers(item)
    return value


_MAY_CHANGE = frozenset({float, list, dict})

# Beyond this a float no longer tells neighbouring integers apart.
_EXACT = 2.0**53
