# mypy: ignore-errors
# The peers are not in the environment of the checks.
"""Litestar: msgspec structs, which it handles natively and fastest; status 200 as all others."""

from litestar import Litestar, post

from bench.apps.models import NewOrder, Order, priced


@post("/api/orders", status_code=200)
async def place(data: NewOrder) -> Order:
    return priced(data)


app = Litestar([place])
