"""A rich contract and what is needed to send requests at it, without any socket."""

import asyncio
import datetime
import decimal
import enum
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlsplit

from coterie.binding.rest import Endpoint, Request, Router, from_headers, problem_reply
from coterie.call import Call, Failure, Reply
from coterie.contract import (
    Body,
    Code,
    Content,
    Contract,
    Cookie,
    Fault,
    Form,
    Header,
    Html,
    Meta,
    Page,
    Query,
    Redirect,
    Struct,
    Text,
    Upload,
    call,
    delete,
    describe,
    get,
    patch,
    post,
    put,
)

T = TypeVar("T")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Line(Struct):
    sku: Annotated[str, Meta(min_length=1, max_length=20)]
    quantity: Annotated[int, Meta(ge=1)]
    note: str | None = None


class Box(Struct, Generic[T]):
    inside: T


@dataclass
class Address:
    street: str
    number: int = 1


class Cat(Struct, tag="cat"):
    lives: int


class Dog(Struct, tag="dog"):
    tricks: list[str]


class Everything(Struct):
    day: datetime.date
    at: datetime.datetime
    price: decimal.Decimal
    key: uuid.UUID
    blob: bytes
    colour: Colour
    lines: list[Line]
    by_name: dict[str, Line]
    box: Box[Line]
    address: Address
    pet: Cat | Dog
    maybe: int | None = None


class Made(Struct):
    id: int
    location: Annotated[str, Header("Location")]
    tries: Annotated[int | None, Header("X-Tries")] = None


class TooMany(Fault, code=Code.FAILED_PRECONDITION, status=409):
    """{count} is too many."""

    count: int
    day: datetime.date = datetime.date(2026, 1, 2)


class Plain(Fault, code=Code.NOT_FOUND):
    """It is not there."""


class Things(Contract, version="1.2"):
    """Everything a request can carry."""

    @get("/things/{key}", faults=[Plain], etag=True)
    async def thing(
        self,
        key: uuid.UUID,
        wanted: Annotated[list[Colour], Query()] = [],  # noqa: B006  # read, never changed
        limit: Annotated[int, Meta(ge=1, le=50)] = 10,
        deep: bool = False,
        since: datetime.date | None = None,
        agent: Annotated[str | None, Header("User-Agent")] = None,
        if_part: Annotated[str | None, Header()] = None,
        session: Annotated[str | None, Cookie()] = None,
    ) -> Line: ...

    @put("/things/{key}", faults=[Plain], if_match="thing")
    async def replace(self, key: uuid.UUID, line: Line) -> Line: ...

    @post("/things", status=201, faults=[TooMany, Plain])
    async def add(self, thing: Everything, dry: bool = False) -> Made: ...

    @patch("/things/{key}")
    async def change(self, key: uuid.UUID, lines: list[Line]) -> None: ...

    @delete("/things/{key}")
    async def remove(self, key: uuid.UUID) -> None: ...

    @call(faults=[TooMany])
    async def compute(self, a: int, line: Line, *, factor: float = 1.0) -> float: ...

    @get("/text")
    async def text(self) -> Text: ...

    @get("/html")
    async def html(self) -> Html: ...

    @get("/pdf")
    async def pdf(self) -> Annotated[bytes, Content("application/pdf")]: ...

    @get("/word")
    async def word(self) -> str: ...

    @get("/away")
    async def away(self, to: str) -> Redirect: ...

    @get("/list")
    async def listed(self, limit: int = 2, cursor: str | None = None) -> Page[Line]: ...

    @get("/rows")
    async def rows(self) -> AsyncIterator[bytes]: ...

    @post("/rows")
    async def take_rows(self, rows: AsyncIterator[bytes]) -> int: ...

    @post("/raw")
    async def raw(self, data: Annotated[bytes, Content("image/png")]) -> int: ...

    @post("/note")
    async def note(self, note: Annotated[Text, Body()]) -> int: ...

    @post("/form")
    async def form(self, name: Annotated[str, Form()], age: Annotated[int, Form()] = 0) -> str: ...

    @post("/upload")
    async def upload(self, title: Annotated[str, Form()], files: list[Upload]) -> list[str]: ...


OPERATIONS = {op.name: op for op in describe(Things).operations}
ENDPOINTS = {
    op.name: Endpoint(op, OPERATIONS[op.if_match] if op.if_match else None)
    for op in OPERATIONS.values()
}
ROUTER = Router((op.method, op.route, op.name) for op in OPERATIONS.values())


def arrive(
    method: str,
    target: str,
    body: Any = b"",
    headers: dict[str, str] | None = None,
) -> Call:
    """The call that a request asks for. Raises `Failure` as a server would answer it."""
    parts = urlsplit(target)
    name, values = ROUTER.find(method, parts.path)
    raw = {k.lower().encode(): v.encode("latin-1") for k, v in (headers or {}).items()}
    request = Request(values, parts.query.encode(), raw, body)
    return ENDPOINTS[name].call(request, target.encode(), from_headers(raw))


def refused(*args: Any, **kwargs: Any) -> Failure:
    """The failure with which a request is refused."""
    try:
        call_ = arrive(*args, **kwargs)
    except Failure as failure:
        return failure
    raise AssertionError(f"not refused: {call_.arguments}")


def rendered(call_: Call, value: Any) -> Reply:
    """The reply to ``call_`` if its method returns ``value``."""
    if call_.render is None:
        raise AssertionError("a call from a wire can render")
    return call_.render(value)


def told(error: Fault | Failure) -> Reply:
    """The reply that tells an error."""
    return problem_reply(error, "0" * 31 + "1")


def body_of(reply: Reply) -> bytes:
    """The body of a reply that does not stream."""
    if not isinstance(reply.body, bytes):
        raise AssertionError("this reply streams")
    return reply.body


def joined(chunks: AsyncIterator[bytes]) -> bytes:
    """All of a stream."""

    async def gather() -> bytes:
        return b"".join([chunk async for chunk in chunks])

    return asyncio.run(gather())
