"""connect() makes a call anew where that does no harm, as a system's own clients do."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from coterie.call import Failure
from coterie.client import connect
from coterie.contract import Code, Contract, get, post
from coterie.policy import Retry
from coterie.server import App, Host, HttpServer

QUICK = Retry(base=0.001, cap=0.002)


class Gate(Contract, version="1.0"):
    """Opens at the second time of asking."""

    @get("/look")
    async def look(self) -> int: ...

    @post("/push")
    async def push(self) -> int: ...


class GateService(Gate):
    def __init__(self) -> None:
        self.asked = 0

    async def look(self) -> int:
        self.asked += 1
        if self.asked == 1:
            raise Failure(Code.UNAVAILABLE, "not yet")
        return self.asked

    async def push(self) -> int:
        return await self.look()


@asynccontextmanager
async def serving(service: GateService) -> AsyncGenerator[str]:
    host = Host(service)
    await host.start()
    server = HttpServer(App([host]))
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()
        await host.stop()


async def test_a_reading_call_is_made_anew() -> None:
    """What is safe to repeat is repeated, without anybody asking for it."""
    async with serving(GateService()) as url, connect(Gate, url, retrying=QUICK) as gate:
        assert await gate.look() == 2


async def test_switched_off_it_is_not() -> None:
    """Control: the first failure is the caller's."""
    service = GateService()
    async with serving(service) as url, connect(Gate, url, retrying=None) as gate:
        with pytest.raises(Failure):
            await gate.look()
    assert service.asked == 1


async def test_what_may_have_had_an_effect_is_not_repeated() -> None:
    """A post that failed is told as it is."""
    service = GateService()
    async with serving(service) as url, connect(Gate, url, retrying=QUICK) as gate:
        with pytest.raises(Failure):
            await gate.push()
    assert service.asked == 1
