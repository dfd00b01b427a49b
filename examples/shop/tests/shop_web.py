"""A plain HTTP client of the shop: what its users have, and nothing more."""

import itertools
import json
from typing import Any

from coterie.client.http1 import Pool

DATE = "2023-11-28"


class Answer:
    """Status, headers and JSON of one response."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"{self.status} {self.body.decode(errors='replace')}"


class Web:
    """Requests to the shop."""

    _names = itertools.count(1)

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request; ``body`` goes as JSON, bytes go as they are."""
        sent = {"content-type": "application/json"} if body is not None else {}
        sent.update(headers or {})
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        response = await self.pool.request(method, path, list(sent.items()), raw)
        return Answer(response.status, dict(response.headers), response.body)

    async def customer(self) -> "Customer":
        """A new user, logged in."""
        name = f"customer{next(self._names)}"
        user = {"name": name, "password": "newPassword", "address": "new address"}
        registered = await self.ask("POST", "/api/users", user)
        assert registered.status == 200, registered
        return await self.login(name, "newPassword")

    async def login(self, name: str, password: str) -> "Customer":
        """Somebody who is known already."""
        login = await self.ask("POST", "/api/login", {"username": name, "password": password})
        assert login.status == 200, login
        return Customer(self, name, login.json["user_id"], login.json["access_token"])

    async def stock(self, product: int) -> int:
        """How many of a product can be ordered."""
        answer = await self.ask("GET", f"/api/products/{product}/stock")
        found: int = answer.json["available"]
        return found


class Customer:
    """Somebody with a token."""

    def __init__(self, web: Web, name: str, id: int, token: str) -> None:
        self.web = web
        self.name = name
        self.id = id
        self.token = token

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        """A request in their name."""
        return await self.web.ask(method, path, body, token=self.token, **more)

    async def order(self, product: int, quantity: int, date: str = DATE) -> Answer:
        """Place an order."""
        order = {
            "user_id": self.id,
            "product_id": product,
            "quantity": quantity,
            "date": date,
        }
        return await self.ask("POST", "/api/orders", order)

    async def ordered(self, product: int, quantity: int) -> str:
        """Place an order that must succeed; where it is."""
        answer = await self.order(product, quantity)
        assert answer.status == 200, answer
        return answer.headers["location"]
