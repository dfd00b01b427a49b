"""Questions asked of a type hint: what it is underneath, and whether a wire can carry it."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from .content import Content, Upload
from .parameter import Header
from .union import crashes

__all__ = [
    "cannot_travel",
    "header_fields",
    "is_body",
    "is_list",
    "is_structured",
    "is_upload",
    "marker",
    "stream_item",
    "strip",
]

M = TypeVar("M")

_STREAMS = (AsyncIterator, AsyncIterable, AsyncGenerator)
_PARTS = (
    inspect.StructType,
    inspect.DataclassType,
    inspect.TypedDictType,
    inspect.NamedTupleType,
    inspect.DictType,
)
_LISTS = (
    inspect.ListType,
    inspect.SetType,
    inspect.FrozenSetType,
    inspect.VarTupleType,
    inspect.TupleType,
)


def strip(hint: Any) -> Any:
    """The type inside ``Annotated``."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return hint


def marker(hint: Any, kind: type[M]) -> M | None:
    """The first annotation of ``hint`` that is a ``kind``."""
    if get_origin(hint) is Annotated:
        for extra in get_args(hint)[1:]:
            if isinstance(extra, kind):
                return extra
    return None


def stream_item(hint: Any) -> Any:
    """What an async iterator yields; ``None`` for types that are none."""
    bare = strip(hint)
    return get_args(bare)[0] if get_origin(bare) in _STREAMS else None


def is_upload(hint: Any) -> bool:
    """Whether ``hint`` is `Upload`, or a list or union of it."""
    bare = strip(hint)
    return bare is Upload or Upload in map(strip, get_args(bare))


def is_body(hint: Any) -> bool:
    """Whether a value of this type fills a body rather than a query parameter."""
    if stream_item(hint) is not None or strip(hint) is bytes:
        return True
    if marker(hint, Content) is not None or crashes(hint):
        return True
    try:
        info = _info(hint)
    except TypeError:
        return True
    return is_structured(info) or isinstance(info, _LISTS)


def is_list(info: inspect.Type) -> bool:
    """Whether a resolved type holds several values in a row."""
    return isinstance(_bare(info), _LISTS)


def is_structured(info: inspect.Type) -> bool:
    """Whether a resolved type has parts, so that neither a query nor a header can carry it."""
    info = _bare(info)
    if isinstance(info, inspect.UnionType):
        return any(is_structured(member) for member in info.types)
    if isinstance(info, _LISTS):
        items = info.item_types if isinstance(info, inspect.TupleType) else (info.item_type,)
        return any(is_list(item) or is_structured(item) for item in items)
    return isinstance(info, _PARTS)


def cannot_travel(hint: Any) -> str | None:
    """Why no wire carries values of this type, or ``None`` where one does.

    A decoder is made for any class at all and would refuse only the first value, so classes that
    msgspec does not know are looked for at every depth.
    """
    if crashes(hint):
        return (
            "a text with a pattern shares a union with a list or a dictionary, which crashes"
            " msgspec (without the pattern it would do)"
        )
    try:
        msgspec.json.Decoder(hint)
        info = inspect.type_info(hint)
    except TypeError as error:
        return str(error)
    seen: set[int] = set()
    waiting: list[object] = [info]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, inspect.Type | inspect.Field) or id(node) in seen:
            continue
        if isinstance(node, inspect.CustomType):
            return f"values of {node.cls.__name__} cannot be encoded"
        seen.add(id(node))
        waiting.extend(_children(node))
    return None


def _children(node: inspect.Type | inspect.Field) -> Iterator[object]:
    for name in node.__struct_fields__:
        value = getattr(node, name)
        if isinstance(value, tuple):
            yield from value
        else:
            yield value


def header_fields(hint: Any) -> tuple[tuple[str, str], ...]:
    """The fields of a struct that travel as response headers: (field, header name)."""
    struct = get_origin(hint) or hint
    if not (isinstance(struct, type) and issubclass(struct, msgspec.Struct)):
        return ()
    found: list[tuple[str, str]] = []
    for name, field in get_type_hints(struct, include_extras=True).items():
        header = marker(field, Header)
        if header is not None:
            found.append((name, header.name or name.replace("_", "-").title()))
    return tuple(found)


def _info(hint: Any) -> inspect.Type:
    return _bare(inspect.type_info(hint))


def _bare(info: inspect.Type) -> inspect.Type:
    while isinstance(info, inspect.Metadata):
        info = info.type
    return info
