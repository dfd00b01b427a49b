"""A small shop, which the other modules here use rightly and wrongly."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated

from coterie.contract import (
    Code,
    Content,
    Contract,
    Event,
    Fault,
    Meta,
    Page,
    Service,
    Struct,
    call,
    delete,
    get,
    post,
)


class NewOrder(Struct):
    user_id: int
    product_id: int
    quantity: Annotated[int, Meta(ge=1)]
    day: date


class Placed(Struct):
    order_id: int


class Dropped(Struct):
    order_id: int


class OutOfStock(Fault, code=Code.FAILED_PRECONDITION, status=409):
    """Only {available} left of product {product_id}."""

    product_id: int
    available: int = 0


class Orders(Contract, version="1.0"):
    placed = Event(Placed)
    dropped = Event(Dropped)

    @post("/orders", faults=[OutOfStock])
    async def place(self, order: NewOrder) -> Placed: ...

    @get("/orders")
    async def orders(
        self, user_id: int, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Placed]: ...

    @delete("/orders/{order_id}")
    async def drop(self, order_id: int) -> None: ...

    @get("/orders/{order_id}/invoice")
    async def invoice(self, order_id: int) -> Annotated[bytes, Content("application/pdf")]: ...

    @get("/orders/export")
    async def export(self) -> AsyncIterator[bytes]: ...

    @call()
    async def count(self) -> int: ...


class Greeting(Struct):
    text: str


class Hello(Service, version="1.0"):
    @get("/hello/{name}")
    async def greet(self, name: str) -> Greeting:
        return Greeting(f"Hello, {name}!")
