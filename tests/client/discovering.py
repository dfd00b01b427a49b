"""A discovered client of desks, and instances to announce."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from coterie.client import Discovered, proxy
from coterie.policy import Budget, Retry, retry
from coterie.registry import Instance, InstanceState, Memory, Offer
from coterie.server import App, Host, HttpServer
from tests.client.kit import Desk, DeskService

__all__ = ["Found", "Served", "discovered", "instance", "served"]


def instance(
    id: str, url: str, state: InstanceState = InstanceState.UP, version: str = "1.3", **more: Any
) -> Instance:
    offers = (Offer("desk", version),)
    return Instance(service="desks", id=id, url=url, state=state, offers=offers, **more)


class Found:
    """A registry, and a client that finds its way by it."""

    def __init__(self, registry: Memory, client: Discovered) -> None:
        self.registry = registry
        self.client = client
        self.desk = proxy(Desk, client.handle)
        self.retried = proxy(Desk, retry(Retry(base=0.01), Budget())(client.handle))

    async def announce(
        self, id: str, url: str, state: InstanceState = InstanceState.UP, **more: Any
    ) -> None:
        await self.registry.announce(instance(id, url, state, **more))

    async def withdraw(self, id: str) -> None:
        await self.registry.withdraw("desks", id)


@asynccontextmanager
async def discovered(**options: Any) -> AsyncGenerator[Found]:
    options.setdefault("slow_start", 0.0)  # or shares would depend on how long a test takes
    registry = Memory()
    client = Discovered("desks", registry, **options)
    await client.start()
    try:
        yield Found(registry, client)
    finally:
        await client.stop()


class Served:
    """A desk of one's own, served over HTTP."""

    def __init__(self, service: DeskService, host: Host, server: HttpServer) -> None:
        self.service = service
        self.host = host
        self.server = server
        self.url = server.url

    @property
    def calls(self) -> int:
        """Answered so far."""
        return sum(series.count for series in self.host.meter.series())


@asynccontextmanager
async def served() -> AsyncGenerator[Served]:
    service = DeskService()
    host = Host(service)
    server = HttpServer(App([host]))
    async with AsyncExitStack() as stack:
        await host.start()
        stack.push_async_callback(host.stop, drain=1)
        await server.start()
        stack.push_async_callback(server.stop)
        stack.callback(service.go.set)
        yield Served(service, host, server)
