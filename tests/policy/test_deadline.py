"""How long: no call outlives its deadline, and nothing else about it changes."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import pytest
import uvloop

from coterie.call import Call, Failure, Handler, Reply, chain, current, entered
from coterie.contract import Code
from coterie.policy import deadline

from .shop import OutOfStock, a_call, answer


async def forever(call: Call) -> Reply:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


async def stopped(handler: Handler, call: Call) -> float:
    """Call; it must be stopped by its deadline. Seconds it took."""
    start = monotonic()
    with pytest.raises(Failure) as caught:
        await handler(call)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    return monotonic() - start


async def test_a_call_ends_by_the_operations_timeout() -> None:
    """Within 100 ms of it. Control: without the policy it still runs then."""
    assert 0.049 <= await stopped(deadline()(forever), a_call("quick")) < 0.15
    unlimited = asyncio.ensure_future(forever(a_call("quick")))
    done, _ = await asyncio.wait([unlimited], timeout=0.15)
    assert not done
    unlimited.cancel()


async def test_a_call_ends_by_the_default() -> None:
    assert 0.049 <= await stopped(deadline(0.05)(forever), a_call("silent")) < 0.15


async def test_a_call_ends_by_the_callers_deadline_where_that_is_nearer() -> None:
    call = a_call("long", deadline=monotonic() + 0.05)
    assert 0.04 <= await stopped(deadline()(forever), call) < 0.15


@pytest.mark.parametrize(
    ("operation", "asked", "most"),
    [
        ("silent", None, 30),
        ("silent", 10, 10),
        ("silent", 86_400, 30),
        ("long", None, 3600),
        ("long", 10, 10),
        ("long", 86_400, 3600),
    ],
)
async def test_calls_made_from_within_know_what_is_left(
    operation: str, asked: float | None, most: float
) -> None:
    """The nearer of what the caller asked for and what the operation may take."""
    seen: list[float | None] = []

    async def look(call: Call) -> Reply:
        seen.extend([call.context.remaining, current().remaining, current().onward().remaining])
        return Reply()

    call = a_call(operation, deadline=None if asked is None else monotonic() + asked)
    with entered(call.context):
        await deadline()(look)(call)
        assert current() is call.context
    assert all(left is not None and most - 1 < left <= most for left in seen)


async def test_a_deadline_shrinks_at_each_hop() -> None:
    """A call three services deep has less time than the first, never more."""
    left: list[float] = []

    def hop(inner: Handler | None) -> Handler:
        async def serve(call: Call) -> Reply:
            left.append(current().remaining or 0)
            await asyncio.sleep(0)
            if inner is not None:
                await inner(a_call("long", deadline=current().onward().deadline))
            return Reply()

        return deadline()(serve)

    call = a_call("silent")
    with entered(call.context):
        await hop(hop(hop(None)))(call)
    assert 30 >= left[0] >= left[1] >= left[2] > 29


async def test_a_call_that_comes_too_late_is_not_begun() -> None:
    async def never(call: Call) -> Reply:
        raise AssertionError("the method ran")

    call = a_call("quick", deadline=monotonic() - 0.001)
    assert await stopped(deadline()(never), call) < 0.05


@pytest.mark.parametrize("default", [0.0, -1.0, float("inf"), float("nan")])
def test_a_policy_without_a_limit_cannot_be_made(default: float) -> None:
    with pytest.raises(ValueError, match="number of seconds"):
        deadline(default)


# --- Nothing else changes ----------------------------------------------------------------------


async def once(call: Call) -> Reply:
    await asyncio.sleep(0)
    return Reply(1)


async def often(call: Call) -> Reply:
    total = 0
    for number in range(5):
        await asyncio.sleep(0)
        total += number
    return Reply(total)


async def through_futures(call: Call) -> Reply:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, 7)
    return Reply(await future)


async def through_failed_futures(call: Call) -> Reply:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_exception, KeyError("x"))
    with contextlib.suppress(KeyError):
        await future
    await asyncio.sleep(0)
    return Reply("caught")


async def through_tasks(call: Call) -> Reply:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.sleep(0, number)) for number in range(3)]
    return Reply([task.result() for task in tasks])


async def through_threads(call: Call) -> Reply:
    return Reply(await asyncio.to_thread(sum, [1, 2]))


async def with_a_timeout_of_its_own(call: Call) -> Reply:
    try:
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()
    except TimeoutError:
        return Reply("own")
    return Reply("not its own")


@pytest.mark.parametrize(
    "handler",
    [
        answer,
        once,
        often,
        through_futures,
        through_failed_futures,
        through_tasks,
        through_threads,
        with_a_timeout_of_its_own,
    ],
)
async def test_a_call_in_time_is_answered_as_without_the_policy(handler: Handler) -> None:
    """However it waits, and under several such policies as well."""
    call = a_call("long", deadline=monotonic() + 10)
    expected = (await handler(call)).value
    assert (await deadline()(handler)(call)).value == expected
    assert (await chain([deadline()] * 3, handler)(call)).value == expected
    assert (await asyncio.create_task(awaiting(deadline()(handler), call))).value == expected


async def awaiting(handler: Handler, call: Call) -> Reply:
    return await handler(call)


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize(
    "error",
    [OutOfStock(1), Failure(Code.NOT_FOUND, "no"), TimeoutError("of the method"), KeyError()],
)
async def test_errors_of_the_method_stay_what_they_are(error: Exception, waits: bool) -> None:
    """A timeout that the method itself met is no deadline."""

    async def fail(call: Call) -> Reply:
        if waits:
            await asyncio.sleep(0)
        raise error

    with pytest.raises(type(error)) as caught:
        await deadline()(fail)(a_call("long"))
    assert caught.value is error


async def test_being_cancelled_by_somebody_else_is_no_deadline() -> None:
    task = asyncio.create_task(awaiting(deadline()(forever), a_call("long")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_being_cancelled_at_the_same_moment_counts_as_being_cancelled() -> None:
    """The server that stops must not be told that a deadline passed."""
    handler = deadline(0.02)(_stubborn(0.1))
    task = asyncio.create_task(awaiting(handler, a_call("silent")))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.05, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task


def _stubborn(seconds: float) -> Handler:
    async def tidy(call: Call) -> Reply:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(seconds)
        return Reply()

    return tidy


async def test_a_method_may_tidy_up_when_it_is_stopped() -> None:
    """It may wait for that, at the first place it waits as well as at a later one."""
    for turns in (0, 3):
        tidied: list[int] = []

        async def tidy(call: Call, turns: int = turns, tidied: list[int] = tidied) -> Reply:
            for _ in range(turns):
                await asyncio.sleep(0)
            try:
                await asyncio.Event().wait()
            finally:
                for number in range(3):
                    await asyncio.sleep(0)
                    tidied.append(number)
            return Reply()

        await stopped(deadline()(tidy), a_call("quick"))
        assert tidied == [0, 1, 2]


async def test_a_method_that_answers_although_stopped_has_answered() -> None:
    """And its task is as good as before: nothing is left that would cancel what comes next."""

    async def answer_anyway(call: Call) -> Reply:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return Reply("late")

    assert (await deadline()(answer_anyway)(a_call("quick"))).value == "late"
    await still_good()


async def still_good() -> None:
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        await asyncio.sleep(0)


async def test_a_task_whose_call_was_stopped_is_as_good_as_before() -> None:
    for _ in range(3):
        await stopped(deadline()(forever), a_call("quick"))
        await still_good()


async def test_the_nearer_of_two_deadlines_stops_the_call() -> None:
    """A call within a call: each ends by its own, and the outer one may go on after the inner."""

    async def outer(call: Call) -> Reply:
        await stopped(deadline(0.05)(forever), a_call("silent"))
        await asyncio.sleep(0)
        return Reply("went on")

    assert (await deadline()(outer)(a_call("silent"))).value == "went on"
    assert await stopped(deadline(0.05)(deadline()(forever)), a_call("silent")) < 0.15


async def test_a_call_that_is_dropped_is_closed() -> None:
    """Its `finally` runs, as it would without the policy."""
    closed: list[bool] = []

    async def held(call: Call) -> Reply:
        try:
            await asyncio.Event().wait()
        finally:
            closed.append(True)
        return Reply()

    dropped: Any = awaiting(deadline()(held), a_call("long", deadline=monotonic() + 10))
    task: asyncio.Future[Any] = asyncio.ensure_future(_drive(dropped))
    await task
    dropped.close()
    assert closed == [True]


async def _drive(coroutine: Any) -> None:
    coroutine.send(None)


async def test_a_call_that_never_waits_sets_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could not ring anyway. Control: one that waits sets one, and takes it back."""
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []
    call_later: Callable[..., asyncio.TimerHandle] = loop.call_later

    def count(*args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        timers.append(call_later(*args, **kwargs))
        return timers[-1]

    monkeypatch.setattr(loop, "call_later", count)
    await deadline()(answer)(a_call("long"))
    assert not timers
    await deadline()(once)(a_call("long"))
    assert len(timers) == 1
    assert timers[0].cancelled()


SAME: list[Callable[[], Awaitable[None]]] = [
    test_a_call_ends_by_the_operations_timeout,
    test_being_cancelled_by_somebody_else_is_no_deadline,
    test_being_cancelled_at_the_same_moment_counts_as_being_cancelled,
    test_a_method_may_tidy_up_when_it_is_stopped,
    test_a_method_that_answers_although_stopped_has_answered,
    test_a_task_whose_call_was_stopped_is_as_good_as_before,
    test_the_nearer_of_two_deadlines_stops_the_call,
]


@pytest.mark.parametrize("truth", SAME, ids=lambda truth: truth.__name__)
def test_it_is_the_same_on_the_loop_that_servers_use(truth: Callable[[], Any]) -> None:
    uvloop.run(truth())
