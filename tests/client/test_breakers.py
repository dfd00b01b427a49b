"""An instance that keeps failing is left alone; calls go to others, or fail at once."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from time import perf_counter

import pytest

from coterie.call import Call, Failure, Sent, calling
from coterie.contract import Code
from coterie.policy import BreakerState, Breaking
from coterie.registry import InstanceState, RoundRobin
from tests.client.discovering import Found, discovered, served
from tests.client.http1.peer import Peer, Talk, answer, refusing, soon, until

NOTHING = answer(b"", status=b"204 No Content")
UNAVAILABLE = answer(b"", status=b"503 Service Unavailable")
REFUSED = answer(b"", b"coterie-refused: true", status=b"503 Service Unavailable")
SHED = answer(b"", b"coterie-refused: overload", status=b"503 Service Unavailable")
GONE = answer(b"", status=b"404 Not Found")

QUICK = Breaking(open=0.05)
SLOW = Breaking(open=20.0)


class Tallied:
    """What breakers did."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()

    def __call__(self, policy: str, what: str, call: Call, detail: str = "") -> None:
        assert policy == "breaker"
        self.count[what] += 1


class Bad:
    """A peer that answers all requests alike; an empty answer is a reset, and `None` is none."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.said: bytes | None = b""
        self.requests = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        while True:
            talk = await self._accepted()
            task = asyncio.create_task(self._talk(talk))
            self._tasks.add(task)

    async def _accepted(self) -> Talk:
        sock, _ = await asyncio.get_running_loop().sock_accept(self.peer.listener)
        sock.setblocking(False)
        self.peer.accepted.append(talk := Talk(sock))
        return talk

    async def _talk(self, talk: Talk) -> None:
        with suppress(EOFError, OSError):
            while True:
                await talk.request()
                self.requests += 1
                if self.said is None:
                    return
                if not self.said:
                    talk.reset()
                    return
                talk.say(self.said)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def bad(peer: Peer) -> AsyncIterator[Bad]:
    bad = Bad(peer)
    serving = asyncio.create_task(bad.serve())
    yield bad
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await bad.stop()


async def failing(found: Found, times: int, *, timeout: float = 5.0) -> list[Failure]:
    """So many calls, one after the other, that all fail."""
    failures = []
    for _ in range(times):
        with calling(timeout=timeout), pytest.raises(Failure) as caught:
            await found.desk.nothing()
        failures.append(caught.value)
    return failures


async def test_who_resets_is_left_alone(bad: Bad) -> None:
    """After five calls in a row. Control: without a breaker all calls arrive."""
    async with discovered(breaking=None) as found:
        await found.announce("a", bad.peer.url)
        await failing(found, 20)
        assert bad.requests == 20
    async with discovered(breaking=SLOW) as found:
        await found.announce("a", bad.peer.url)
        await failing(found, 20)
        assert bad.requests == 25


async def test_who_answers_503_is_left_alone(bad: Bad) -> None:
    """Once half of ten calls ended so; and calls go to who else is there."""
    bad.said = UNAVAILABLE
    async with discovered(breaking=SLOW, choose=RoundRobin()) as found, served() as good:
        await found.announce("a", bad.peer.url)
        for _ in range(5):
            bad.said = UNAVAILABLE
            await failing(found, 1)
            bad.said = NOTHING
            await found.desk.nothing()
        bad.said = UNAVAILABLE
        failures = await failing(found, 20)
        assert "keeps failing" in failures[-1].message
        arrived = bad.requests
        assert arrived == 11
        await found.announce("b", good.url)
        for _ in range(10):
            await found.desk.nothing()
        assert (bad.requests, good.calls) == (arrived, 10)


@pytest.mark.promise("W3-01")
async def test_what_one_operation_lacks_does_not_cost_the_others(
    bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    """A 503 may come from further in: it speaks of what was asked for. Control: a reset does not."""
    async with discovered(breaking=SLOW) as found:
        await found.announce("a", bad.peer.url)
        bad.said = UNAVAILABLE
        failures = await failing(found, 20)
        assert "keeps failing" in failures[-1].message
        arrived = bad.requests
        assert arrived == 10
        bad.said = answer(b"3", b"content-type: application/json")
        for _ in range(20):
            assert await found.desk.add(1, 2) == 3
        assert "keeps failing" in (await failing(found, 1))[0].message
        assert bad.requests == arrived + 20
        (lane,) = found.client.lanes
        assert lane.state.value == "half-open"
        assert "a, asked for desk.nothing, keeps failing" in caplog.text
        bad.said = b""
        for _ in range(5):
            with pytest.raises(Failure, match="outcome is unknown"):
                await found.desk.add(1, 2)
        with pytest.raises(Failure, match="keeps failing"):
            await found.desk.text()
        assert lane.state.value == "open"


async def test_an_operation_is_answered_again(bad: Bad) -> None:
    """One call finds out; then all is as before, and nothing is kept of it."""
    tallied = Tallied()
    async with discovered(breaking=QUICK, tally=tallied) as found:
        await found.announce("a", bad.peer.url)
        bad.said = UNAVAILABLE
        await failing(found, 10)
        bad.said = NOTHING
        await soon(asyncio.gather(*(found.desk.nothing() for _ in range(5))))
        (lane,) = found.client.lanes
        assert lane.state is BreakerState.CLOSED
        assert not lane.unavailable
    assert tallied.count == {"opened": 1, "probed": 1, "closed": 1}


async def test_who_does_not_answer_in_time_is_left_alone(bad: Bad) -> None:
    """Whether the request's own time ends, or the task is cancelled at that moment."""
    bad.said = None
    async with discovered(breaking=SLOW) as found:
        await found.announce("a", bad.peer.url)
        failures = await asyncio.gather(*(failing(found, 1, timeout=0.05) for _ in range(12)))
        assert {failure.code for (failure,) in failures} == {Code.DEADLINE_EXCEEDED}
        began = perf_counter()
        (failure,) = await failing(found, 1)
        assert perf_counter() - began < 0.1
        assert failure.sent is Sent.NOT_SENT


async def test_being_cancelled_by_the_deadline_counts_as_not_answering(bad: Bad) -> None:
    """And by a caller that has changed its mind as nothing."""
    bad.said = None
    for late, state in ((True, "open"), (False, "closed")):
        async with discovered(breaking=SLOW) as found:
            await found.announce("a", bad.peer.url)
            with calling(timeout=0.05 if late else 30):
                arrived = bad.requests
                asking = [asyncio.create_task(found.desk.nothing()) for _ in range(12)]
            await until(lambda: bad.requests == arrived + 12)  # noqa: B023
            if late:
                # The timers of the requests go off in the same turn, as the loop is kept busy.
                blocked = perf_counter() + 0.06
                while perf_counter() < blocked:
                    pass
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            (lane,) = found.client.lanes
            assert lane.breaker is not None
            assert lane.breaker.state.value == state


@pytest.mark.parametrize(("said", "calls"), [(REFUSED, 5), (SHED, 15), (GONE, 15)])
async def test_other_answers_leave_a_breaker_closed(bad: Bad, said: bytes, calls: int) -> None:
    """Not ready, too much to do, or simply no: whoever says so is there."""
    bad.said = said
    async with discovered(breaking=SLOW) as found:
        await found.announce("a", bad.peer.url)
        failures = await failing(found, calls)
        assert bad.requests == 15  # who is not ready is asked three times
        assert not any("keeps failing" in failure.message for failure in failures)


async def test_where_all_keep_failing_calls_fail_at_once(bad: Bad) -> None:
    """They say who it is and when to come back, and were certainly not sent."""
    tallied = Tallied()
    async with discovered(breaking=SLOW, tally=tallied) as found:
        await found.announce("a", bad.peer.url)
        await failing(found, 5)
        began = perf_counter()
        (failure,) = await failing(found, 1)
        assert perf_counter() - began < 0.1
        assert (failure.code, failure.sent) == (Code.UNAVAILABLE, Sent.NOT_SENT)
        assert failure.retry_after is not None
        assert 14 <= failure.retry_after <= 25
        assert "every instance of desks keeps failing" in failure.message
        assert ": a; see `coterie logs desks`" in failure.message
    assert tallied.count == {"opened": 1, "refused": 1}


async def test_a_call_waits_for_the_next_try_where_that_is_near(
    bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    """One call finds out, those that wait for it follow; and the recovery is told."""
    caplog.set_level(logging.INFO, logger="coterie.client")
    tallied = Tallied()
    async with discovered(breaking=QUICK, tally=tallied) as found:
        await found.announce("a", bad.peer.url)
        await failing(found, 5)
        bad.said = NOTHING
        waiting = [asyncio.create_task(found.desk.nothing()) for _ in range(10)]
        await soon(asyncio.gather(*waiting))
    assert tallied.count == {"opened": 1, "probed": 1, "closed": 1}
    assert [record.getMessage().split(" for ")[0] for record in caplog.records] == [
        "a keeps failing and is left alone",
        "a answers again",
    ]


async def test_one_call_at_a_time_finds_out(bad: Bad) -> None:
    """While it is under way no other is sent."""
    async with discovered(breaking=Breaking(open=0.2)) as found:
        await found.announce("a", bad.peer.url)
        await failing(found, 5)
        bad.said = None
        asking = [asyncio.create_task(found.desk.nothing()) for _ in range(10)]
        await until(lambda: bad.requests == 6)
        for _ in range(20):
            await asyncio.sleep(0)
        assert bad.requests == 6
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


async def test_a_try_that_is_called_off_lets_another_find_out(bad: Bad) -> None:
    async with discovered(breaking=QUICK) as found:
        await found.announce("a", bad.peer.url)
        await failing(found, 5)
        bad.said = None
        first = asyncio.create_task(found.desk.nothing())
        await until(lambda: bad.requests == 6)
        bad.said = NOTHING
        second = asyncio.create_task(found.desk.nothing())
        await asyncio.sleep(0)
        first.cancel()
        await soon(second)


async def test_nobody_waits_past_the_deadline_for_a_try(bad: Bad) -> None:
    async with discovered(breaking=Breaking(open=0.5)) as found:
        await found.announce("a", bad.peer.url)
        await failing(found, 5)
        began = perf_counter()
        await failing(found, 1, timeout=0.05)
        assert perf_counter() - began < 0.15


async def _withdrawn(found: Found, url: str) -> None:
    await found.withdraw("a")
    await found.announce("a", url)


async def _restarted(found: Found, url: str) -> None:
    await found.announce("a", url, InstanceState.STARTING)
    await found.announce("a", url)


@pytest.mark.parametrize("anew", [_withdrawn, _restarted])
async def test_who_is_announced_anew_is_trusted_anew(
    bad: Bad, anew: Callable[..., Awaitable[None]]
) -> None:
    """A replacement is called at once. Control: the same one, weighted anew, is not."""
    async with discovered(breaking=SLOW) as found:
        await found.announce("a", bad.peer.url)
        await failing(found, 5)
        bad.said = NOTHING
        await found.announce("a", bad.peer.url, weight=2.0)
        await failing(found, 1)
        await anew(found, bad.peer.url)
        await found.desk.nothing()


async def test_who_waits_for_a_try_is_sent_to_a_newcomer(bad: Bad) -> None:
    async with discovered(breaking=Breaking(open=0.6)) as found, served() as good:
        await found.announce("a", bad.peer.url)
        await failing(found, 5)
        waiting = asyncio.create_task(found.desk.nothing())
        await asyncio.sleep(0)
        began = perf_counter()
        await found.announce("b", good.url)
        await soon(waiting)
        assert perf_counter() - began < 0.2
        assert good.calls == 1


async def test_who_refuses_connections_is_left_alone() -> None:
    """No call is lost to it while there is another, whatever the operation."""
    tallied = Tallied()
    turns = RoundRobin()
    async with discovered(breaking=SLOW, choose=turns, tally=tallied) as found, served() as good:
        with refusing() as url:
            await found.announce("a", url)
            await found.announce("b", good.url)
            for _ in range(40):
                await found.desk.made()
    assert tallied.count == {"opened": 1}


async def test_those_far_away_help_where_all_near_ones_fail(bad: Bad) -> None:
    """A zone comes first, not alone."""
    async with discovered(breaking=SLOW, zone="here") as found, served() as far:
        await found.announce("a", bad.peer.url, zone="here")
        await found.announce("b", far.url, zone="there")
        await failing(found, 5)
        assert far.calls == 0
        for _ in range(10):
            await found.desk.nothing()
        assert (bad.requests, far.calls) == (5, 10)
