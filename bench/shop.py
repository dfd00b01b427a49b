"""A shop under load, and the books afterwards: what left the stock must be what was ordered."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import structs

from bench.contestant import costed
from bench.load import Exchange, Load
from bench.orders import post
from bench.round import Round
from bench.server import Server, ServerError

USERS = 8
PRODUCTS = 12
STOCK = 10_000_000
PLACED = {"response": "Order placed successfully"}


class Stand(Protocol):
    """A shop of some make: how to start it, fill it and read its stock."""

    name: str
    port: int
    """Where orders are placed."""
    servers: Sequence[Server]
    """In the order they start."""

    async def prepare(self) -> None:
        """Make what the servers need before they start."""
        ...

    def fill(self) -> list[bytes]:
        """Users, products and tokens are there afterwards; gives the requests of the load."""
        ...

    def stock(self) -> int:
        """How many pieces are left, of all products together."""
        ...


class Shop:
    """A contestant: a stand under load. Every order takes one piece."""

    def __init__(self, stand: Stand) -> None:
        self.name = stand.name
        self.stand = stand
        self.exchanges: list[Exchange] = []

    async def start(self) -> None:
        """Start the services and fill them."""
        await self.stand.prepare()
        for server in self.stand.servers:
            await server.start()
        requests = await asyncio.to_thread(self.stand.fill)
        self.exchanges = [Exchange(request, PLACED) for request in requests]

    async def run(self, in_flight: int, seconds: float) -> Round:
        """One round; then the stock is compared with the orders, as an error if it differs."""
        before = await asyncio.to_thread(self.stand.stock)
        load = Load(self.stand.port, self.exchanges, connections=in_flight)
        done = await costed(self.stand.servers, load.run(seconds))
        taken = before - await asyncio.to_thread(self.stand.stock)
        if taken == done.total or done.errors:
            return done
        return structs.replace(
            done, errors={f"{taken} pieces left the stock for {done.total} orders": 1}
        )

    async def stop(self) -> None:
        """Stop the services, the last one first."""
        for server in reversed(self.stand.servers):
            await server.stop()


def orders(users: Sequence[int], products: Sequence[int], headers: Sequence[Any]) -> list[bytes]:
    """Requests for one piece each, users and products in turn; `headers` beside each user."""
    return [
        post(
            "/api/orders",
            {
                "user_id": user,
                "product_id": products[turn % len(products)],
                "quantity": 1,
                "date": "2023-11-28",
            },
            extra,
        )
        for turn in range(len(products))
        for user, extra in zip(users, headers, strict=True)
    ]


def ask(method: str, url: str, value: object = None, token: str | None = None) -> Any:
    """One plain JSON request, answered with its JSON. Raises `ServerError` for a refusal."""
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    body = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        what = error.read().decode(errors="replace")
        raise ServerError(f"{method} {url}: {error.code}: {what}") from error
    except OSError as error:
        raise ServerError(f"{method} {url}: {error}") from error
