"""Coterie: a service that calls a Flask program, by its typed client and without one."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from bench.apps import bare_client, coterie_client
from bench.apps.models import NewOrder, Order
from bench.drive import Caller, Command, check, measure
from bench.round import Round
from coterie.client.http1 import Pool
from coterie.contract import Contract, Service, anyone, post


class Orders(Contract, version="1.0"):
    """What the program promises."""

    @post("/api/orders", allow=anyone)
    async def place(self, order: NewOrder) -> Order:
        """Price an order."""
        raise NotImplementedError


class Asked(Struct):
    """One round; `url` is where the program itself is, for the way without a typed client."""

    way: Literal["typed", "bare"]
    url: str
    in_flight: Annotated[int, Meta(ge=1)]
    seconds: float


class Native(Service, version="1.0"):
    """Makes calls, and counts them."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    @post("/api/rounds", allow=anyone)
    async def run(self, asked: Asked) -> Round:
        """One round; before it, every kind of answer is looked at."""
        command = Command(asked.in_flight, asked.seconds)
        if asked.way == "typed":
            return await _checked(coterie_client.Client(self._orders), command)
        async with Pool(asked.url) as pool:
            return await _checked(bare_client.Client(pool), command)


async def _checked(caller: Caller, command: Command) -> Round:
    await check(caller)
    return await measure(caller, command)
