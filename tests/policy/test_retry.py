"""Again: as often as it helps, never where it harms, and out of a budget."""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import msgspec
import pytest

from coterie.call import Call, Failure, Handler, Reply, Sent
from coterie.contract import Code
from coterie.policy import Budget, Retry, retry

from .retried import Scripted, Tallied, a_call, failure

QUICK = Retry(base=0.001, cap=0.002)

UNKNOWN = failure(Sent.UNKNOWN)
BUSY = failure(Sent.ANSWERED, Code.RESOURCE_EXHAUSTED)
DOWN = failure(Sent.ANSWERED)
SHED = failure(Sent.SHED)
SHED_429 = failure(Sent.SHED, Code.RESOURCE_EXHAUSTED)
NOT_SENT = failure(Sent.NOT_SENT)
REFUSED = failure(Sent.REFUSED)
LATE = failure(Sent.UNKNOWN, Code.DEADLINE_EXCEEDED)
GONE = failure(Sent.ANSWERED, Code.NOT_FOUND)


def retried(
    handler: Handler, settings: Retry = QUICK, budget: Budget | None = None, **more: Any
) -> Handler:
    return retry(settings, budget or Budget(), **more)(handler)


@pytest.mark.parametrize("passing", [UNKNOWN, BUSY, DOWN, SHED, SHED_429])
@pytest.mark.parametrize("operation", ["read", "replace"])
async def test_what_may_pass_is_tried_three_times_in_all(passing: Failure, operation: str) -> None:
    """Operations that are safe or idempotent. Control: without the policy, once."""
    bare = Scripted(passing, 7)
    with pytest.raises(Failure):
        await bare(a_call(operation))
    assert bare.calls == 1
    for failing in (1, 2):
        handler = Scripted(*[passing] * failing, 7)
        assert (await retried(handler)(a_call(operation))).value == 7
        assert handler.calls == failing + 1
    hopeless = Scripted(*[passing] * 9)
    with pytest.raises(Failure):
        await retried(hopeless)(a_call(operation))
    assert hopeless.calls == 3


@pytest.mark.parametrize("last", [UNKNOWN, BUSY, DOWN])
async def test_what_may_have_had_an_effect_is_done_once(last: Failure) -> None:
    """Neither idempotent nor safe: whatever came back, it is not sent again."""
    handler = Scripted(last, 7)
    with pytest.raises(Failure) as caught:
        await retried(handler)(a_call("place"))
    assert caught.value is last
    assert handler.calls == 1


@pytest.mark.parametrize("passing", [SHED, SHED_429])
async def test_what_was_not_begun_for_want_of_room_is_tried_again(passing: Failure) -> None:
    """Whatever the operation, since nothing happened."""
    handler = Scripted(passing, 7)
    assert (await retried(handler)(a_call("place"))).value == 7


@pytest.mark.parametrize("last", [NOT_SENT, REFUSED, LATE, GONE])
async def test_what_does_not_pass_is_not_tried_again(last: Failure) -> None:
    """What went nowhere was offered to the others already; what is too late stays so."""
    handler = Scripted(last, 7)
    with pytest.raises(Failure) as caught:
        await retried(handler)(a_call("read"))
    assert caught.value is last
    assert handler.calls == 1


@pytest.mark.parametrize("passing", [UNKNOWN, BUSY, DOWN, SHED])
async def test_a_body_that_streams_is_sent_once(passing: Failure) -> None:
    """What was read of it is gone."""
    handler = Scripted(passing, 7)
    with pytest.raises(Failure):
        await retried(handler)(a_call("fill"))
    assert handler.calls == 1


@pytest.mark.parametrize(
    ("keyed", "key", "calls"), [(True, "k", 2), (True, None, 1), (False, "k", 1)]
)
async def test_a_key_makes_a_retry_harmless(keyed: bool, key: str | None, calls: int) -> None:
    """If the call carries one, and the service keeps them."""
    handler = Scripted(UNKNOWN, 7)
    call = a_call("place", key=key)
    if calls == 2:
        assert (await retried(handler, keyed=keyed)(call)).value == 7
        assert {c.context.idempotency_key for c in handler.seen} == {key}
    else:
        with pytest.raises(Failure):
            await retried(handler, keyed=keyed)(call)
    assert handler.calls == calls


RUNNING = failure(Sent.ANSWERED, Code.ABORTED, retry_after=0.001)


async def test_an_attempt_that_is_still_under_way_is_waited_for() -> None:
    """It got lost on its way back, and the next is told so: then its answer comes later."""
    call = a_call("place", key="k")
    handler = Scripted(UNKNOWN, RUNNING, 7)
    assert (await retried(handler, keyed=True)(call)).value == 7
    with pytest.raises(Failure) as caught:
        await retried(Scripted(UNKNOWN, RUNNING, RUNNING), keyed=True)(call)
    assert caught.value is UNKNOWN
    for script, keyed in ([RUNNING], True), ([UNKNOWN, RUNNING], False):
        with pytest.raises(Failure) as caught:
            await retried(Scripted(*script), keyed=keyed)(a_call("replace", key="k"))
        assert caught.value is RUNNING


@pytest.mark.parametrize("last", [NOT_SENT, REFUSED, SHED])
async def test_an_unknown_outcome_stays_unknown(last: Failure) -> None:
    """A later attempt that was not begun undoes nothing; one that was answered does."""
    with pytest.raises(Failure) as caught:
        await retried(Scripted(UNKNOWN, last, last))(a_call("replace"))
    assert caught.value is UNKNOWN
    with pytest.raises(Failure) as caught:
        await retried(Scripted(UNKNOWN, GONE))(a_call("replace"))
    assert caught.value is GONE


async def test_a_retry_avoids_who_failed() -> None:
    """Each that did, on top of those that the call avoided before."""
    one, two = failure(Sent.UNKNOWN), failure(Sent.ANSWERED)
    one.instance, two.instance = "a", "b"
    handler = Scripted(one, two, 7)
    await retried(handler)(msgspec.structs.replace(a_call("read"), avoid=frozenset({"z"})))
    assert [set(call.avoid) for call in handler.seen] == [{"z"}, {"z", "a"}, {"z", "a", "b"}]


async def test_a_fault_is_an_answer() -> None:
    """It goes through as it is, at the first attempt and at a later one, and fills the budget."""
    budget = Budget()
    budget.failed()
    fault = Scripted.fault()
    for before in ([], [DOWN]):
        with pytest.raises(type(fault)) as caught:
            await retried(Scripted(*before, fault), budget=budget)(a_call("read"))
        assert caught.value is fault
    assert budget.tokens == pytest.approx(10 - 2 + 0.2)


# --- how long it waits --------------------------------------------------------------------------


async def waits(settings: Retry, *script: Failure, deadline: float = 100.0) -> list[float]:
    """Seconds that a call waits before each attempt but the first; the time is not spent."""
    slept: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await real(0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "sleep", sleep)
        handler = retried(Scripted(*script, 7), settings)
        await handler(a_call("read", deadline=monotonic() + deadline))
    return slept


async def test_waits_are_random_and_grow() -> None:
    """All of a wait is drawn by lot (full jitter), up to twice the last, up to the cap."""
    settings = Retry(attempts=4, base=0.1, cap=0.3)
    many = [await waits(settings, DOWN, DOWN, DOWN) for _ in range(300)]
    for number, most in enumerate([0.1, 0.2, 0.3]):
        drawn = [each[number] for each in many]
        assert max(drawn) <= most
        assert max(drawn) > 0.9 * most
        assert min(drawn) < 0.1 * most
        assert sum(drawn) / len(drawn) == pytest.approx(most / 2, rel=0.2)


async def test_no_call_comes_back_before_it_was_told_to() -> None:
    """And not all at once then."""
    told = failure(Sent.ANSWERED, retry_after=7)
    drawn = [(await waits(QUICK, told))[0] for _ in range(20)]
    assert all(7 <= seconds <= 7.002 for seconds in drawn)
    assert len(set(drawn)) > 10


@pytest.mark.parametrize("absurd", [-1.0, math.nan, math.inf, 1e9])
async def test_an_absurd_wait_is_not_believed(absurd: float) -> None:
    """`Retry-After` is a hint of a stranger."""
    (waited,) = await waits(QUICK, failure(Sent.ANSWERED, retry_after=absurd), deadline=3e9)
    assert 0 <= waited <= 0.002


@pytest.mark.parametrize(("asked", "calls"), [(None, 1), (0.5, 1), (3600.0, 1)])
async def test_no_wait_outlasts_the_deadline(asked: float | None, calls: int) -> None:
    """Where the next attempt would come too late the failure comes at once, as it is."""
    tallied = Tallied()
    last = failure(Sent.ANSWERED, retry_after=asked)
    handler = Scripted(last, 7)
    began = monotonic()
    settings = QUICK if asked else Retry(base=1e6, cap=1e6)
    with pytest.raises(Failure) as caught:
        await retried(handler, settings, tally=tallied)(a_call("read", deadline=began + 0.2))
    assert monotonic() - began < 0.1
    assert caught.value is last
    assert (handler.calls, tallied.whats) == (calls, ["late"])


async def test_a_call_without_a_deadline_does_not_wait_for_ever() -> None:
    handler = Scripted(failure(Sent.ANSWERED, retry_after=3600), 7)
    async with asyncio.timeout(1):
        with pytest.raises(Failure):
            await retried(handler)(a_call("read"))


async def test_who_gives_up_waiting_is_gone_at_once() -> None:
    """A wait between attempts can be cancelled, and no attempt follows."""
    handler = Scripted(failure(Sent.ANSWERED, retry_after=5), 7)
    task = asyncio.ensure_future(retried(handler)(a_call("read")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert handler.calls == 1


# --- out of a budget ----------------------------------------------------------------------------


async def calls_of(number: int, handler: Scripted, budget: Budget) -> int:
    """How many attempts so many calls make."""
    settings = Retry(base=1e-9, cap=1e-9)
    made = retried(handler, settings, budget)
    for _ in range(number):
        with contextlib.suppress(Failure):
            await made(a_call("read"))
    return handler.calls


@pytest.mark.parametrize("down", [DOWN, SHED, UNKNOWN])
async def test_who_is_dead_is_asked_little_more_than_without_retries(down: Failure) -> None:
    """Control: with a budget that never ends, three times as often."""
    assert 1000 < await calls_of(1000, Scripted.always(down), Budget()) <= 1005
    assert await calls_of(1000, Scripted.always(down), Budget(tokens=1e9)) == 3000


@pytest.mark.parametrize("share", [2, 4])
async def test_who_fails_often_gets_no_more_than_a_tenth_in_retries(share: int) -> None:
    """Every second call fails, or every fourth: retries are a tenth of the calls, and a few."""
    handler = Scripted.every(share, DOWN)
    assert await calls_of(2000, handler, Budget()) <= 2000 * 1.1 + 5


async def test_who_fails_rarely_gets_its_retries() -> None:
    """One attempt in twenty fails, and no call does."""
    handler = Scripted.every(20, DOWN)
    made = retried(handler, Retry(base=1e-9, cap=1e-9), Budget())
    for _ in range(1000):
        await made(a_call("read"))
    assert handler.calls > 1050


async def test_what_says_nothing_of_the_service_costs_nothing() -> None:
    """A call that never left, that was refused unbegun, or was answered with no."""
    budget = Budget()
    await calls_of(100, Scripted.always(NOT_SENT), budget)
    await calls_of(100, Scripted.always(REFUSED), budget)
    await calls_of(100, Scripted.always(GONE), budget)
    assert budget.tokens == 10


async def test_what_was_done_is_told() -> None:
    """Each retry, and each that was withheld; a call that merely went through is not."""
    tallied, budget = Tallied(), Budget()
    handler = retried(Scripted(7, DOWN, 7), budget=budget, tally=tallied)
    await handler(a_call("read"))
    assert tallied.whats == []
    await handler(a_call("read"))
    assert tallied.whats == ["retried"]
    while budget.may_retry():
        budget.failed()
    with pytest.raises(Failure):
        await retried(Scripted(DOWN), budget=budget, tally=tallied)(a_call("read"))
    assert tallied.whats == ["retried", "withheld"]
    assert set(tallied.policies) == {"retry"}


def test_a_budget_stays_within_its_bounds() -> None:
    """Long luck saves nothing up, and long misery is not paid off for ever."""
    budget = Budget()
    for _ in range(1000):
        budget.succeeded()
    assert budget.tokens == 10
    for _ in range(1000):
        budget.failed()
    assert budget.tokens == 0
    for _ in range(51):
        assert not budget.may_retry()
        budget.succeeded()
    assert budget.may_retry()


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"attempts": 0}, "retry = false"),
        ({"attempts": -3}, "take 1 or more"),
        ({"base": 0.0}, "number of seconds"),
        ({"base": math.nan}, "number of seconds"),
        ({"base": 2.0}, "no shorter than the first"),
        ({"cap": math.inf}, "no shorter than the first"),
        ({"budget": 1.5}, "which share"),
        ({"budget": -0.1}, "which share"),
        ({"budget": math.nan}, "which share"),
    ],
)
def test_senseless_numbers_are_refused(wrong: dict[str, Any], says: str) -> None:
    """When they are written, and when they are read."""
    with pytest.raises(ValueError, match=says):
        Retry(**wrong)
    if all(math.isfinite(value) for value in wrong.values()):
        with pytest.raises(msgspec.ValidationError, match=says):
            msgspec.convert(wrong, Retry)


@pytest.mark.parametrize("wrong", [{"ratio": -0.1}, {"ratio": math.nan}, {"tokens": 0.0}])
def test_a_budget_that_counts_nothing_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"which share|number of failures"):
        Budget(**wrong)


async def test_as_many_attempts_as_there_may_be_wait_no_longer_than_the_cap() -> None:
    """However large the power of two would be."""
    settings = Retry(attempts=10, base=1e-9, cap=2e-9)
    handler = Scripted(*[DOWN] * 9, 7)
    reply: Callable[[Call], Awaitable[Reply]] = retried(handler, settings, Budget(tokens=1e9))
    assert (await reply(a_call("read"))).value == 7
