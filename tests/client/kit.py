"""A service of every kind of call, and the three ways to reach it."""

import asyncio
import datetime
import decimal
import enum
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from coterie.call import Failure, Handler, Principal, Violation, current
from coterie.client import Http, proxy, serialising
from coterie.contract import (
    Code,
    Content,
    Contract,
    Cookie,
    Event,
    Fault,
    Header,
    Meta,
    Page,
    Query,
    Redirect,
    Struct,
    Text,
    Upload,
    call,
    get,
    post,
    put,
)
from coterie.policy import authenticate, deadline
from coterie.server import App, Host, HttpServer

__all__ = ["WAYS", "Colour", "Desk", "DeskService", "Item", "Reached", "Refused", "reached"]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Cat(Struct, tag="cat"):
    lives: int


class Dog(Struct, tag="dog"):
    tricks: list[str]


class Item(Struct):
    """One of each kind of field."""

    day: datetime.date
    price: decimal.Decimal
    key: uuid.UUID
    blob: bytes
    colour: Colour
    pets: list[Cat | Dog]
    by_name: dict[str, float]
    maybe: int | None = None
    quantity: Annotated[int, Meta(ge=1)] = 1


class Made(Struct):
    id: int
    location: Annotated[str, Header("Location")]
    tries: Annotated[int | None, Header("X-Tries")] = None


class Seen(Struct):
    trace_id: str
    remaining: float | None
    subject: str | None
    token: str | None
    key: str | None
    baggage: dict[str, str]


class Refused(Fault, code=Code.FAILED_PRECONDITION, status=409):
    """Not on {day}: {reason}."""

    day: datetime.date
    reason: str
    items: list[Cat] = []  # noqa: RUF012  # each fault has its own


class Plain(Fault, code=Code.NOT_FOUND):
    """It is not there."""


class Undeclared(Fault, code=Code.ABORTED):
    """The secret is {secret}."""

    secret: str


class Happened(Struct):
    what: str


class Desk(Contract, version="1.3"):
    """Where everything can be asked for."""

    happened = Event(Happened)

    limit = 17

    @get("/add/{a}")
    async def add(self, a: int, b: int = 2, *, times: int = 1) -> int:
        """Add, and multiply."""
        ...

    @post("/items", status=201)
    async def echo(self, item: Item) -> Item: ...

    @get("/find/{key}")
    async def find(
        self,
        key: uuid.UUID,
        text: str,
        colours: Annotated[list[Colour], Query()] = [],  # noqa: B006  # read, never changed
        since: datetime.date | None = None,
        deep: bool = False,
        part: Annotated[str | None, Header("X-Part")] = None,
        biscuit: Annotated[str | None, Cookie()] = None,
    ) -> list[str]: ...

    @put("/nothing")
    async def nothing(self) -> None: ...

    @get("/pdf")
    async def pdf(self) -> Annotated[bytes, Content("application/pdf")]: ...

    @get("/text")
    async def text(self) -> Text: ...

    @get("/moved")
    async def moved(self) -> Redirect: ...

    @post("/made", status=201)
    async def made(self, tries: int | None = None) -> Made: ...

    @post("/files")
    async def file(self, file: Upload, title: str = "none") -> str: ...

    @get("/fails", faults=[Refused, Plain])
    async def fails(self, how: str) -> str: ...

    @get("/seen")
    async def seen(self) -> Seen: ...

    @get("/waits")
    async def waits(self) -> str: ...

    @get("/hurried", timeout=0.05)
    async def hurried(self) -> str: ...

    @get("/numbers")
    async def numbers(self, limit: int = 3, cursor: str | None = None) -> Page[int]: ...

    @get("/stream", faults=[Plain])
    async def stream(self, how: str = "three") -> AsyncIterator[bytes]: ...

    @post("/count")
    async def count(self, data: AsyncIterator[bytes]) -> int: ...

    @call(faults=[Refused])
    async def inner(self, item: Item, note: str = "") -> Item: ...


class DeskService(Desk):
    """Does it."""

    def __init__(self) -> None:
        self.waiting = 0
        self.cancelled = 0
        self.go = asyncio.Event()
        self.opened = 0
        self.closed = 0

    async def add(self, a: int, b: int = 2, *, times: int = 1) -> int:
        return (a + b) * times

    async def echo(self, item: Item) -> Item:
        return item

    async def find(
        self,
        key: uuid.UUID,
        text: str,
        colours: list[Colour] = [],  # noqa: B006  # read, never changed
        since: datetime.date | None = None,
        deep: bool = False,
        part: str | None = None,
        biscuit: str | None = None,
    ) -> list[str]:
        return [repr(x) for x in (key, text, colours, since, deep, part, biscuit)]

    async def nothing(self) -> None:
        return None

    async def pdf(self) -> Annotated[bytes, Content("application/pdf")]:
        return b"%PDF \x00\xff"

    async def text(self) -> Text:
        return "zażółć"

    async def moved(self) -> Redirect:
        return Redirect("/text?a=b", 307)

    async def made(self, tries: int | None = None) -> Made:
        return Made(7, "/made/7", tries)

    async def file(self, file: Upload, title: str = "none") -> str:
        return f"{title}: {file.filename} {file.content_type} {file.data!r}"

    async def fails(self, how: str) -> str:
        errors: dict[str, Exception] = {
            "fault": Refused(datetime.date(2026, 1, 2), "closed", [Cat(9)]),
            "plain": Plain(),
            "undeclared": Undeclared("hunter2"),
            "defect": RuntimeError("hunter2"),
            "busy": Failure(Code.RESOURCE_EXHAUSTED, "Come back later", retry_after=7),
            "invalid": Failure(
                Code.INVALID_ARGUMENT, "No", violations=(Violation("bad", "#/how", "query"),)
            ),
            "gone": Failure(Code.NOT_FOUND, "It is gone", status=410),
            "lost": Failure(Code.DATA_LOSS, "Unreadable"),
        }
        raise errors[how]

    async def seen(self) -> Seen:
        context = current()
        return Seen(
            context.trace.trace_id,
            context.remaining,
            None if context.principal is None else context.principal.subject,
            context.token,
            context.idempotency_key,
            dict(context.baggage),
        )

    async def waits(self) -> str:
        self.waiting += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return "done"

    async def hurried(self) -> str:
        return await self.waits()

    async def numbers(self, limit: int = 3, cursor: str | None = None) -> Page[int]:
        first = int(cursor or 0)
        last = min(first + limit, 10)
        return Page(list(range(first, last)), None if last == 10 else str(last))

    async def stream(self, how: str = "three") -> AsyncIterator[bytes]:
        if how == "refused":
            raise Plain
        return self._parts(how)

    async def _parts(self, how: str) -> AsyncGenerator[bytes]:
        self.opened += 1
        try:
            yield b"one,"
            if how == "stalls":
                await self.go.wait()
            if how == "breaks":
                raise RuntimeError("hunter2")
            yield b"two,"
            yield b"three"
        finally:
            self.closed += 1

    async def count(self, data: AsyncIterator[bytes]) -> int:
        return sum([len(chunk) async for chunk in data])

    async def inner(self, item: Item, note: str = "") -> Item:
        if note:
            raise Refused(item.day, note)
        return item


class Verifier:
    """Believes everybody."""

    def verify(self, token: str) -> Principal:
        return Principal(f"whoever says {token}")


class Reached:
    """A desk, and a handler that reaches it."""

    def __init__(self, service: DeskService, handler: Handler) -> None:
        self.service = service
        self.handler = handler

    @property
    def desk(self) -> Desk:
        return proxy(Desk, self.handler)


WAYS = ("local", "serialising", "http")


@asynccontextmanager
async def reached(
    way: str, wrap: Callable[[Any], Any] = lambda app: app
) -> AsyncGenerator[Reached]:
    """A desk reached in one of the three `WAYS`; over HTTP, ``wrap`` goes round the application."""
    service = DeskService()
    host = Host(service, policies=[deadline(30), authenticate(Verifier())])
    await host.start()
    try:
        if way == "local":
            yield Reached(service, host.handle)
        elif way == "serialising":
            yield Reached(service, serialising(host.handle))
        else:
            server = HttpServer(wrap(App([host])))
            await server.start()
            try:
                async with Http(server.url) as http:
                    yield Reached(service, http.handle)
            finally:
                service.go.set()
                await server.stop()
    finally:
        service.go.set()
        await host.stop(drain=1)
