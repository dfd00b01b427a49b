"""So many at a time: one slow service takes no more of a process than it is given."""

import asyncio
import gc
from collections.abc import AsyncGenerator
from functools import partial
from time import monotonic
from typing import Any

import pytest

from coterie.call import Call, Failure, Handler, Reply, Sent
from coterie.contract import Code
from coterie.policy import Bulk, Bulkhead, bulkhead
from coterie.policy.tally import untold

from .library import Shelf, Told, a_call, until


def guarded(
    shelf: Shelf, calls: int, queue: int, wait: float = 5.0, told: Any = untold
) -> tuple[Handler, Bulkhead]:
    places = Bulkhead(Bulk(calls=calls, queue=queue, wait=wait))
    return bulkhead(places, told)(shelf.handle), places


def begin(handler: Handler, call: Call) -> "asyncio.Task[Reply]":
    async def calling() -> Reply:
        return await handler(call)

    return asyncio.create_task(calling())


async def test_no_more_calls_than_places_are_under_way() -> None:
    """The others wait, and go in the order they came. Control: without it all go at once."""
    shelf = Shelf()
    handler, places = guarded(shelf, 2, 10)
    tasks = [begin(handler, a_call(arguments={"book_id": n})) for n in range(6)]
    for n in range(6):
        await until(partial(shelf.has_begun, n + 1))
        assert shelf.under_way <= 2
        shelf.open[n].set_result(Reply(n))
    assert [(await task).value for task in tasks] == list(range(6))
    assert [call.arguments["book_id"] for call in shelf.calls] == list(range(6))
    assert (shelf.most, places.taken, places.waiting) == (2, 0, 0)

    bare = Shelf()
    tasks = [begin(bare.handle, a_call()) for _ in range(6)]
    await until(lambda: len(bare.open) == 6)
    assert bare.most == 6
    for task in tasks:
        task.cancel()


async def test_who_finds_the_line_full_is_refused_at_once() -> None:
    """Not sent, when to come again, and what to do about it."""
    shelf, told = Shelf(), Told()
    handler, places = guarded(shelf, 1, 1, told=told)
    first, second = begin(handler, a_call()), begin(handler, a_call())
    await until(lambda: places.waiting == 1)
    with pytest.raises(Failure, match="Call less often; or raise `calls`") as caught:
        await handler(a_call())
    failure = caught.value
    assert (failure.code, failure.sent) == (Code.RESOURCE_EXHAUSTED, Sent.NOT_SENT)
    assert failure.retry_after == 5.0
    assert len(shelf.calls) == 1
    shelf.open[0].set_result(Reply(1))
    await until(lambda: len(shelf.open) == 2)
    shelf.open[1].set_result(Reply(2))
    assert [(await first).value, (await second).value] == [1, 2]
    assert told.what == ["bulkhead refused", "bulkhead waited"]


async def test_nobody_waits_longer_than_the_wait() -> None:
    """And leaves the line as it was."""
    shelf = Shelf()
    handler, places = guarded(shelf, 1, 5, wait=0.03)
    first = begin(handler, a_call(deadline=monotonic() + 10))
    await until(lambda: places.taken == 1)
    began = monotonic()
    with pytest.raises(Failure) as caught:
        await handler(a_call(deadline=monotonic() + 10))
    assert (caught.value.code, caught.value.sent) == (Code.RESOURCE_EXHAUSTED, Sent.NOT_SENT)
    assert 0.025 < monotonic() - began < 0.13
    assert places.waiting == 0
    shelf.open[0].set_result(Reply())
    await first
    assert places.taken == 0


async def test_nobody_waits_past_the_deadline() -> None:
    """Which is told as such: a longer wait would not have helped. Control: without one it waits on."""
    shelf = Shelf()
    handler, places = guarded(shelf, 1, 5)
    first = begin(handler, a_call())
    patient = begin(handler, a_call())
    await until(lambda: places.waiting == 1)
    began = monotonic()
    with pytest.raises(Failure) as caught:
        await handler(a_call(deadline=monotonic() + 0.03))
    assert (caught.value.code, caught.value.sent) == (Code.DEADLINE_EXCEEDED, Sent.NOT_SENT)
    assert monotonic() - began < 0.13
    assert places.waiting == 1
    for task in (first, patient):
        task.cancel()
    await asyncio.wait([first, patient])


async def test_who_is_cancelled_leaves_nothing_behind() -> None:
    """In the line, at the moment of its turn, and under way."""
    shelf = Shelf()
    handler, places = guarded(shelf, 1, 5)
    first, second, third = (begin(handler, a_call()) for _ in range(3))
    await until(lambda: places.waiting == 2)
    second.cancel()
    await asyncio.wait([second])
    assert places.waiting == 1

    shelf.open[0].set_result(Reply())  # the place is third's now
    await first
    third.cancel()
    await asyncio.wait([third])
    assert (places.taken, places.waiting) == (0, 0)

    fourth, fifth = begin(handler, a_call()), begin(handler, a_call())
    await until(lambda: places.waiting == 1)
    fourth.cancel()
    await until(lambda: fourth.done() and shelf.under_way == 1)
    shelf.open[-1].set_result(Reply("went on"))
    assert (await fifth).value == "went on"
    assert places.taken == 0


async def test_a_turn_given_to_one_who_was_just_cancelled_goes_to_the_next() -> None:
    """No turn is lost between the two."""
    shelf = Shelf()
    handler, places = guarded(shelf, 1, 5)
    first, second, third = (begin(handler, a_call()) for _ in range(3))
    await until(lambda: places.waiting == 2)
    places.leave()  # as if the first had ended: second's turn
    second.cancel()
    await until(lambda: len(shelf.calls) == 2)
    shelf.open[1].set_result(Reply("third"))
    assert (await third).value == "third"
    assert second.cancelled()
    first.cancel()


async def test_a_call_that_fails_gives_its_place_back() -> None:
    """As one that is answered."""
    shelf = Shelf(Failure(Code.INTERNAL, "no"), KeyError(), Reply(1))
    handler, places = guarded(shelf, 1, 0, wait=0)
    with pytest.raises(Failure):
        await handler(a_call())
    with pytest.raises(KeyError):
        await handler(a_call())
    assert (await handler(a_call())).value == 1
    assert places.taken == 0


async def parts(*, ends: bool = True) -> AsyncGenerator[bytes]:
    yield b"one"
    if ends:
        yield b"two"
    else:
        raise Failure(Code.UNAVAILABLE, "broke off")


async def read(stream: Any) -> None:
    assert [part async for part in stream] == [b"one", b"two"]


async def leave(stream: Any) -> None:
    assert await anext(stream) == b"one"
    await stream.aclose()


async def break_off(stream: Any) -> None:
    assert await anext(stream) == b"one"
    with pytest.raises(Failure):
        await anext(stream)


@pytest.mark.parametrize(("how", "ends"), [(read, True), (leave, True), (break_off, False)])
async def test_a_streamed_answer_keeps_its_place_to_its_end(how: Any, ends: bool) -> None:
    """To its end, to its closing, or until it breaks off: then the place is free."""
    handler, places = guarded(Shelf(Reply(parts(ends=ends))), 1, 0, wait=0)
    stream = (await handler(a_call("scan"))).value
    assert places.taken == 1
    with pytest.raises(Failure, match="Call less often"):
        await handler(a_call())
    await how(stream)
    assert places.taken == 0


async def test_a_streamed_answer_that_is_dropped_gives_its_place_back() -> None:
    """Whoever forgets one takes no place for ever."""
    handler, places = guarded(Shelf(Reply(parts())), 1, 0, wait=0)
    reply = await handler(a_call("scan"))
    assert places.taken == 1
    del reply
    gc.collect()
    await until(lambda: places.taken == 0)


async def test_where_there_are_places_nothing_is_told_and_nothing_waits() -> None:
    """The plain path has no future, no timer, no word."""
    told = Told()
    handler, _ = guarded(Shelf(*[Reply(n) for n in range(5)]), 1, 1, told=told)
    for n in range(5):
        with pytest.raises(StopIteration) as done:
            handler(a_call()).__await__().send(None)
        assert done.value.value.value == n
    assert told.what == []


@pytest.mark.parametrize(
    "values",
    [{"calls": 0}, {"queue": -1}, {"wait": -1.0}, {"wait": float("nan")}, {"wait": 0.0}],
)
def test_senseless_values_are_refused(values: dict[str, Any]) -> None:
    """With what to write instead."""
    with pytest.raises(ValueError, match=r"take a number|say queue"):
        Bulk(**values)
