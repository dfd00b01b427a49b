"""A plain HTTP client of the shop: what its users have, and nothing more.

The shop exists twice, by Coterie (see `shop_ways`) and in Flask (see `flask_shop`), and each can be
run in several ways. All keep the same promises, so a test runs on all, unless it says
`in_coterie` or `in_flask`.
"""

import itertools
import json
from typing import Any

import pytest

from coterie.client.http1 import Pool

DATE = "2023-11-28"

IN_COTERIE = ("test kit", "one process", "processes", "grouped")
"""The ways to run the shop by Coterie."""

in_coterie = pytest.mark.parametrize("web", IN_COTERIE, indirect=True)
"""A truth of the shop by Coterie alone: in Flask nobody is asked who they are, for one."""

IN_FLASK = ("flask", "flask-up")
"""The ways to run the shop in Flask."""

in_flask = pytest.mark.parametrize("web", IN_FLASK, indirect=True)
"""A truth of the shop in Flask alone."""


class Answer:
    """Status, headers and JSON of one response."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """Why it was refused, for people."""
        told: str = self.json["detail" if "detail" in self.json else "message"]
        return told

    @property
    def blamed(self) -> list[str]:
        """The parts of the body that were refused, as JSON pointers."""
        errors = self.json["errors"]
        if isinstance(errors, dict):  # Flask-RESTX names the fields
            return [f"#/{field}" if field else "#" for field in errors]
        return [error["pointer"] for error in errors]

    def __repr__(self) -> str:
        return f"{self.status} {self.body.decode(errors='replace')}"


class Web:
    """Requests to the shop by Coterie."""

    refusals = "application/problem+json"
    """The media type of an answer that refuses."""

    _names = itertools.count(1)

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def to(self, path: str) -> Pool:
        """The connections to whoever answers for the path."""
        return self.pool

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
        response = await self.to(path).request(method, path, list(sent.items()), raw)
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
        return Customer(self, name, login.json["user_id"], login.json.get("access_token"))

    async def admin(self) -> "Customer":
        """Somebody who may do everything: the administrator of the profile ``test``."""
        return await self.login("admin", "administrator")

    async def documents(self) -> list[dict[str, Any]]:
        """What the shop says of its operations: OpenAPI, one document or several."""
        return [(await self.ask("GET", "/openapi.json")).json]

    async def operations(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Method and path of each operation: its summary, and how its success is described."""
        return {
            (method.upper(), path): (item[method]["summary"], success["description"])
            for document in await self.documents()
            for path, item in document["paths"].items()
            for method in item.keys() & {"get", "post", "put", "delete"}
            if (success := item[method]["responses"].get("200"))
        }

    async def products(self) -> list[dict[str, Any]]:
        """What can be ordered: each with id, name, price, and how many are available."""
        found: list[dict[str, Any]] = (await self.ask("GET", "/api/products")).json["items"]
        return found

    async def product(self, id: int) -> dict[str, Any]:
        """One of them."""
        return next(product for product in await self.products() if product["id"] == id)

    async def stock(self, product: int) -> int:
        """How many of a product can be ordered."""
        found: int = (await self.product(product))["available"]
        return found

    async def restock(self, product: int, available: int) -> None:
        """Say how many of a product there are."""
        path, level = f"/api/products/{product}/stock", {"available": available}
        answer = await (await self.admin()).ask("PUT", path, level)
        assert answer.status == 200, answer


class Customer:
    """Somebody who has registered, with a token where the shop gives one."""

    def __init__(self, web: Web, name: str, id: int, token: str | None) -> None:
        self.web = web
        self.name = name
        self.id = id
        self.token = token

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        """A request in their name."""
        return await self.web.ask(method, path, body, token=self.token, **more)

    async def order(
        self, product: int, quantity: int, date: str = DATE, key: str | None = None
    ) -> Answer:
        """Place an order; ``key`` names it, for when it has to be sent again."""
        order = {
            "user_id": self.id,
            "product_id": product,
            "quantity": quantity,
            "date": date,
        }
        headers = None if key is None else {"idempotency-key": f'"{key}"'}
        return await self.ask("POST", "/api/orders", order, headers=headers)

    async def ordered(self, product: int, quantity: int) -> str:
        """Place an order that must succeed; where it is."""
        answer = await self.order(product, quantity)
        assert answer.status == 200, answer
        return answer.headers["location"]
