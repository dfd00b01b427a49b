"""What a server does wrong costs its callers no more than the time they gave it.

The real client, with all that surrounds it, against a server that misbehaves on purpose: nobody
waits past the deadline, nothing is done twice, nothing stays open, and what is said is true.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import Any

import pytest

from coterie.binding.rest import travel
from coterie.call import Failure, Policy, Sent, calling, chain, current
from coterie.client import Http, proxy
from coterie.contract import Code, Contract, get, post
from coterie.policy import Budget, Bulk, Bulkhead, Retry, bulkhead, deadline, retry
from coterie.server import App, Host, HttpServer
from tests.client.http1.peer import listening, refusing, unreachable

from .misbehaving import WAYS, Misbehaving, found

DEADLINE = 0.25
"""Seconds that a caller gives."""
SLACK = 0.1
"""Seconds past it in which it must be told."""

UNKNOWN = {
    **dict.fromkeys(
        [
            "hung", "hung in the head", "hung in the body", "hung in a chunk",
            "only says that it goes on", "head byte by byte", "body byte by byte",
            "body without an end",
        ],
        Code.DEADLINE_EXCEEDED,
    ),
    **dict.fromkeys(
        [
            "closes at once", "resets at once", "closes in the head", "resets in the head",
            "closes in the body", "resets in the body",
        ],
        Code.UNAVAILABLE,
    ),
    **dict.fromkeys(
        [
            "two lengths", "length that is none", "length and chunks", "chunks that are none",
            "garbage", "another protocol",
        ],
        Code.UNKNOWN,
    ),
    **dict.fromkeys(["a body too large", "a head too large"], Code.RESOURCE_EXHAUSTED),
}  # fmt: skip
"""It was sent, and there is no answer: what the caller is told."""

ANSWERED = [way for way in WAYS if way not in UNKNOWN]
"""There is an answer, though none that the contract knows."""

SILENT = [way for way, code in UNKNOWN.items() if code is Code.DEADLINE_EXCEEDED]


class It(Contract, version="1.0"):
    """What is called, and never answers as it should."""

    @get("/read")
    async def read(self) -> int: ...

    @post("/place")
    async def place(self) -> int: ...

    @post("/fill")
    async def fill(self, data: AsyncIterator[bytes]) -> int: ...

    @get("/scan")
    async def scan(self) -> AsyncIterator[bytes]: ...


def policies(calls: int = 100) -> Sequence[Policy]:
    places = Bulkhead(Bulk(calls=calls, queue=0, wait=0.0))
    return (bulkhead(places), retry(Retry(), Budget()))


async def ended(asking: "asyncio.Task[int]") -> tuple[Failure, float]:
    """How it failed, and after how many seconds."""
    began = monotonic()
    with pytest.raises(Failure) as caught:
        async with asyncio.timeout(5):
            await asking
    return caught.value, monotonic() - began


@pytest.mark.promise("W0-11")
@pytest.mark.promise("S0-08")
@pytest.mark.parametrize("way", UNKNOWN)
async def test_who_calls_knows_in_time_that_nobody_knows(way: str) -> None:
    """By the deadline, as unknown; what is not idempotent was sent once, and nothing stays open."""
    async with Misbehaving(WAYS[way]) as server, found(server.url) as calls:
        it = proxy(It, chain(policies(), calls.handle))
        with calling(timeout=DEADLINE):
            failure, seconds = await ended(asyncio.ensure_future(it.place()))
        assert (failure.code, failure.sent) == (UNKNOWN[way], Sent.UNKNOWN)
        assert "outcome is unknown" in failure.message
        assert seconds < DEADLINE + SLACK
        assert (server.requests, server.accepted) == (1, 1)
        await closed(server, monotonic())


@pytest.mark.promise("S0-08")
@pytest.mark.parametrize("way", ANSWERED)
async def test_an_answer_that_is_none_is_no_result(way: str) -> None:
    """It is a failure of its own kind, at once, and never repeated: the server has done it."""
    async with Misbehaving(WAYS[way]) as server, found(server.url) as calls:
        it = proxy(It, chain(policies(), calls.handle))
        with calling(timeout=DEADLINE):
            failure, seconds = await ended(asyncio.ensure_future(it.place()))
        assert failure.sent is Sent.ANSWERED
        assert failure.code in (Code.UNKNOWN, Code.INTERNAL)
        assert seconds < DEADLINE + SLACK
        assert server.requests == 1


@pytest.mark.parametrize("way", SILENT)
async def test_control_without_a_deadline_the_caller_hangs(way: str) -> None:
    """Control: the same call without one is still waiting when it should be over."""
    async with Misbehaving(WAYS[way]) as server, Http(server.url) as http:
        asking = asyncio.ensure_future(proxy(It, http.handle, timeout=86_400).place())
        done, _ = await asyncio.wait([asking], timeout=DEADLINE + SLACK)
        assert (done, server.open) == (set(), 1)
        asking.cancel()
        await asyncio.wait([asking])


@pytest.mark.promise("W0-11")
@pytest.mark.parametrize("way", SILENT)
async def test_a_call_that_is_cancelled_closes_its_socket(way: str) -> None:
    """Within 100 ms, whatever of the answer was there: the server sees it, and can stop."""
    async with Misbehaving(WAYS[way]) as server, found(server.url) as calls:
        it = proxy(It, chain(policies(), calls.handle))
        asking = asyncio.ensure_future(it.place())
        await until(lambda: server.requests == 1)
        began = monotonic()
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled()
        await closed(server, began)


@pytest.mark.promise("S0-08")
@pytest.mark.parametrize("operation", ["read", "place"])
async def test_what_was_never_sent_is_said_to_be(operation: str) -> None:
    """Nobody listens, or the queue of those who want to be heard is full: any may be repeated."""
    with refusing() as refused, unreachable() as silent:
        for url, codes in (
            (refused, [Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED]),
            (silent, [Code.DEADLINE_EXCEEDED]),
        ):
            async with found(url) as calls:
                it = proxy(It, chain(policies(), calls.handle))
                with calling(timeout=DEADLINE):
                    failure, seconds = await ended(asyncio.ensure_future(getattr(it, operation)()))
                assert failure.sent is Sent.NOT_SENT
                assert failure.code in codes
                assert seconds < DEADLINE + SLACK


@pytest.mark.parametrize("way", ["closes at once", "resets in the body"])
async def test_what_only_reads_is_tried_again_in_time(way: str) -> None:
    """Three times at most. Control: what is not idempotent is sent once, in the tests above."""
    async with Misbehaving(WAYS[way]) as server, found(server.url) as calls:
        it = proxy(It, chain(policies(), calls.handle))
        with calling(timeout=2):
            failure, seconds = await ended(asyncio.ensure_future(it.read()))
        assert failure.sent is Sent.UNKNOWN
        assert seconds < 2
        assert 2 <= server.requests <= 3


@pytest.mark.parametrize("way", ["hung in the body", "hung in a chunk", "body byte by byte"])
async def test_a_stream_that_stalls_ends_by_the_deadline(way: str) -> None:
    """Its reader is told that there is more; or leaves, and the server sees it."""
    async with Misbehaving(WAYS[way]) as server, found(server.url) as calls:
        it = proxy(It, chain(policies(), calls.handle))
        began = monotonic()
        with calling(timeout=DEADLINE):
            parts = await it.scan()
            with pytest.raises(Failure) as caught:
                b"".join([part async for part in parts])
        assert caught.value.code is Code.DEADLINE_EXCEEDED
        assert monotonic() - began < DEADLINE + SLACK
        await closed(server, monotonic())

        left: Any = await it.scan()
        await anext(left)
        assert server.open == 1
        began = monotonic()
        await left.aclose()
        await closed(server, began)


async def test_an_upload_that_nobody_reads_ends_by_the_deadline() -> None:
    """What was sent of it may count; whoever makes it is closed, and makes no more."""
    made: list[str] = []

    async def endless() -> AsyncGenerator[bytes]:
        try:
            while True:
                made.append("part")
                yield b"x" * 65_536
        finally:
            made.append("closed")

    with listening() as deaf:
        async with Http(deaf.url) as http:
            it = proxy(It, http.handle)
            with calling(timeout=DEADLINE):
                failure, seconds = await ended(asyncio.ensure_future(it.fill(endless())))
            assert (failure.code, failure.sent) == (Code.DEADLINE_EXCEEDED, Sent.UNKNOWN)
            assert seconds < DEADLINE + SLACK
            await until(lambda: made[-1] == "closed")
            assert len(made) < 1000


@pytest.mark.promise("W3-01")
async def test_a_hung_service_takes_no_more_than_its_share() -> None:
    """Of a hundred callers ten wait, the others know at once. Control: else all hang on it."""
    for places, hanging in ((10, 10), (1000, 100)):
        async with Misbehaving(WAYS["hung"]) as server, found(server.url) as calls:
            it = proxy(It, chain(policies(places), calls.handle))
            asking = [asyncio.ensure_future(it.place()) for _ in range(100)]
            await until(lambda server=server, n=hanging: server.requests == n)
            refused = [task for task in asking if task.done()]
            assert len(refused) == 100 - hanging
            for task in refused:
                error = task.exception()
                assert isinstance(error, Failure)
                assert (error.code, error.sent) == (Code.RESOURCE_EXHAUSTED, Sent.NOT_SENT)
            for task in asking:
                task.cancel()
            await asyncio.wait(asking)
            await closed(server, monotonic())


# --- Hop by hop ---------------------------------------------------------------------------------


class Hop(It):
    """A service that asks the next."""

    def __init__(self, further: It) -> None:
        self.further = further
        self.left: list[float] = []
        self.met: list[Failure] = []

    async def place(self) -> int:
        self.left.append(current().remaining or 0.0)
        try:
            return await self.further.place()
        except Failure as failure:
            self.met.append(failure)
            raise

    async def read(self) -> int:
        return await self.place()

    async def fill(self, data: AsyncIterator[bytes]) -> int:
        return await self.further.fill(data)

    async def scan(self) -> AsyncIterator[bytes]:
        return await self.further.scan()


@asynccontextmanager
async def three_hops(last: str) -> AsyncGenerator[tuple[It, list[Hop]]]:
    """A client of the first of three services that call each other over HTTP, and then ``last``."""
    async with AsyncExitStack() as stack:
        hops: list[Hop] = []
        url = last
        for _ in range(3):
            http = await stack.enter_async_context(Http(url))
            hops.insert(0, Hop(proxy(It, http.handle)))
            host = Host(hops[0], policies=[deadline()])
            await host.start()
            stack.push_async_callback(host.stop, drain=0)
            server = HttpServer(App([host]), patience=0.1)
            await server.start()
            stack.push_async_callback(server.stop)
            url = server.url
        http = await stack.enter_async_context(Http(url))
        yield proxy(It, http.handle), hops


@pytest.mark.promise("W0-11")
async def test_a_deadline_shrinks_hop_by_hop_and_each_hears_of_it_from_the_next() -> None:
    """The innermost gives up first, and says so to its caller, and so on: nobody is left to guess."""
    async with Misbehaving(WAYS["hung"]) as server, three_hops(server.url) as (first, hops):
        with calling(timeout=0.5):
            failure, seconds = await ended(asyncio.ensure_future(first.place()))
        assert (failure.code, failure.sent) == (Code.DEADLINE_EXCEEDED, Sent.ANSWERED)
        assert seconds < 0.5 + SLACK
        left = [hop.left[0] for hop in hops]
        assert 0.5 > left[0] > left[1] > left[2] > 0.3
        await closed(server, monotonic())


async def test_control_told_all_the_time_there_is_the_next_answers_too_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Control: with the time on the way on top, each caller gives up on one that still works."""
    monkeypatch.setattr(travel, "_MARGIN", -0.05)
    async with Misbehaving(WAYS["hung"]) as server, three_hops(server.url) as (first, _):
        with calling(timeout=0.3):
            failure, _ = await ended(asyncio.ensure_future(first.place()))
        assert (failure.code, failure.sent) == (Code.DEADLINE_EXCEEDED, Sent.UNKNOWN)


async def test_cancelling_the_first_frees_the_last() -> None:
    """The caller is gone: three services behind it, the hung call is given up too."""
    async with Misbehaving(WAYS["hung"]) as server, three_hops(server.url) as (first, _):
        asking = asyncio.ensure_future(first.place())
        await until(lambda: server.requests == 1)
        began = monotonic()
        asking.cancel()
        await asyncio.wait([asking])
        await closed(server, began, within=0.3)  # a tenth of a second a hop


async def closed(server: Misbehaving, began: float, *, within: float = SLACK) -> None:
    """The server has seen every connection close, soon after ``began``."""
    await until(lambda: server.open == 0)
    assert max(server.closed) - began < within


async def until(condition: object) -> None:
    """The first turn of the loop in which it holds."""
    assert callable(condition)
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  any condition
            await asyncio.sleep(0)
