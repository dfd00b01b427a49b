"""recording(): one service alone, called as if over a wire, with the events it emitted."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

from coterie.call import Component, Handler, Policy
from coterie.client import proxy, serialising
from coterie.contract import Contract, Event, contracts_of
from coterie.server import Host

__all__ = ["Recorded", "recording"]

S = TypeVar("S", bound=Contract)
E = TypeVar("E")


class Recorded:
    """The events a service emitted, in their order."""

    def __init__(self) -> None:
        self.all: list[tuple[Event[Any], Any]] = []

    async def emit(self, event: Event[Any], payload: Any) -> None:
        """Take an event over; the service under test calls this."""
        self.all.append((event, payload))

    def of(self, event: Event[E]) -> list[E]:
        """The payloads of one event: ``events.of(Orders.placed)``."""
        return [payload for emitted, payload in self.all if emitted is event]


class _Clients:
    """The clients of several contracts in one."""

    def __init__(self, contracts: Sequence[type[Contract]], handler: Handler) -> None:
        for contract in contracts:
            client = proxy(contract, handler)
            for name in dir(type(client)):
                if hasattr(getattr(type(client), name, None), "__operation__"):
                    setattr(self, name, getattr(client, name))


@asynccontextmanager
async def recording(
    service: S,
    *,
    policies: Sequence[Policy] = (),
    components: Sequence[Component] = (),
    serialise: bool = True,
) -> AsyncGenerator[tuple[S, Recorded]]:
    """Host ``service`` for the length of the block.

    ::

        async with recording(OrderService(users=FakeUsers(), store=store)) as (orders, events):
            await orders.place(order)
        assert events.of(Orders.placed) == [OrderPlaced(order_id=1)]

    The first value is a client typed as the service: its calls go through ``policies``, and
    through bytes and back unless ``serialise=False``, so what cannot travel is found here.
    ``components`` (a database, say) start before it and stop after it. Who calls, and until when,
    says ``with calling(principal=..., timeout=...)``.
    """
    events = Recorded()
    host = Host(service, policies=policies, components=components, wire=events)
    await host.start()
    try:
        handler = serialising(host.handle) if serialise else host.handle
        contracts = contracts_of(type(service))
        client = proxy(contracts[0], handler) if len(contracts) == 1 else None
        yield cast(S, client or _Clients(contracts, handler)), events
    finally:
        await host.stop()
