"""A second call where the first takes long: the tail is cut off, and nobody pays twice for it."""

import asyncio
from collections.abc import Sequence
from functools import partial
from time import monotonic
from typing import Any, TypeVar

import pytest
from msgspec import structs

from coterie.call import Call, Failure, Handler, Reply, Sent, calling
from coterie.client import connect, proxy
from coterie.contract import Code
from coterie.policy import Budget, Hedge, hedge
from coterie.registry import Loaded
from tests.client.http1.peer import listening
from tests.client.kit import Desk
from tests.protection.misbehaving import WAYS, Misbehaving, found, says

from .library import NoSuchBook, Shelf, Told, a_call, until

L = TypeVar("L", bound=Loaded)


def begin(handler: Handler, call: Call) -> "asyncio.Task[Reply]":
    async def calling() -> Reply:
        return await handler(call)

    return asyncio.create_task(calling())


async def test_the_first_answer_counts_and_the_loser_is_over() -> None:
    """The second call answers; the first is cancelled and awaited. Control: without it, we wait."""
    shelf, told = Shelf(), Told()
    handler = hedge(Hedge(after=0.01), Budget(), told)(shelf.handle)
    asking = begin(handler, a_call())
    await until(lambda: len(shelf.open) == 2)
    shelf.open[1].set_result(Reply("second"))
    assert (await asking).value == "second"
    assert (shelf.cancelled, shelf.under_way) == (1, 0)
    assert told.what == ["hedge hedged", "hedge won"]

    bare = Shelf()
    waiting = begin(bare.handle, a_call())
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    assert (len(bare.calls), done) == (1, set())
    waiting.cancel()


async def test_the_first_call_may_still_win() -> None:
    """Then it is the second that is cancelled."""
    shelf, told = Shelf(), Told()
    asking = begin(hedge(Hedge(after=0.01), Budget(), told)(shelf.handle), a_call())
    await until(lambda: len(shelf.open) == 2)
    shelf.open[0].set_result(Reply("first"))
    assert (await asking).value == "first"
    assert (shelf.cancelled, shelf.under_way) == (1, 0)
    assert told.what == ["hedge hedged"]


async def test_a_quick_answer_costs_one_call() -> None:
    shelf, told, budget = Shelf(Reply(1)), Told(), Budget()
    assert (await hedge(Hedge(after=0.01), budget, told)(shelf.handle)(a_call())).value == 1
    assert (len(shelf.calls), told.what, budget.tokens) == (1, [], 10.0)


@pytest.mark.parametrize("name", ["change", "scan", "enrol"])
async def test_what_changes_something_or_streams_is_never_made_twice(name: str) -> None:
    """However long it takes."""
    shelf = Shelf()
    arguments = {"title": "x"} if name == "change" else {}
    asking = begin(hedge(Hedge(after=0.001), Budget())(shelf.handle), a_call(name, arguments))
    await asyncio.wait([asking], timeout=0.03)
    assert len(shelf.calls) == 1
    asking.cancel()
    await asyncio.wait([asking])


async def test_no_more_calls_than_allowed_are_under_way() -> None:
    shelf = Shelf()
    asking = begin(hedge(Hedge(after=0.001, most=3), Budget())(shelf.handle), a_call())
    await until(lambda: len(shelf.calls) == 3)
    await asyncio.wait([asking], timeout=0.02)
    assert len(shelf.calls) == 3
    shelf.open[2].set_result(Reply(3))
    assert (await asking).value == 3
    assert shelf.cancelled == 2


async def test_a_dead_slow_service_is_not_given_twice_the_work() -> None:
    """A hundred slow calls: five more, then none. Control: an endless budget gives a hundred more."""
    for budget, more in ((Budget(), 5), (Budget(1.0, 1e9), 100)):
        shelf, told = Shelf(), Told()
        handler = hedge(Hedge(after=0.001), budget, told)(shelf.handle)
        tasks = [begin(handler, a_call()) for _ in range(100)]
        await until(lambda told=told: len(told.what) == 100)  # type: ignore[misc]
        await until(partial(shelf.has_begun, 100 + more))
        assert len(shelf.calls) == 100 + more
        assert told.what.count("hedge withheld") == 100 - more
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert shelf.under_way == 0


async def test_a_service_that_answers_earns_its_hedges() -> None:
    """Where no retries do that."""
    shelf, budget = Shelf(*[Reply(n) for n in range(20)]), Budget()
    for _ in range(5):
        budget.failed()
    handler = hedge(Hedge(), budget, earns=True)(shelf.handle)
    for _ in range(20):
        await handler(a_call())
    assert budget.tokens == pytest.approx(7.0)


async def test_who_is_cancelled_leaves_no_call_under_way() -> None:
    shelf = Shelf()
    asking = begin(hedge(Hedge(after=0.001), Budget())(shelf.handle), a_call())
    await until(lambda: len(shelf.open) == 2)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (shelf.cancelled, shelf.under_way) == (2, 0)


@pytest.mark.parametrize(
    "error", [NoSuchBook(1), Failure(Code.PERMISSION_DENIED, "no"), KeyError()]
)
async def test_an_answer_that_says_no_is_an_answer(error: Any) -> None:
    """Another call would be told the same; it is not waited for."""
    shelf = Shelf()
    asking = begin(hedge(Hedge(after=0.001), Budget())(shelf.handle), a_call())
    await until(lambda: len(shelf.open) == 2)
    shelf.open[0].set_exception(error)
    with pytest.raises(type(error)):
        await asking
    assert shelf.under_way == 0


async def test_a_call_that_was_lost_leaves_the_other_its_chance() -> None:
    """The error counts only when none is left."""
    lost = Failure(Code.UNAVAILABLE, "lost", sent=Sent.UNKNOWN)
    for last in (Reply("there"), lost):
        shelf = Shelf()
        asking = begin(hedge(Hedge(after=0.001), Budget())(shelf.handle), a_call())
        await until(lambda shelf=shelf: len(shelf.open) == 2)  # type: ignore[misc]
        shelf.open[0].set_exception(lost)
        await asyncio.wait([asking], timeout=0.01)
        assert not asking.done()
        if isinstance(last, Reply):
            shelf.open[1].set_result(last)
            assert (await asking).value == "there"
        else:
            shelf.open[1].set_exception(last)
            with pytest.raises(Failure, match="lost"):
                await asking


async def test_the_95th_percentile_is_learnt_from_answers() -> None:
    """Nothing is hedged before enough was seen, nor what is as quick as the others."""
    shelf, told = Shelf(*[Reply(n) for n in range(64)]), Told()
    handler = hedge(Hedge(after="p95"), Budget(), told)(shelf.handle)
    early = begin(handler, a_call())
    await early
    for _ in range(63):
        await handler(a_call())
    asking = begin(handler, a_call())
    await until(lambda: len(shelf.open) == 2)
    assert told.what == ["hedge hedged"]
    shelf.open[1].set_result(Reply("quick"))
    assert (await asking).value == "quick"


async def test_control_nothing_is_hedged_before_enough_was_seen() -> None:
    """Control: one answer says nothing of how long answers take."""
    shelf = Shelf(Reply(1))
    handler = hedge(Hedge(after="p95"), Budget())(shelf.handle)
    await handler(a_call())
    asking = begin(handler, a_call())
    await asyncio.wait([asking], timeout=0.03)
    assert len(shelf.calls) == 2
    asking.cancel()
    await asyncio.wait([asking])


async def test_the_losers_socket_is_closed_within_100_ms() -> None:
    """The server that was too slow sees the end, and can stop."""
    with listening() as peer:
        policies = [hedge(Hedge(after=0.02), Budget())]
        async with connect(Desk, peer.url, policies=policies) as desk:
            asking = asyncio.create_task(desk.add(1))
            slow = await peer.accept()
            await slow.request()
            quick = await peer.accept()
            await quick.request()
            quick.say(_THREE)
            assert await asking == 3
            began = monotonic()
            assert await slow.rest() == b""
            assert monotonic() - began < 0.1


async def test_the_second_call_goes_to_another_instance() -> None:
    """Even if the slow one is always preferred. Control: with no word of it, both calls hang there."""
    async with (
        Misbehaving(WAYS["hung"]) as slow,
        Misbehaving(says(_THREE)) as quick,
        found(slow.url, quick.url, choose=_first) as calls,
    ):
        desk = proxy(Desk, hedge(Hedge(after=0.01), Budget(tokens=1e6))(calls.handle))
        for _ in range(20):
            assert await desk.add(1) == 3
        assert (slow.requests, quick.requests) == (20, 20)

        async def forgetful(call: Call) -> Reply:
            return await calls.handle(structs.replace(call, avoid=frozenset()))

        desk = proxy(Desk, hedge(Hedge(after=0.01), Budget())(forgetful))
        with calling(timeout=0.1), pytest.raises(Failure):
            await desk.add(1)


def _first(lanes: Sequence[L], key: str | None = None, /) -> L:
    return min(lanes, key=lambda lane: lane.instance.id)


_THREE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n3"


@pytest.mark.parametrize("values", [{"after": 0.0}, {"after": "p50"}, {"most": 1}])
def test_senseless_values_are_refused(values: dict[str, Any]) -> None:
    """With what to write instead."""
    with pytest.raises(ValueError, match="take"):
        Hedge(**values)
