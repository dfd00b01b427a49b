"""Three services, each behind its own port: front calls middle, which calls back."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from coterie.call import Handler
from coterie.client import Http, proxy
from coterie.contract import Code, Contract, Fault, get
from coterie.server import App, Host, HttpServer
from coterie.telemetry import Meter, Spans, traced

__all__ = ["Back", "BackService", "Empty", "Front", "Middle", "Trio", "trio"]


class Empty(Fault, code=Code.NOT_FOUND):
    """There is nothing left."""


class Back(Contract, version="2.1"):
    """The last."""

    @get("/fetch", faults=[Empty])
    async def fetch(self, what: str) -> str: ...


class Middle(Contract, version="1.0"):
    """The one between."""

    @get("/pass", faults=[Empty])
    async def hand(self, what: str) -> str: ...


class Front(Contract, version="1.0"):
    """The first."""

    @get("/ask", faults=[Empty])
    async def ask(self, what: str) -> str: ...


class BackService(Back):
    def __init__(self) -> None:
        self.waiting = 0

    async def fetch(self, what: str) -> str:
        if what == "nothing":
            raise Empty
        if what == "eternity":
            self.waiting += 1
            await asyncio.Event().wait()
        return what.upper()


class MiddleService(Middle):
    def __init__(self, back: Back) -> None:
        self.back = back

    async def hand(self, what: str) -> str:
        return await self.back.fetch(what)


class FrontService(Front):
    def __init__(self, middle: Middle) -> None:
        self.middle = middle

    async def ask(self, what: str) -> str:
        return await self.middle.hand(what)


class Trio:
    """Their meters, the ring they share, and a client of the first within this process."""

    def __init__(self) -> None:
        self.spans = Spans()
        self.meters = {name: Meter(name, self.spans) for name in ("front", "middle", "back")}
        self.urls: dict[str, str] = {}
        self.hosts: dict[str, Host] = {}
        self.last = BackService()
        self.front: Front


@asynccontextmanager
async def trio(*, local: bool = False) -> AsyncGenerator[Trio]:
    """Three hosts behind three ports, each counting what it calls; ``local`` has no ports between."""
    made = Trio()

    async with AsyncExitStack() as stack:

        async def hosted(name: str, service: object) -> Host:
            host = Host(service, name=name, meter=made.meters[name])
            await host.start()
            stack.push_async_callback(host.stop, drain=0)
            server = HttpServer(App([host], spans=made.spans), patience=0.1)
            await server.start()
            stack.push_async_callback(server.stop)
            made.urls[name], made.hosts[name] = server.url, host
            return host

        async def reach(caller: str, host: Host) -> Handler:
            if local:
                return host.handle
            http = await stack.enter_async_context(Http(made.urls[host.name]))
            return traced(made.meters[caller])(http.handle)

        back = await hosted("back", made.last)
        middle = await hosted("middle", MiddleService(proxy(Back, await reach("middle", back))))
        front = FrontService(proxy(Middle, await reach("front", middle)))
        made.front = proxy(Front, (await hosted("front", front)).handle)
        yield made
