"""items(): every item of a paged list, page after page."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from coterie.contract import Page

__all__ = ["items"]

T = TypeVar("T")


async def items(
    operation: Callable[..., Awaitable[Page[T]]], *args: Any, **kwargs: Any
) -> AsyncIterator[T]:
    """Every item that an operation returning `Page` has.

    ::

        async for user in items(users.list, limit=100):
            ...

    Asks for the next page when it is needed. Items added or removed meanwhile may be missed or
    seen, but none twice because of the paging itself.
    """
    page = await operation(*args, **kwargs)
    while True:
        for item in page.items:
            yield item
        if page.next is None:
            return
        page = await operation(*args, **{**kwargs, "cursor": page.next})
