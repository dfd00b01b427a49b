"""Answers that hold for a while: said by the contract, carried by HTTP, kept by the caller."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from coterie.binding.rest.openapi import openapi
from coterie.call import Call, Handler, Principal, Reply, calling, chain
from coterie.client import Http, proxy, serialising
from coterie.contract import (
    Contract,
    ContractError,
    Struct,
    anyone,
    authenticated,
    describe,
    get,
    post,
    put,
)
from coterie.policy import Cache, Caching, authenticate, cache
from coterie.server import App, Host, HttpServer

from .http1.peer import Peer, answer


class Book(Struct):
    title: str
    read: int


class Books(Contract, version="1.0"):
    """Books, which seldom change."""

    @get("/books/{book_id}", etag=True, max_age=60, allow=authenticated)
    async def book(self, book_id: int) -> Book: ...

    @get("/tagged", etag=True)
    async def tagged(self) -> Book: ...

    @get("/open", max_age=3600, allow=anyone)
    async def open(self) -> Book: ...

    @get("/plain")
    async def plain(self) -> Book: ...

    @put("/books/{book_id}")
    async def change(self, book_id: int, title: str) -> Book: ...


class BookService(Books):
    """Counts how often it was asked for a book."""

    def __init__(self) -> None:
        self.title = "Dune"
        self.asked = 0

    async def book(self, book_id: int) -> Book:
        self.asked += 1
        return Book(self.title, self.asked)

    async def tagged(self) -> Book:
        self.asked += 1
        return Book(self.title, 0)

    async def open(self) -> Book:
        return await self.book(0)

    async def plain(self) -> Book:
        return await self.book(0)

    async def change(self, book_id: int, title: str) -> Book:
        self.title = title
        return Book(title, self.asked)


class Everybody:
    def verify(self, token: str) -> Principal:
        return Principal(token)


class Seen:
    """A policy that remembers the replies that came from the wire."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []

    def __call__(self, handler: Handler) -> Handler:
        async def seen(call: Call) -> Reply:
            reply = await handler(call)
            self.replies.append(reply)
            return reply

        return seen


class Shop:
    def __init__(self, service: BookService, wire: Handler) -> None:
        self.service = service
        self.wire = wire
        self.seen = Seen()

    def client(self, *, kept: bool = True) -> Books:
        policies: list[Any] = [cache(Cache(Caching()))] if kept else []
        return proxy(Books, chain([*policies, self.seen], self.wire))


@asynccontextmanager
async def opened(way: str) -> AsyncGenerator[Shop]:
    service = BookService()
    host = Host(service, policies=[authenticate(Everybody())])
    await host.start()
    try:
        if way == "local":
            yield Shop(service, host.handle)
        elif way == "serialising":
            yield Shop(service, serialising(host.handle))
        else:
            server = HttpServer(App([host]))
            await server.start()
            try:
                async with Http(server.url) as http:
                    yield Shop(service, http.handle)
            finally:
                await server.stop()
    finally:
        await host.stop(drain=1)


WAYS = ("local", "serialising", "http")


@pytest.mark.promise("S3-63")
@pytest.mark.parametrize("way", WAYS)
async def test_a_client_that_keeps_answers_asks_once(way: str) -> None:
    """Over each way alike. Control: a client without the policy asks each time."""
    async with opened(way) as shop:
        books = shop.client()
        assert [(await books.book(1)).read for _ in range(3)] == [1, 1, 1]
        bare = shop.client(kept=False)
        assert [(await bare.book(1)).read for _ in range(3)] == [2, 3, 4]


@pytest.mark.parametrize("way", WAYS)
async def test_each_user_has_answers_of_their_own(way: str) -> None:
    """Told apart by their tokens."""
    async with opened(way) as shop:
        books = shop.client()
        for token, read in [("ann", 1), ("bob", 2), ("ann", 1), ("bob", 2)]:
            with calling(token=token):
                assert (await books.book(1)).read == read


@pytest.mark.parametrize("way", WAYS)
async def test_who_writes_reads_what_was_written(way: str) -> None:
    """Through the same client, at once."""
    async with opened(way) as shop:
        books = shop.client()
        assert (await books.book(1)).title == "Dune"
        await books.change(1, "Emma")
        assert (await books.book(1)).title == "Emma"


@pytest.mark.promise("S3-63")
@pytest.mark.parametrize("way", ["serialising", "http"])
async def test_what_has_a_tag_crosses_the_wire_once(way: str) -> None:
    """Then the service only says that it is current, until it is not."""
    async with opened(way) as shop:
        books = shop.client()
        for _ in range(3):
            assert await books.tagged() == Book("Dune", 0)
        shop.service.title = "Emma"
        assert await books.tagged() == Book("Emma", 0)
        assert [reply.status for reply in shop.seen.replies] == [200, 304, 304, 200]
        assert [reply.value is None for reply in shop.seen.replies] == [False, True, True, False]
        assert shop.service.asked == 4


@pytest.mark.parametrize("way", ["serialising", "http"])
async def test_what_a_contract_says_is_what_the_wire_says(way: str) -> None:
    """For how long, and for whom: what not anyone may ask for is for nobody else's cache."""
    async with opened(way) as shop:
        books = shop.client(kept=False)
        await books.book(1)
        await books.open()
        await books.plain()
        heads = [dict(reply.headers) for reply in shop.seen.replies]
        assert [head.get("cache-control") for head in heads] == [
            "private, max-age=60",
            "max-age=3600",
            None,
        ]
        assert [head.get("vary") for head in heads] == ["accept", "accept", None]


async def test_an_answer_that_is_current_says_again_how_long() -> None:
    """RFC 9110, 15.4.5: what 200 would have said of its being kept."""
    async with opened("http") as shop:
        books = shop.client(kept=False)
        await books.book(1)
        tag = dict(shop.seen.replies[0].headers)["etag"]
        operation = describe(Books).operation("book")
        shop.service.asked = 0
        call = Call(operation, {"book_id": 1}, _context(), validator=tag)
        reply = await shop.wire(call)
        assert (reply.status, reply.value) == (304, None)
        head = dict(reply.headers)
        assert (head["cache-control"], head["etag"]) == ("private, max-age=60", tag)


def _context() -> Any:
    with calling(token="ann") as context:
        return context


async def test_control_a_304_that_nobody_asked_for_is_no_answer(peer: Peer) -> None:
    """A service that says "unchanged" to one who has nothing is a service that lies."""
    async with Http(peer.url) as http:
        asking = asyncio.create_task(proxy(Books, http.handle).plain())
        talk = await peer.accept()
        assert b"if-none-match" not in await talk.request()
        talk.say(answer(b"", status=b"304 Not Modified"))
        with pytest.raises(Exception, match="304, which its contract does not promise"):
            await asking


def test_openapi_tells_of_it() -> None:
    """As a header of the answer, where the contract says it."""
    paths = openapi([describe(Books)], title="Books", version="1.0")["paths"]
    kept = paths["/books/{book_id}"]["get"]["responses"]
    assert "Cache-Control" in kept["200"]["headers"]
    assert "Cache-Control" in kept["304"]["headers"]
    assert "headers" not in paths["/plain"]["get"]["responses"]["200"]


def test_only_what_is_safe_can_hold() -> None:
    """And not for less than no time."""
    with pytest.raises(ContractError, match="max_age= is for what is safe"):

        class Wrong(Contract, version="1.0"):  # pyright: ignore[reportUnusedClass]
            @post("/books", max_age=60)
            async def add(self) -> int: ...

    with pytest.raises(ContractError, match="max_age -1 is below zero"):

        class Below(Contract, version="1.0"):  # pyright: ignore[reportUnusedClass]
            @get("/books", max_age=-1)
            async def add(self) -> int: ...
