"""A shop under load, and the books afterwards: what left the stock must be what was ordered."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from bench.load import Exchange, Load
from bench.orders import post
from bench.round import Round
from bench.server import Server, ServerError

USERS = 8
PRODUCTS = 12
STOCK = 10_000_000
PLACED = {"response": "Order placed successfully"}


class Shop:
    """Three services; `servers` in the order they start. Every order takes one piece."""

    def __init__(self, name: str, servers: Sequence[Server]) -> None:
        self.name = name
        self.servers = list(servers)
        self.exchanges: list[Exchange] = []
        self.port = 0
        self.placed = 0

    async def start(self) -> None:
        """Start the services and fill them with users and products."""
        for server in self.servers:
            await server.start()
        self.exchanges = [
            Exchange(order, PLACED) for order in await asyncio.to_thread(self.prepare)
        ]

    def prepare(self) -> list[bytes]:
        """Users, products and tokens are there afterwards; gives the requests of the load."""
        raise NotImplementedError

    def stock(self) -> int:
        """How many pieces are left, of all products together."""
        raise NotImplementedError

    async def run(self, in_flight: int, seconds: float) -> Round:
        """One round; then the stock is compared with the orders, as an error if it differs."""
        before = await asyncio.to_thread(self.stock)
        done = await Load(self.port, self.exchanges, connections=in_flight).run(seconds)
        taken = before - await asyncio.to_thread(self.stock)
        if taken == done.total or done.errors:
            return done
        wrong = {f"{taken} pieces left the stock for {done.total} orders": 1}
        return Round(
            count=done.count,
            seconds=done.seconds,
            p50=done.p50,
            p99=done.p99,
            errors=wrong,
            total=done.total,
            busy=done.busy,
        )

    async def stop(self) -> None:
        """Stop the services, the last one first."""
        for server in reversed(self.servers):
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
