"""Tables, operations and calls that the tests of the store use."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from coterie.call import Call, Context, Handler, Policy, Reply, Trace
from coterie.contract import Contract, Operation, describe, get, post
from coterie.store import Database, metadata

__all__ = ["Model", "Order", "Product", "answering", "call", "count", "until"]


class Model(DeclarativeBase):
    metadata = metadata()


class Product(Model):
    __tablename__ = "product"

    id: Mapped[int] = mapped_column(primary_key=True)
    available: Mapped[int] = mapped_column(CheckConstraint("available >= 0", name="not_negative"))


class Order(Model):
    __tablename__ = "order"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    note: Mapped[str] = mapped_column(String(50), default="", unique=True)


class Shop(Contract, version="1.0"):
    @get("/look")
    async def look(self) -> str: ...

    @post("/buy")
    async def buy(self) -> str: ...


def _operation(name: str) -> Operation:
    return next(one for one in describe(Shop).operations if one.name == name)


LOOK = _operation("look")
BUY = _operation("buy")


def call(operation: Operation = BUY, render: Callable[[Any], Reply] | None = None) -> Call:
    return Call(operation, {}, Context(Trace.root()), render)


def answering(policy: Policy, method: Callable[[], Awaitable[Any]]) -> Handler:
    """A handler as a server has it: the method, its result rendered, the policy around both."""

    async def handle(call: Call) -> Reply:
        value = await method()
        return Reply(value) if call.render is None else call.render(value)

    return policy(handle)


async def count(database: Database, entity: type[Model]) -> int:
    """Rows that are committed, seen from outside."""
    async with database.transaction(read_only=True, independent=True):
        return await database.scalar(select(func.count()).select_from(entity)) or 0


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 5.0) -> None:
    """Wait for ``condition``; fails when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)
