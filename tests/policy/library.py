"""A contract that is mostly read, a service behind it that does as it is told, and who listens."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from coterie.call import Call, Context, Principal, Reply, Trace
from coterie.contract import Code, Contract, Fault, Struct, anyone, call, describe, get, post, put

__all__ = ["Book", "Library", "NoSuchBook", "Shelf", "Told", "a_call", "until"]


class NoSuchBook(Fault, code=Code.NOT_FOUND):
    """There is no book {book_id}."""

    book_id: int


class Book(Struct):
    title: str
    tags: list[str]


class Library(Contract, version="1.0"):
    """Books."""

    @get("/books/{book_id}", faults=[NoSuchBook], etag=True, max_age=60)
    async def book(self, book_id: int, words: str = "") -> Book: ...

    @get("/books", allow=anyone, max_age=60)
    async def books(self, tag: str = "") -> list[Book]: ...

    @get("/members")
    async def members(self) -> int: ...

    @get("/scan")
    async def scan(self) -> AsyncIterator[bytes]: ...

    @put("/books/{book_id}", faults=[NoSuchBook])
    async def change(self, book_id: int, title: str) -> Book: ...

    @post("/members")
    async def enrol(self, name: str) -> int: ...

    @call(safe=True)
    async def count(self) -> int: ...

    @call()
    async def clear(self) -> None: ...


def a_call(
    name: str = "book",
    arguments: Mapping[str, Any] | None = None,
    *,
    token: str | None = None,
    principal: Principal | None = None,
    deadline: float | None = None,
    baggage: Mapping[str, str] | None = None,
) -> Call:
    """A call of the library's operation ``name``."""
    operation = describe(Library).operation(name)
    given = {p.name: p.default for p in operation.parameters}
    given |= {"book_id": 1} if "book_id" in given else {}
    given |= arguments or {}
    context = Context(Trace.root(), deadline, principal, token, None, baggage or {})
    return Call(operation, given, context)


class Shelf:
    """A handler: each call waits until it is answered by the test, or says at once what is set."""

    def __init__(self, *replies: Reply | Exception) -> None:
        self.replies = list(replies)
        self.calls: list[Call] = []
        self.open: list[asyncio.Future[Reply]] = []
        self.cancelled = 0
        self.most = 0
        self.under_way = 0

    async def handle(self, call: Call) -> Reply:
        self.calls.append(call)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if self.replies:
                reply = self.replies.pop(0)
                if isinstance(reply, Exception):
                    raise reply
                return reply
            waiting: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
            self.open.append(waiting)
            return await waiting
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.under_way -= 1

    def says(self, *replies: Reply | Exception) -> None:
        """What the next calls are answered at once."""
        self.replies[:] = replies

    def has_begun(self, calls: int) -> bool:
        return len(self.calls) >= calls


class Told:
    """A tally that remembers."""

    def __init__(self) -> None:
        self.what: list[str] = []

    def __call__(self, policy: str, what: str, call: Call, detail: str = "") -> None:
        self.what.append(f"{policy} {what}")


async def until(condition: Callable[[], object]) -> None:
    """The first turn of the loop in which it holds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  any condition
            await asyncio.sleep(0)
