"""items(): every item of a paged list, page after page."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from coterie.call import Failure
from coterie.contract import Code, Page

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
    seen, but none twice because of the paging itself. Raises what the operation raises, and
    `Failure` (``unknown``) for a page whose next is itself, which would never end.
    """
    page = await operation(*args, **kwargs)
    while True:
        for item in page.items:
            yield item
        cursor = page.next
        if cursor is None:
            return
        page = await operation(*args, **{**kwargs, "cursor": cursor})
        if page.next == cursor:
            name = getattr(operation, "__qualname__", repr(operation))
            raise Failure(Code.UNKNOWN, f"{name} answers the cursor {cursor!r} with itself")
