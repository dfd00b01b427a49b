"""Coterie: the typed client of the contract, as `connect` gives it."""

import sys
from typing import Any, Protocol

import msgspec
import uvloop

from bench import orders
from bench.apps.coterie_orders import Orders
from bench.apps.models import NewOrder, Order
from bench.drive import drive
from coterie.call import Failure
from coterie.client import connect
from coterie.contract import Code

ORDERS = [msgspec.convert(orders.order(kind), NewOrder) for kind in range(orders.KINDS)]


class Places(Protocol):
    """A typed client of any contract with this operation."""

    async def place(self, order: NewOrder) -> Order:
        """Price an order."""
        ...


class Client:
    def __init__(self, service: Places) -> None:
        self.service = service

    async def call(self, kind: int) -> int:
        return (await self.service.place(ORDERS[kind])).total

    async def plain(self, kind: int) -> dict[str, Any]:
        value: dict[str, Any] = msgspec.to_builtins(await self.service.place(ORDERS[kind]))
        return value

    async def refused(self) -> bool:
        wrong = msgspec.convert(orders.order(0), NewOrder)
        wrong.items[2].quantity = 0
        try:
            await self.service.place(wrong)
        except Failure as failure:
            return failure.code is Code.INVALID_ARGUMENT
        return False


async def main(port: int) -> None:
    async with connect(Orders, f"http://127.0.0.1:{port}") as service:
        await drive(Client(service))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
