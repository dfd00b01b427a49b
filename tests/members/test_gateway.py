"""Our own gateway: what passes through it passes at once, and nothing of it stays behind."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest

from coterie.contract import Contract, get, post
from coterie.members.gateway import Gateway, Route
from coterie.registry import Instance
from coterie.server import App, Host, HttpServer
from tests.deploy.peers import peer_of
from tests.deploy.running import Known
from tests.server.talk import Talk, request, soon, until


class Pipe(Contract, version="1.0"):
    """Says what it hears, while it hears it."""

    @post("/pipe")
    async def pipe(self, data: AsyncIterator[bytes]) -> AsyncIterator[bytes]: ...

    @get("/drip")
    async def drip(self) -> AsyncIterator[bytes]: ...


class PipeService(Pipe):
    def __init__(self) -> None:
        self.made = 0
        self.closed = 0
        self.broke = False

    async def pipe(self, data: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        return self._pipe(data)

    async def _pipe(self, data: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        async for chunk in data:
            yield chunk.upper()

    async def drip(self) -> AsyncIterator[bytes]:
        return self._drip()

    async def _drip(self) -> AsyncGenerator[bytes]:
        try:
            while not self.broke:
                self.made += 1
                yield bytes(65536)
            raise RuntimeError("it broke")
        finally:
            self.closed += 1


ROUTES = (
    Route(service="pipe", operation="pipe.pipe", method="POST", path="/pipe", stream=True),
    Route(service="pipe", operation="pipe.drip", method="GET", path="/drip", stream=True),
    Route(service="echo", operation="echo.post", method="POST", path="/echo"),
)


@asynccontextmanager
async def way_in(*others: Instance) -> AsyncGenerator[tuple[PipeService, HttpServer, Known]]:
    service = PipeService()
    host = Host(service, name="pipe")
    behind = HttpServer(App([host]), patience=0.2)
    await host.start()
    await behind.start()
    known = Known(Instance(service="pipe", id="pipe-1", url=behind.url), *others)
    gateway = Gateway(ROUTES, known)
    server = HttpServer(gateway, patience=0.2)
    await gateway.start()
    await server.start()
    try:
        yield service, server, known
    finally:
        await server.stop()
        await gateway.stop()
        await behind.stop()
        await host.stop(drain=0.2)


async def talk_to(server: HttpServer) -> Talk:
    return Talk(*await asyncio.open_connection("127.0.0.1", server.port))


async def test_both_ways_flow_at_once() -> None:
    """A part of the answer comes back before the next part of the request is sent."""
    async with way_in() as (_, server, _), await talk_to(server) as talk:
        talk.say(b"POST /pipe HTTP/1.1\r\nhost: lab\r\ntransfer-encoding: chunked\r\n\r\n")
        for number in range(5):
            talk.say(b"5\r\nword%d\r\n" % number)
            if number == 0:
                assert (await soon(talk.head()))[0] == 200
            assert await soon(talk.chunk()) == b"WORD%d" % number
        talk.say(b"0\r\n\r\n")
        assert await soon(talk.chunk()) == b""


async def test_who_reads_slowly_slows_who_writes() -> None:
    """Memory stays bounded, here as everywhere on the way."""
    async with way_in() as (service, server, _), await talk_to(server) as talk:
        talk.say(request("GET", "/drip"))
        assert (await soon(talk.head()))[0] == 200
        before, still = -1, 0
        while still < 20:
            still = still + 1 if service.made == before else 0
            before = service.made
            await asyncio.sleep(0.01)
        assert service.made < 500


async def test_who_leaves_a_stream_is_not_worked_for() -> None:
    """The instance hears of it within a moment."""
    async with way_in() as (service, server, _):
        async with await talk_to(server) as talk:
            talk.say(request("GET", "/drip"))
            await until(lambda: service.made)
            assert service.closed == 0
        await until(lambda: service.closed == 1)


async def test_who_leaves_before_the_answer_leaves_no_connection() -> None:
    """The request is called off where it went."""
    async with peer_of("one") as (peer,), way_in(peer.instance) as (_, server, _):
        peer.mood = "silent"
        async with await talk_to(server) as talk:
            talk.say(request("POST", "/echo", b"{}"))
            await until(lambda: peer.asked)
            assert peer.connections == 1
        await until(lambda: peer.connections == 0)


async def test_an_answer_that_breaks_off_is_seen_to() -> None:
    """What is incomplete stays incomplete: no end is put to it."""
    async with way_in() as (service, server, _), await talk_to(server) as talk:
        talk.say(request("GET", "/drip"))
        assert (await soon(talk.head()))[0] == 200
        await soon(talk.chunk())
        service.broke = True
        heard = await talk.rest()
        assert not heard.endswith(b"0\r\n\r\n")


async def test_who_is_gone_leaves_no_connection() -> None:
    """An instance that was withdrawn is forgotten with all that led to it."""
    async with (
        peer_of("one") as (peer,),
        way_in(peer.instance) as (_, server, known),
        await talk_to(server) as talk,
    ):
        talk.say(request("POST", "/echo", b"{}"))
        assert (await talk.answer()).status == 200
        assert peer.connections == 1
        await known.withdraw("echo", "one")
        await until(lambda: peer.connections == 0)
        talk.say(request("POST", "/echo", b"{}"))
        assert (await talk.answer()).status == 503


def test_two_routes_that_are_one_are_refused() -> None:
    """Nobody could say whose a request is."""
    with pytest.raises(ValueError, match="routed twice"):
        Gateway([*ROUTES, ROUTES[0]], Known())
