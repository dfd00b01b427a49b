"""A contract to put policies round, and calls of it."""

from collections.abc import Mapping
from typing import Any

from coterie.call import Call, Context, Principal, Reply, Trace
from coterie.contract import (
    Code,
    Contract,
    Fault,
    Struct,
    anyone,
    authenticated,
    describe,
    get,
    owner,
    post,
    role,
    scope,
)


class OutOfStock(Fault, code=Code.FAILED_PRECONDITION, status=409):
    """Only {available} left."""

    available: int


class NewOrder(Struct):
    user_id: int


class Shop(Contract, version="1.0"):
    """A shop."""

    @get("/silent")
    async def silent(self) -> str: ...

    @get("/open", allow=anyone)
    async def open(self) -> str: ...

    @get("/known", allow=authenticated)
    async def known(self) -> str: ...

    @get("/admin", allow=role("admin"))
    async def admin(self) -> str: ...

    @get("/scoped", scopes=["orders:read", "orders:write"])
    async def scoped(self) -> str: ...

    @get("/either", allow=scope("orders:read") | role("admin"))
    async def either(self) -> str: ...

    @get("/user/{user_id}", allow=owner("user_id") | role("admin"))
    async def user(self, user_id: int) -> str: ...

    @post("/orders", allow=owner("order.user_id"), faults=[OutOfStock])
    async def place(self, order: NewOrder) -> str: ...

    @get("/quick", allow=anyone, timeout=0.05)
    async def quick(self) -> str: ...

    @get("/long", allow=anyone, timeout=3600)
    async def long(self) -> str: ...


def a_call(
    name: str = "silent",
    arguments: Mapping[str, Any] | None = None,
    *,
    principal: Principal | None = None,
    token: str | None = None,
    deadline: float | None = None,
    trace: Trace | None = None,
) -> Call:
    """A call of the shop's operation ``name``."""
    context = Context(trace or Trace.root(), deadline, principal, token)
    return Call(describe(Shop).operation(name), dict(arguments or {}), context)


async def answer(call: Call) -> Reply:
    """The innermost handler: answers with the call itself."""
    return Reply(call)
