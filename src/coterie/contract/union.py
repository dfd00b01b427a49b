"""Unions that must never reach msgspec: a text with a pattern beside a list or a dictionary."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from msgspec import Meta

__all__ = ["crashes"]

_COLLECTIONS = (Mapping, Sequence, AbstractSet)


def crashes(hint: Any) -> bool:
    """Whether msgspec 0.22 would crash the interpreter over a part of ``hint``.

    It frees what it does not own as soon as it is told of such a type, before it has seen any value;
    so the hints themselves are looked at, and nothing of msgspec's. Names that do not resolve are
    somebody else's to report.
    """
    seen: set[int] = set()
    waiting = [hint]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if get_origin(node) in (Union, UnionType):
            members = get_args(node)
            if any(map(_has_pattern, members)) and any(map(_is_collection, members)):
                return True
        waiting.extend(get_args(node))
        waiting.extend(_fields(get_origin(node) or node))
    return False


def _fields(kind: Any) -> list[Any]:
    if not isinstance(kind, type) or not getattr(kind, "__annotations__", None):
        return []
    try:
        return list(get_type_hints(kind, include_extras=True).values())
    except (NameError, AttributeError, TypeError, SyntaxError):
        return []


def _has_pattern(hint: Any) -> bool:
    if get_origin(hint) is not Annotated:
        return False
    inner, *extras = get_args(hint)
    return any(isinstance(e, Meta) and e.pattern is not None for e in extras) or _has_pattern(inner)


def _is_collection(hint: Any) -> bool:
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    kind = get_origin(hint) or hint
    return isinstance(kind, type) and issubclass(kind, _COLLECTIONS) and kind not in (str, bytes)
