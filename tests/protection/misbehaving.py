"""A server that misbehaves on purpose, in one way: raw sockets, no HTTP library."""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Self

from coterie.client import Discovered
from coterie.policy import Breaking
from coterie.registry import Choose, Instance, Memory

__all__ = ["WAYS", "Misbehaving", "found"]

Way = Callable[[asyncio.StreamWriter], Awaitable[None]]

_OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


class Misbehaving:
    """Listens on a free port; takes requests, and then does as its ``way`` is.

    ``requests`` counts those that arrived; ``closed`` has the moments (`time.monotonic`) in which
    the other side was seen to have closed; ``open`` how many connections there are.
    """

    def __init__(self, way: Way) -> None:
        self.way = way
        self.requests = 0
        self.accepted = 0
        self.open = 0
        self.closed: list[float] = []
        self.url = ""
        self._talks: set[asyncio.Task[None]] = set()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        self.accepted += 1
        self.open += 1
        answering: asyncio.Task[None] | None = None
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while True:
                    await reader.readuntil(b"\r\n\r\n")
                    self.requests += 1
                    answering = asyncio.create_task(self._answer(writer))
        finally:
            self.closed.append(monotonic())
            self.open -= 1
            if answering is not None:
                answering.cancel()
            writer.transport.abort()
            self._talks.discard(task)

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await self.way(writer)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0, backlog=1000)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)


@asynccontextmanager
async def found(*urls: str, choose: Choose | None = None) -> AsyncGenerator[Discovered]:
    """Calls to a service with an instance at each of ``urls``, as `coterie up` makes them."""
    registry = Memory()
    for number, url in enumerate(urls):
        await registry.announce(Instance(service="it", id=f"it-{number}", url=url))
    calls = Discovered("it", registry, breaking=Breaking(), choose=choose)
    await calls.start()
    try:
        yield calls
    finally:
        await calls.stop()


# --- Ways ---------------------------------------------------------------------------------------


def says(*parts: bytes) -> Way:
    """Says this, and then nothing; the connection stays."""

    async def way(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return way


def breaks(said: bytes, *, reset: bool) -> Way:
    """Says this, and is gone: with a FIN, or with a reset."""

    async def way(writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        if reset:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()

    return way


def drips(before: bytes, then: bytes) -> Way:
    """Says this at once, and that byte by byte: something arrives always."""

    async def way(writer: asyncio.StreamWriter) -> None:
        writer.write(before)
        for byte in then:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.01)

    return way


async def pours(writer: asyncio.StreamWriter) -> None:
    """A body without an end, as fast as it is read."""
    writer.write(_OK + b"transfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
        await writer.drain()
        await asyncio.sleep(0.001)


WAYS: dict[str, Way] = {
    "hung": says(),
    "hung in the head": says(_OK[:20]),
    "hung in the body": says(_OK + b"content-length: 9\r\n\r\n123"),
    "hung in a chunk": says(_OK + b"transfer-encoding: chunked\r\n\r\n9\r\n12"),
    "only says that it goes on": says(b"HTTP/1.1 100 Continue\r\n\r\n" * 5),
    "head byte by byte": drips(b"", _OK + b"x-much: " + b"a" * 10_000),
    "body byte by byte": drips(_OK + b"content-length: 9999\r\n\r\n", b"1" * 9999),
    "body without an end": pours,
    "closes at once": breaks(b"", reset=False),
    "resets at once": breaks(b"", reset=True),
    "closes in the head": breaks(_OK[:20], reset=False),
    "resets in the head": breaks(_OK[:20], reset=True),
    "closes in the body": breaks(_OK + b"content-length: 9\r\n\r\n123", reset=False),
    "resets in the body": breaks(_OK + b"content-length: 9\r\n\r\n123", reset=True),
    "two lengths": says(_OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\n12"),
    "length that is none": says(_OK + b"content-length: -1\r\n\r\n1"),
    "length and chunks": says(
        _OK + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\n3\r\n0\r\n\r\n"
    ),
    "chunks that are none": says(_OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n"),
    "garbage": says(bytes(range(256)) * 10),
    "another protocol": says(b"220 smtp.example ready\r\n"),
    "a body too large": says(_OK + b"content-length: 1000000000000\r\n\r\n1"),
    "a head too large": says(_OK + b"x-much: " + b"a" * 100_000 + b"\r\n"),
    "another type": says(_OK + b'content-length: 9\r\n\r\n{"a": 12}'),
    "no JSON": says(_OK + b"content-length: 9\r\n\r\n<html></h"),
    "nested too deep": says(_OK + b"content-length: 100000\r\n\r\n" + b"[" * 100_000),
    "nothing": says(_OK + b"content-length: 0\r\n\r\n"),
    "another status": says(b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n"),
    "no such status": says(b"HTTP/1.1 777 Odd\r\ncontent-length: 0\r\n\r\n"),
}
"""What a server may do instead of answering 200 with an ``int``."""
