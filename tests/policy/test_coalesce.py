"""Equal calls under way at a time are one; what befalls one of those who wait befalls it alone."""

import asyncio
from time import monotonic
from typing import Any

import pytest

from coterie.call import Call, Failure, Handler, Principal, Reply, Sent
from coterie.contract import Code
from coterie.policy import coalesce

from .library import Book, NoSuchBook, Shelf, Told, a_call, until


def begin(handler: Handler, call: Call) -> "asyncio.Task[Reply]":
    async def calling() -> Reply:
        return await handler(call)

    return asyncio.create_task(calling())


async def test_equal_calls_share_one_answer() -> None:
    """Ten callers, one call. Control: without the policy there are ten."""
    shelf, told = Shelf(), Told()
    handler = coalesce(told)(shelf.handle)
    tasks = [begin(handler, a_call()) for _ in range(10)]
    await until(lambda: shelf.open and len(told.what) == 9)
    assert len(shelf.calls) == 1
    shelf.open[0].set_result(Reply(Book("Dune", [])))
    assert {(await task).value.title for task in tasks} == {"Dune"}
    assert set(told.what) == {"coalesce joined"}

    bare = Shelf()
    tasks = [begin(bare.handle, a_call()) for _ in range(10)]
    await until(lambda: len(bare.calls) == 10)
    for task in tasks:
        task.cancel()


async def test_once_answered_the_next_call_is_a_new_one() -> None:
    """It is no cache."""
    shelf = Shelf(Reply(1), Reply(2))
    handler = coalesce()(shelf.handle)
    assert [(await handler(a_call())).value, (await handler(a_call())).value] == [1, 2]


async def test_nobody_changes_the_copy_of_another() -> None:
    """Each may do with its own what it wants."""
    shelf = Shelf()
    handler = coalesce()(shelf.handle)
    one, two = begin(handler, a_call("books")), begin(handler, a_call("books"))
    await until(lambda: shelf.open)
    shelf.open[0].set_result(Reply([Book("Dune", ["sand"])]))
    first, second = (await one).value, (await two).value
    assert first == second
    first[0].tags.append("spice")
    first.append(1)
    assert second == [Book("Dune", ["sand"])]


async def test_what_the_first_does_at_once_is_not_seen_by_the_others() -> None:
    """It has its answer before those who joined have made a copy of theirs."""
    shelf = Shelf()
    handler = coalesce()(shelf.handle)

    async def takes_all() -> None:
        (await handler(a_call("books"))).value.clear()

    one = asyncio.create_task(takes_all())
    await until(lambda: shelf.open)
    two = begin(handler, a_call("books"))
    await asyncio.sleep(0)
    shelf.open[0].set_result(Reply([Book("Dune", [])]))
    await one
    assert (await two).value == [Book("Dune", [])]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (a_call(arguments={"book_id": 1}), a_call(arguments={"book_id": 2})),
        (a_call(), a_call("members")),
        (a_call(token="a"), a_call(token="b")),
        (a_call(token="a"), a_call()),
        (a_call(principal=Principal("a")), a_call(principal=Principal("b"))),
        (
            a_call(principal=Principal("a", frozenset({"read"}))),
            a_call(principal=Principal("a")),
        ),
        (a_call(baggage={"tenant": "1"}), a_call(baggage={"tenant": "2"})),
        (a_call(arguments={"words": "1"}), a_call(arguments={"words": 1})),
        (a_call("change", {"title": "x"}), a_call("change", {"title": "x"})),
        (a_call("scan"), a_call("scan")),
    ],
    ids=[
        "arguments", "operation", "token", "nobody", "principal", "scopes", "baggage", "type",
        "changes something", "stream",
    ],
)  # fmt: skip
async def test_what_is_not_equal_or_not_safe_is_not_shared(one: Call, other: Call) -> None:
    """Nobody is given what another may see; what changes something happens as often as asked."""
    shelf = Shelf()
    handler = coalesce()(shelf.handle)
    tasks = [begin(handler, one), begin(handler, other)]
    await until(lambda: len(shelf.calls) == 2)
    for n, opened in enumerate(shelf.open):
        opened.set_result(Reply(n))
    assert [(await task).value for task in tasks] == [0, 1]


@pytest.mark.parametrize("who", [0, 1, 2])
async def test_who_is_cancelled_leaves_alone(who: int) -> None:
    """Be it the one that began: the others get their answer, from the call that was under way."""
    shelf, told = Shelf(), Told()
    handler = coalesce(told)(shelf.handle)
    tasks = [begin(handler, a_call()) for _ in range(3)]
    await until(lambda: shelf.open and len(told.what) == 2)
    tasks[who].cancel()
    await asyncio.wait([tasks[who]])
    assert shelf.cancelled == 0
    shelf.open[0].set_result(Reply("there"))
    values = [(await task).value for n, task in enumerate(tasks) if n != who]
    assert (values, len(shelf.calls)) == (["there"] * 2, 1)


async def test_when_nobody_is_left_the_call_is_cancelled_and_over() -> None:
    """What it held is given back before the last of them goes on."""
    shelf, told = Shelf(), Told()
    handler = coalesce(told)(shelf.handle)
    tasks = [begin(handler, a_call()) for _ in range(3)]
    await until(lambda: shelf.open and len(told.what) == 2)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert (shelf.cancelled, shelf.under_way) == (1, 0)
    again = begin(handler, a_call())
    await until(lambda: len(shelf.open) == 2)
    shelf.open[1].set_result(Reply("anew"))
    assert (await again).value == "anew"


async def test_who_has_no_time_left_leaves_alone() -> None:
    """By its own deadline; who has more time goes on waiting."""
    shelf = Shelf()
    handler = coalesce()(shelf.handle)
    patient = begin(handler, a_call())
    await until(lambda: shelf.open)
    began = monotonic()
    with pytest.raises(Failure) as caught:
        await handler(a_call(deadline=began + 0.03))
    assert (caught.value.code, caught.value.sent) == (Code.DEADLINE_EXCEEDED, Sent.UNKNOWN)
    assert monotonic() - began < 0.13
    shelf.open[0].set_result(Reply("late"))
    assert (await patient).value == "late"


async def test_the_deadline_of_another_is_not_ours() -> None:
    """Where the one that began had less time, one of the others begins anew."""
    shelf, told = Shelf(), Told()
    handler = coalesce(told)(shelf.handle)
    hasty = begin(handler, a_call())
    others = [begin(handler, a_call(deadline=monotonic() + 10)) for _ in range(2)]
    await until(lambda: shelf.open and len(told.what) == 2)
    shelf.open[0].set_exception(Failure(Code.DEADLINE_EXCEEDED, "over", sent=Sent.UNKNOWN))
    with pytest.raises(Failure, match="over"):
        await hasty
    await until(lambda: len(shelf.open) == 2)
    shelf.open[1].set_result(Reply("in time"))
    assert [(await other).value for other in others] == ["in time"] * 2
    assert len(shelf.calls) == 2


@pytest.mark.parametrize("error", [Failure(Code.INTERNAL, "no"), NoSuchBook(7)])
async def test_each_has_an_error_of_its_own(error: Any) -> None:
    """Equal, and not the same: whoever catches one may write on it."""
    shelf = Shelf()
    handler = coalesce()(shelf.handle)
    tasks = [begin(handler, a_call()) for _ in range(3)]
    await until(lambda: shelf.open)
    shelf.open[0].set_exception(error)
    await asyncio.wait(tasks)
    met = [task.exception() for task in tasks]
    assert len({id(one) for one in met}) == 3
    assert {(type(one), str(one)) for one in met} == {(type(error), str(error))}
