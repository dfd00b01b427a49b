# mypy: ignore-errors
# The peers are not in the environment of the checks.
"""httpx, the client of FastAPI's documentation, with pydantic at both ends of the call.

One `AsyncClient` for all calls, as httpx advises, allowed to keep a connection a call in flight
(its default keeps 20, which would make it reconnect all the time).
"""

import sys
from typing import Any

import httpx
import uvloop

from bench import orders
from bench.apps.pydantic_models import NewOrder, Order
from bench.drive import drive

ORDERS = [NewOrder.model_validate(orders.order(kind)) for kind in range(orders.KINDS)]
JSON = {"Content-Type": "application/json"}


class Client:
    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def place(self, order: NewOrder) -> Order:
        response = await self.http.post(orders.PATH, content=order.model_dump_json(), headers=JSON)
        response.raise_for_status()
        return Order.model_validate_json(response.content)

    async def call(self, kind: int) -> int:
        return (await self.place(ORDERS[kind])).total

    async def plain(self, kind: int) -> dict[str, Any]:
        return (await self.place(ORDERS[kind])).model_dump(mode="json")

    async def refused(self) -> bool:
        return (await self.http.post(orders.PATH, json=orders.wrong())).status_code == 422


async def main(port: int) -> None:
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits) as http:
        await drive(Client(http))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
