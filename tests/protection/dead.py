"""A chain of services whose last one is dead, in one of several ways."""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import Self

from msgspec import Struct

from coterie.call import Failure, Policy, calling, chain
from coterie.client import Discovered, proxy
from coterie.contract import Code, Contract, get, post
from coterie.policy import Breaking, Budget, Retry, deadline, retry
from coterie.registry import Instance, Memory
from coterie.server import App, Host, HttpServer

__all__ = ["Bottom", "Link", "Protection", "Seen", "chain_to", "offered"]

_ENDLESS = 1e12
"""Tokens of a budget that is none."""


class Link(Contract, version="1.0"):
    """What every service of the chain does: pass on what it is asked for."""

    @get("/read/{number}")
    async def read(self, number: int) -> int: ...

    @post("/place/{number}")
    async def place(self, number: int) -> int: ...


class LinkService(Link):
    """One in the middle."""

    def __init__(self, further: Link) -> None:
        self.further = further

    async def read(self, number: int) -> int:
        return await self.further.read(number)

    async def place(self, number: int) -> int:
        return await self.further.place(number)


class Bottom:
    """The last of the chain, dead in one way.

    It will ``refuse`` connections; or take a request, and then ``reset`` the connection, ``hang``,
    or answer ``503``.
    """

    def __init__(self, how: str) -> None:
        self.how = how
        self.arrived: Counter[str] = Counter()
        """Requests by method and path; tries to connect, by whoever counts those, as ``connect``."""
        self.talks: set[asyncio.Transport] = set()
        self._server: asyncio.Server | None = None
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._sock.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._sock.getsockname()[1]}"

    @property
    def requests(self) -> int:
        """All that came here; where connections are refused, all that were tried."""
        return sum(self.arrived.values())

    async def __aenter__(self) -> Self:
        if self.how != "refuse":
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                lambda: _Talk(self), sock=self._sock, backlog=1000
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for talk in self.talks:
            talk.abort()
        while self.talks:  # noqa: ASYNC110  # each leaves when its socket is closed
            await asyncio.sleep(0)
        self._sock.close()


class _Talk(asyncio.Protocol):
    def __init__(self, bottom: Bottom) -> None:
        self._bottom = bottom
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._bottom.talks.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._bottom.talks.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while b"\r\n\r\n" in self._unread:
            head, _, self._unread = self._unread.partition(b"\r\n\r\n")
            self._bottom.arrived[head.split(b" HTTP/1.1", 1)[0].decode()] += 1
            if self._bottom.how == "reset":
                sock = self._transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._transport.abort()
            elif self._bottom.how == "503":
                self._transport.write(
                    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
                )


class Protection(Struct, frozen=True):
    """Which of them is on; retries are made in any case."""

    budget: bool = True
    breaker: bool = True

    def policies(self) -> Sequence[Policy]:
        """Round the calls of one caller."""
        budget = Budget() if self.budget else Budget(tokens=_ENDLESS)
        return (retry(Retry(), budget),)

    @property
    def breaking(self) -> Breaking | None:
        return Breaking() if self.breaker else None


@asynccontextmanager
async def chain_to(bottom: Bottom, length: int, protection: Protection) -> AsyncGenerator[Link]:
    """A client of the first of ``length`` services, each of which calls the next, over HTTP.

    The last is ``bottom``.
    """
    async with AsyncExitStack() as stack:
        registry = Memory()

        async def client(name: str, url: str) -> Link:
            await registry.announce(Instance(service=name, id=f"{name}-1", url=url))
            found = Discovered(name, registry, breaking=protection.breaking)
            await found.start()
            stack.push_async_callback(found.stop)
            return proxy(Link, chain(protection.policies(), found.handle))

        further = await client("bottom", bottom.url)
        for number in range(length - 1, 0, -1):
            host = Host(LinkService(further), name=f"link-{number}", policies=[deadline()])
            await host.start()
            stack.push_async_callback(host.stop, drain=0)
            server = HttpServer(App([host], shed=None), patience=0.1)
            await server.start()
            stack.push_async_callback(server.stop)
            further = await client(f"link-{number}", server.url)
        yield further


class Seen(Struct, frozen=True):
    """What the callers saw.

    How their calls ended; by how many seconds the last of them was past its deadline, and for how
    many at a time this process did not run: no timer of its can go off then.
    """

    ended: dict[Code | None, int]
    late: float
    stalled: float


_TICK = 0.01


class _Stalls:
    """Notices when the loop's timers come late, whoever has kept the processor."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        while True:
            before = monotonic()
            await asyncio.sleep(_TICK)
            self.longest = max(self.longest, monotonic() - before - _TICK)


async def offered(
    link: Link, calls: int, *, operation: str = "read", at_once: int = 40, timeout: float = 0.5
) -> Seen:
    """Make so many calls, so many at a time; each may take ``timeout`` seconds."""
    ended: Counter[Code | None] = Counter()
    numbers = iter(range(calls))
    late = 0.0

    async def caller() -> None:
        nonlocal late
        for number in numbers:
            code = None
            with calling(timeout=timeout) as context:
                try:
                    await getattr(link, operation)(number)
                except Failure as failure:
                    code = failure.code
                late = max(late, -(context.remaining or 0.0))
            ended[code] += 1

    stalls = _Stalls()
    watching = asyncio.create_task(stalls.watch())
    await asyncio.gather(*(caller() for _ in range(at_once)))
    watching.cancel()
    return Seen(dict(ended), late, stalls.longest)
