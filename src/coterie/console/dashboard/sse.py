"""Server-sent events: what a page is told while it is open.

Source: the HTML standard, section *Server-sent events*.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct

__all__ = ["HEARTBEAT", "Event", "Receive", "Send", "Streams", "part"]

HEARTBEAT = 15.0
"""Seconds of silence after which a comment says that the connection is alive."""

_SLOW = 10.0
_MOST = 64

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class Event(Struct, frozen=True):
    """``id`` comes back in ``Last-Event-ID`` when the browser has to connect again."""

    name: str
    data: str
    id: str = ""

    def encode(self) -> bytes:
        """As it goes over the wire."""
        rows = [f"event: {self.name}"]
        if self.id:
            rows.append(f"id: {self.id}")
        # Only these three end a line there.
        data = self.data.replace("\r\n", "\n").replace("\r", "\n")
        rows += [f"data: {row}" for row in data.split("\n")]
        return ("\n".join(rows) + "\n\n").encode()


def part(id: str, markup: str) -> Event:
    """The part of the page called ``id`` is this from now on."""
    return Event("part", f"{id}\n{markup}")


class Streams:
    """The streams that are open: at most 64, each as fast as its reader.

    Nothing gathers for a reader: the next event is made when the one before has left. One who
    takes none for ten seconds is dropped; a browser comes back by itself.
    """

    def __init__(self, *, heartbeat: float = HEARTBEAT, slow: float = _SLOW) -> None:
        self._heartbeat = heartbeat
        self._slow = slow
        self._open: set[asyncio.Task[Any]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._open)

    @property
    def full(self) -> bool:
        """Whether there is no room for another."""
        return self._closed or len(self._open) >= _MOST

    def open(self) -> None:
        """Let streams begin."""
        self._closed = False

    async def close(self) -> None:
        """End every stream and let none begin; never raises."""
        self._closed = True
        streams = list(self._open)
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)

    async def pour(self, events: AsyncIterator[Event], receive: Receive, send: Send) -> None:
        """Send ``events`` until they end, the reader leaves or is too slow, or `close`."""
        pouring = asyncio.create_task(self._pour(events, send))
        self._open.add(pouring)
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait([pouring, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open.discard(pouring)
            for task in (pouring, leaving):
                task.cancel()
            ends = await asyncio.gather(pouring, leaving, return_exceptions=True)
        if isinstance(ends[0], Exception) and not isinstance(ends[0], TimeoutError | OSError):
            raise ends[0]
        if not isinstance(ends[0], TimeoutError):
            with suppress(OSError):
                await send({"type": "http.response.body", "body": b""})

    async def _pour(self, events: AsyncIterator[Event], send: Send) -> None:
        upcoming: asyncio.Task[Event] | None = None
        try:
            while True:
                upcoming = upcoming or asyncio.ensure_future(_next(events))
                await asyncio.wait([upcoming], timeout=self._heartbeat)
                if not upcoming.done():
                    await self._put(b": still here\n\n", send)
                    continue
                done, upcoming = upcoming, None
                try:
                    event = done.result()
                except StopAsyncIteration:
                    return
                await self._put(event.encode(), send)
        finally:
            if upcoming is not None:
                upcoming.cancel()
                await asyncio.gather(upcoming, return_exceptions=True)
            close = getattr(events, "aclose", None)
            if close is not None:
                await close()

    async def _put(self, octets: bytes, send: Send) -> None:
        async with asyncio.timeout(self._slow):
            await send({"type": "http.response.body", "body": octets, "more_body": True})


async def _next(events: AsyncIterator[Event]) -> Event:
    return await anext(events)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
