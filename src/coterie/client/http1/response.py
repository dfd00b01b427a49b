"""The answer: held whole, or read as it arrives."""

import asyncio
import collections
import warnings
from typing import Protocol, Self

from msgspec import Struct

__all__ = ["Body", "Flow", "Inbox", "Response", "StreamedResponse"]

HIGH_WATER = 64 * 1024
LOW_WATER = 16 * 1024


class Response(Struct, frozen=True):
    """An answer held whole.

    Attributes:
        status: 200 to 599; interim answers (1xx) are read and left out.
        headers: In the order received, duplicates kept, names in lower case, values latin-1.
            Trailers are read and left out (RFC 9110, section 6.5.1 forbids merging them).
        body: The octets, without transfer coding.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class StreamedResponse(Struct, frozen=True):
    """An answer whose body is still arriving; leaving ``async with`` lets go of the rest.

    Attributes:
        status: As in `Response`.
        headers: As in `Response`.
        body: Read it to the end, or close it.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: "Body"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.body.aclose()


class Flow(Protocol):
    """What an inbox asks of the connection that fills it."""

    def resume(self) -> None:
        """Read from the socket again."""

    def abandon(self, inbox: "Inbox") -> None:
        """Close the connection if it still fills this inbox."""


class Inbox:
    """Chunks that arrived and were not read yet: the connection puts, the body takes."""

    __slots__ = ("_chunks", "_ended", "_failure", "_flow", "_loop", "_size", "_waiter")

    def __init__(self, flow: Flow, loop: asyncio.AbstractEventLoop) -> None:
        self._flow = flow
        self._loop = loop
        self._chunks: collections.deque[bytes] = collections.deque()
        self._size = 0
        self._ended = False
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def full(self) -> bool:
        """Whether the reader is behind by more than we hold for it."""
        return self._size > HIGH_WATER

    @property
    def ended(self) -> bool:
        """Whether nothing more will be put."""
        return self._ended

    def put(self, chunk: bytes) -> None:
        """Add what arrived."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        self._wake()

    def end(self, failure: Exception | None = None) -> None:
        """Nothing more will come: all of it arrived, or `failure` says why not."""
        self._ended = True
        self._failure = failure
        self._wake()

    async def take(self) -> bytes | None:
        """The next chunk; None after the last.

        Raises:
            Unknown: The rest will not come.
        """
        while not self._chunks:
            if self._failure is not None:
                raise self._failure
            if self._ended:
                return None
            if self._waiter is not None:
                raise RuntimeError("the body is already being read: one reader at a time")
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        chunk = self._chunks.popleft()
        self._size -= len(chunk)
        if not self._ended and self._size <= LOW_WATER:
            self._flow.resume()
        return chunk

    def abandon(self) -> None:
        """Nobody will read the rest."""
        self._chunks.clear()
        self._size = 0
        if not self._ended:
            self._ended = True
            self._flow.abandon(self)

    def abandon_soon(self) -> None:
        """The same from any thread, since the collector may run in any."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.abandon)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Body:
    """The body of a streamed answer: iterate once, by one reader.

    A reader that falls behind stops the socket from being read, so the other side slows down
    and memory stays bounded (about 64 KiB and one read of the socket). Closing it before the end,
    or being cancelled while reading it, closes the connection.
    """

    __slots__ = ("_inbox",)

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """The next octets, never empty.

        Raises:
            Unknown: The rest will not come: closed, malformed, or past the deadline.
        """
        try:
            chunk = await self._inbox.take()
        except asyncio.CancelledError:
            self._inbox.abandon()
            raise
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Let go of the rest, as `close` does: the name that `contextlib.aclosing` calls."""
        self.close()

    def close(self) -> None:
        """Let go of the rest; closes the connection if there is a rest. May be called twice."""
        self._inbox.abandon()

    def __del__(self) -> None:
        if not self._inbox.ended:  # or its connection would be lost to the pool for ever
            self._inbox.abandon_soon()
            warnings.warn(
                "a streamed answer was dropped unread: use `async with response:`",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
