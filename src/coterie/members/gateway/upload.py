"""Upload: a request's body on its way through, whole if it is short."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Self

from coterie.call import Failure
from coterie.contract import Code
from coterie.server import TOO_SLOW

__all__ = ["Left", "Receive", "Upload"]

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class Left(Exception):
    """The client went away: nobody waits for an answer."""


class Upload:
    """The body of one request, of ``limit`` octets at most.

    Either `gather` it, or `open` it and then iterate. ``whole`` is set once all of it was read;
    ``touched`` once some of one that was opened was: it cannot be sent again. Whoever sends nothing
    for ``idle`` seconds is given up. All of these raise `Left` when the client goes away, and
    `Failure`: 413 beyond the limit, 408 for who is too slow.
    """

    def __init__(self, receive: Receive, limit: int, idle: float) -> None:
        self.whole = asyncio.Event()
        self.touched = False
        self._receive = receive
        self._first = b""
        self._limit = limit
        self._idle = idle
        self._size = 0

    async def gather(self, announced: bytes | None, seconds: float) -> bytes:
        """All of it, which may take ``seconds``. ``announced`` is the ``Content-Length``.

        No instance has been asked yet: who is slow here makes nobody wait.
        """
        self._expect(announced)
        parts = []
        try:
            async with asyncio.timeout(seconds):
                while not self.whole.is_set():
                    parts.append(await self._part())
        except TimeoutError:
            raise _too_slow() from None
        return b"".join(parts)

    async def open(self, announced: bytes | None) -> bytes | AsyncIterator[bytes]:
        """The octets, if they came in one piece; else this, to be iterated once."""
        self._expect(announced)
        self._first = await self._next()
        return self._first if self.whole.is_set() else self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if not self.touched:
            self.touched = True
            return self._first
        if self.whole.is_set():
            raise StopAsyncIteration
        return await self._next()

    async def departure(self) -> None:
        """Return when the client goes away after all of the body was read."""
        await self.whole.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _expect(self, announced: bytes | None) -> None:
        if announced is not None and (len(announced) > 19 or int(announced) > self._limit):
            raise _too_large(self._limit)

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(self._idle):
                return await self._part()
        except TimeoutError:
            raise _too_slow() from None

    async def _part(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Left
        if not message.get("more_body", False):
            self.whole.set()
        body: bytes = message.get("body", b"")
        self._size += len(body)
        if self._size > self._limit:
            raise _too_large(self._limit)
        return body


def _too_slow() -> Failure:
    return Failure(Code.DEADLINE_EXCEEDED, TOO_SLOW, status=408, headers=(("connection", "close"),))


def _too_large(limit: int) -> Failure:
    return Failure(
        Code.RESOURCE_EXHAUSTED,
        f"The body is larger than {limit} bytes, the most taken here",
        status=413,
        headers=(("connection", "close"),),
    )
