"""Keys in memory, and a shop to call with them: for tests of the policy alone."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from coterie.binding.rest import Endpoint, Request
from coterie.call import Call, Context, Handler, Policy, Principal, Reply, Trace, chain
from coterie.contract import (
    Contract,
    Fault,
    Header,
    Operation,
    Redirect,
    Text,
    describe,
    get,
    post,
    put,
)

__all__ = [
    "Ledger",
    "Memory",
    "Order",
    "Receipt",
    "Shop",
    "ShopService",
    "SoldOut",
    "call_of",
    "hosted",
    "operation",
    "sent",
]


class Order(Struct, frozen=True):
    product: int
    quantity: int = 1


class Receipt(Struct, frozen=True):
    number: int
    product: int
    big: int = 2**70


class Filed(Struct, frozen=True):
    number: int
    location: Annotated[str, Header("Location")]


class SoldOut(Fault, status=409):
    """Product {product} is sold out."""

    product: int


class Shop(Contract, version="1.0"):
    @post("/orders", faults=[SoldOut], status=201)
    async def place(self, order: Order) -> Receipt: ...

    @post("/payments", keyed=True)
    async def pay(self, amount: int) -> Receipt: ...

    @post("/files")
    async def file(self, product: int) -> Filed: ...

    @post("/words")
    async def words(self, product: int) -> Text: ...

    @post("/away")
    async def away(self, product: int) -> Redirect: ...

    @post("/forget")
    async def forget(self, product: int) -> None: ...

    @put("/stock")
    async def stock(self, product: int) -> int: ...

    @get("/look")
    async def look(self) -> int: ...

    @post("/pour")
    async def pour(self, data: AsyncIterator[bytes]) -> int: ...


class Ledger:
    """What was done."""

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Semaphore(0)
        self.sold_out = False
        self.error: BaseException | None = None


class ShopService(Shop):
    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    async def done(self, what: str) -> int:
        ledger = self.ledger
        ledger.arrived.release()
        await ledger.gate.wait()
        if ledger.error is not None:
            raise ledger.error
        ledger.effects.append(what)
        return len(ledger.effects)

    async def place(self, order: Order) -> Receipt:
        if self.ledger.sold_out:
            raise SoldOut(order.product)
        return Receipt(await self.done("place"), order.product)

    async def pay(self, amount: int) -> Receipt:
        return Receipt(await self.done("pay"), amount)

    async def file(self, product: int) -> Filed:
        return Filed(await self.done("file"), f"/files/{product}")

    async def words(self, product: int) -> Text:
        return f"the {await self.done('words')}th word on {product}"

    async def away(self, product: int) -> Redirect:
        return Redirect(f"/{product}/{await self.done('away')}")

    async def forget(self, product: int) -> None:
        await self.done("forget")

    async def stock(self, product: int) -> int:
        return await self.done("stock")

    async def look(self) -> int:
        return len(self.ledger.effects)

    async def pour(self, data: AsyncIterator[bytes]) -> int:
        return await self.done("pour")


class Memory:
    """Keys in a table of this process: what the policy asks of a store, and no more."""

    def __init__(self) -> None:
        self.rows: dict[bytes, tuple[bytes, int, bytes | None]] = {}
        self.leases: list[float] = []
        self._claims = itertools.count(1)
        self.broken = False

    async def claim(
        self, key: bytes, fingerprint: bytes, *, lease: float, keep: float
    ) -> int | tuple[bytes, bytes | None]:
        found = self.rows.get(key)
        if found is not None:
            return found[0], found[2]
        self.leases.append(lease)
        claim = next(self._claims)
        self.rows[key] = (fingerprint, claim, None)
        return claim

    async def finish(self, key: bytes, claim: int, reply: bytes) -> bool:
        found = self.rows.get(key)
        if found is None or found[1] != claim:
            return False
        self.rows[key] = (*found[:2], reply)
        return True

    async def release(self, key: bytes, claim: int) -> None:
        if self.broken:
            raise ConnectionError("no database")
        found = self.rows.get(key)
        if found is not None and found[1] == claim and found[2] is None:
            del self.rows[key]


def operation(name: str) -> Operation:
    return next(one for one in describe(Shop).operations if one.name == name)


def call_of(name: str, key: str | None = None, who: str | None = None, **arguments: Any) -> Call:
    """A call within the process."""
    principal = None if who is None else Principal(who)
    context = Context(Trace.root(), principal=principal)
    return Call(operation(name), arguments, context if key is None else context.keyed(key))


def sent(
    name: str,
    key: str | None = None,
    who: str | None = None,
    accept: bytes = b"application/json",
    content: bytes = b"application/json",
    **arguments: Any,
) -> Call:
    """The same as it comes over a wire."""
    inside = call_of(name, key, who, **arguments)
    one = operation(name)
    body, query = b"", b""
    if "order" in arguments:
        encode = msgspec.json.encode if content.endswith(b"json") else msgspec.msgpack.encode
        body = encode(arguments["order"])
    elif arguments:
        query = b"&".join(b"%s=%d" % (n.encode(), v) for n, v in arguments.items())
    headers = {b"accept": accept, b"content-type": content}
    request = Request(path={}, query=query, headers=headers, body=body)
    return Endpoint(one).call(request, one.route.encode(), inside.context)


def hosted(ledger: Ledger, *policies: Policy) -> Handler:
    """The shop as a host serves it, without the host."""
    service = ShopService(ledger)

    async def handle(call: Call) -> Reply:
        value = await getattr(service, call.operation.name)(**call.arguments)
        return Reply(value) if call.render is None else call.render(value)

    return chain(policies, handle)
