"""Pagination, by one convention everywhere."""

from typing import Generic, TypeVar

from msgspec import Struct

__all__ = ["Page"]

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True):
    """A part of a list.

    An operation that returns ``Page[T]`` takes ``limit: int`` and ``cursor: str | None``.
    ``next`` is the cursor of the next part, opaque to the caller, ``None`` at the end.
    Over HTTP it is also a ``Link`` header with ``rel="next"`` (RFC 8288).
    """

    items: list[T]
    next: str | None = None
