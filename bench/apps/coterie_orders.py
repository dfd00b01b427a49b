"""Coterie: the orders service, contract and implementation; served alone on a port.

TO BE COMPLETED when `coterie.server` lands: `main` (one service, its own port, access log on).
"""

import sys

from bench.apps.models import NewOrder, Order, priced
from coterie.contract import Contract, anyone, post


class Orders(Contract, version="1.0"):
    """Orders of the bench."""

    @post("/api/orders", allow=anyone)
    async def place(self, order: NewOrder) -> Order:
        """Price an order."""
        ...


class OrderService(Orders):
    async def place(self, order: NewOrder) -> Order:
        return priced(order)


if __name__ == "__main__":
    raise SystemExit("the framework's server is not there yet")
