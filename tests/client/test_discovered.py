"""Calls find their instance, and another one where that is harmless."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from time import perf_counter
from typing import Any

import pytest

from coterie.call import Failure, Sent, calling
from coterie.contract import Code
from coterie.registry import InstanceState, Loaded, RoundRobin
from tests.client.asking import JSON
from tests.client.discovering import Found, discovered, served
from tests.client.http1.peer import Peer, answer, listening, refusing, soon, until

NOTHING = answer(b"", status=b"204 No Content")
REFUSAL = answer(
    b"", b"coterie-refused: true", b"connection: close", status=b"503 Service Unavailable"
)


@pytest.fixture
async def found() -> AsyncIterator[Found]:
    async with discovered(choose=RoundRobin()) as found:
        yield found


@pytest.fixture
def second() -> Iterator[Peer]:
    with listening() as peer:
        yield peer


async def answering(peer: Peer, said: bytes, times: int = 1) -> list[bytes]:
    """Accept so many connections, read a request on each, and say this; reset where it is empty."""
    requests = []
    for _ in range(times):
        talk = await peer.accept()
        requests.append(await talk.request())
        talk.say(said) if said else talk.reset()
    return requests


# --- where there is somebody --------------------------------------------------------------------


@pytest.mark.promise("W0-11")
async def test_calls_go_to_all_there_are(found: Found) -> None:
    """Who is announced is called at once, who is withdrawn is called no more."""
    async with served() as one, served() as two:
        await found.announce("one", one.url)
        assert await found.desk.add(1, 2) == 3
        await found.announce("two", two.url)
        for _ in range(10):
            await found.desk.add(1, 2)
        assert two.calls == 5
        await found.withdraw("one")
        for _ in range(10):
            await found.desk.add(1, 2)
        assert (one.calls, two.calls) == (6, 15)


async def test_the_busy_are_left_alone() -> None:
    """The next call goes where fewer are under way."""
    async with discovered() as found, served() as one, served() as two:
        await found.announce("one", one.url)
        waiting = asyncio.create_task(found.desk.waits())
        await until(lambda: one.service.waiting)
        await found.announce("two", two.url)
        for _ in range(20):
            await found.desk.add(1, 2)
        assert one.host.in_flight == 1
        one.service.go.set()
        assert await waiting == "done"


async def test_who_starts_is_called_where_nobody_is_up(found: Found) -> None:
    """Its address is held for it: a call waits there."""
    async with served() as one, served() as two:
        await found.announce("one", one.url, InstanceState.STARTING)
        assert await found.desk.add(1, 2) == 3
        await found.announce("two", two.url)
        for _ in range(4):
            await found.desk.add(1, 2)
        assert one.calls == 1


async def test_another_major_version_is_not_called(
    found: Found, caplog: pytest.LogCaptureFixture
) -> None:
    """It is warned of once; and the failure names what is offered."""
    async with served() as one, served() as two:
        await found.announce("one", one.url)
        await found.announce("two", two.url, version="2.0")
        for _ in range(4):
            await found.desk.add(1, 2)
        await found.announce("two", two.url, version="2.0", weight=2.0)
        await found.desk.add(1, 2)
        assert two.calls == 0
        assert [r.message for r in caplog.records] == [
            "two does not offer desk 1, and is not called for it"
        ]
        await found.withdraw("one")
        with calling(timeout=0.05), pytest.raises(Failure, match=r"those there offer desk 2\.0"):
            await found.desk.add(1, 2)


# --- where one fails ----------------------------------------------------------------------------


async def test_what_was_not_sent_goes_to_another(found: Found) -> None:
    """Whatever the operation."""
    async with served() as one:
        with refusing() as url:
            await found.announce("a", url)
            await found.announce("b", one.url)
            assert [(await found.desk.made()).id for _ in range(4)] == [7] * 4


@pytest.mark.parametrize("said", [b"", REFUSAL])
async def test_what_was_lost_goes_to_another_where_it_does_no_harm(
    found: Found, peer: Peer, second: Peer, said: bytes
) -> None:
    """A reset leaves the outcome unknown: an idempotent operation is retried; a refusal goes on."""
    await found.announce("a", peer.url)
    await found.announce("b", second.url)
    calling_both = asyncio.gather(answering(peer, said), answering(second, NOTHING))
    await (found.desk if said else found.retried).nothing()  # put
    first, again = await calling_both
    assert first[0].split(b"\r\n")[0] == again[0].split(b"\r\n")[0] == b"PUT /nothing HTTP/1.1"


@pytest.mark.parametrize(("desk", "operation"), [("retried", "made"), ("desk", "nothing")])
async def test_what_may_have_had_its_effect_is_not_sent_twice(
    found: Found, peer: Peer, second: Peer, desk: str, operation: str
) -> None:
    """A post whose connection was reset fails, its outcome unknown; and a put that nobody retries."""
    await found.announce("a", peer.url)
    await found.announce("b", second.url)
    resetting = asyncio.create_task(answering(peer, b""))
    with pytest.raises(Failure) as caught:
        await getattr(getattr(found, desk), operation)()
    assert caught.value.sent is Sent.UNKNOWN
    assert caught.value.instance == "a"
    await resetting
    assert second.nobody()


@pytest.mark.parametrize("operation", ["made", "nothing"])
async def test_what_was_answered_is_not_sent_twice(
    found: Found, peer: Peer, second: Peer, operation: str
) -> None:
    """A 503 that does not say that nothing was begun may come from further on."""
    await found.announce("a", peer.url)
    await found.announce("b", second.url)
    saying = answer(b"", status=b"503 Service Unavailable")
    answered = asyncio.create_task(answering(peer, saying))
    with pytest.raises(Failure) as caught:
        await getattr(found.desk, operation)()
    assert (caught.value.code, caught.value.sent) == (Code.UNAVAILABLE, Sent.ANSWERED)
    await answered
    assert second.nobody()


async def test_who_is_not_ready_passes_calls_on(found: Found) -> None:
    """A host that drains says that it began nothing; even a post goes to another."""
    async with served() as one, served() as two:
        await found.announce("a", one.url)
        await found.announce("b", two.url)
        waiting = asyncio.create_task(found.desk.waits())  # goes to the first
        await until(lambda: one.service.waiting)
        stopping = asyncio.create_task(one.host.stop())
        for _ in range(4):
            assert (await found.desk.made()).id == 7
        one.service.go.set()
        assert await waiting == "done"
        await stopping


async def test_a_streamed_body_is_sent_once(found: Found, peer: Peer, second: Peer) -> None:
    """Not again once it began, not even after a refusal; before it began, to another."""
    given: list[int] = []

    async def body() -> AsyncGenerator[bytes]:
        for number in range(3):
            given.append(number)
            yield b"x"

    with refusing() as url:
        await found.announce("a", url)
        await found.announce("b", peer.url)
        await found.announce("c", second.url)
        refused = asyncio.create_task(answering(peer, REFUSAL))
        with pytest.raises(Failure) as caught:
            await found.desk.count(body())
        assert caught.value.sent is Sent.REFUSED
        await refused
        assert given == [0, 1, 2]
        assert second.nobody()


class Counting:
    """Chooses the first, and counts."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, among: Sequence[Any], _: str | None = None, /) -> Any:
        self.calls += 1
        first: Loaded = among[0]
        return first


@pytest.mark.parametrize("instances", [2, 5])
async def test_tries_are_counted(instances: int) -> None:
    """Two more than there are instances; those who failed are given a moment."""
    counting = Counting()
    async with discovered(choose=counting) as found:
        with ExitStack() as stack:
            for number in range(instances):
                await found.announce(str(number), stack.enter_context(refusing()))
            began = perf_counter()
            with pytest.raises(Failure) as caught:
                await found.desk.nothing()
            assert 0.02 <= perf_counter() - began <= 0.5
        assert caught.value.sent is Sent.NOT_SENT
        assert counting.calls == instances + 2


async def test_a_retry_goes_to_another(found: Found, peer: Peer) -> None:
    """To one that has not failed the call, as long as there is one; else to the same again."""
    async with served() as other:
        await found.announce("a", peer.url)
        await found.announce("b", other.url)
        for _ in range(3):
            resetting = asyncio.create_task(answering(peer, b""))
            while not resetting.done():  # every second call goes to the one that resets
                await found.retried.nothing()
        assert peer.nobody()
        assert other.calls >= 3
    await found.withdraw("b")
    resetting = asyncio.create_task(answering(peer, b""))
    succeeding = asyncio.create_task(found.retried.nothing())
    await resetting
    await answering(peer, NOTHING)
    await succeeding


async def test_the_only_one_is_tried_again(found: Found, peer: Peer) -> None:
    """A moment later, and three times in all."""
    await found.announce("a", peer.url)
    answered = asyncio.create_task(answering(peer, REFUSAL, 3))
    with pytest.raises(Failure) as caught:
        await found.desk.made()
    assert caught.value.sent is Sent.REFUSED
    assert caught.value.instance == "a"
    await answered


async def test_no_pause_outlasts_the_deadline(found: Found) -> None:
    """Where there is no time for another try, the failure comes at once."""
    with refusing() as url:
        await found.announce("a", url)
        began = perf_counter()
        with calling(timeout=0.015), pytest.raises(Failure) as caught:
            await found.desk.nothing()
        assert perf_counter() - began < 0.1
        assert caught.value.sent is Sent.NOT_SENT


# --- where there is nobody ----------------------------------------------------------------------


async def test_a_call_waits_for_somebody_to_come_up(found: Found) -> None:
    """And goes to it in the moment it is announced."""
    async with served() as one:
        waiting = asyncio.create_task(found.desk.add(1, 2))
        await asyncio.sleep(0)
        await found.announce("one", one.url)
        assert await soon(waiting) == 3


@pytest.mark.parametrize(("patience", "timeout"), [(0.05, 30.0), (5.0, 0.05)])
async def test_nobody_waits_for_ever(patience: float, timeout: float) -> None:
    """The client's patience counts, or the call's deadline where it is nearer."""
    async with discovered(patience=patience) as found:
        await found.announce("one", "http://127.0.0.1:9", InstanceState.DRAINING)
        began = perf_counter()
        with calling(timeout=timeout), pytest.raises(Failure, match="all 1 are draining") as caught:
            await found.desk.made()
        assert 0.04 <= perf_counter() - began <= 0.5
        failure = caught.value
        assert (failure.code, failure.sent) == (Code.UNAVAILABLE, Sent.NOT_SENT)
        assert failure.retry_after == 1.0


@pytest.mark.parametrize("url", ["orders:4001/?", "http://[half", "http://a:99999", "http://a/b c"])
async def test_an_address_that_is_none_is_told(found: Found, url: str) -> None:
    """A registry may hold anything."""
    await found.announce("one", url)
    with pytest.raises(Failure, match=f"one is announced at {re.escape(repr(url))}"):
        await found.desk.made()


# --- where somebody leaves ----------------------------------------------------------------------


async def test_who_drains_finishes_in_peace(found: Found, peer: Peer) -> None:
    """Idle connections are closed by us, busy ones when their answer is there; no new calls."""
    await found.announce("one", peer.url)
    first = asyncio.create_task(found.desk.nothing())
    second = asyncio.create_task(found.desk.add(1, 2))
    idle, busy = await peer.accept(), await peer.accept()
    assert (await idle.request()).startswith(b"PUT")
    await busy.request()
    idle.say(NOTHING)
    await first
    await found.announce("one", peer.url, InstanceState.DRAINING)
    assert await soon(idle.rest()) == b""
    async with served() as other:
        await found.announce("two", other.url)
        await found.desk.nothing()
    busy.say(answer(b"3", JSON))
    assert await soon(second) == 3
    assert await soon(busy.rest()) == b""
    assert peer.nobody()


async def test_a_streamed_answer_outlives_its_instance_s_announcement(found: Found) -> None:
    """What was begun is read to its end."""
    async with served() as one:
        await found.announce("one", one.url)
        parts = await found.desk.stream("stalls")
        assert await anext(aiter(parts)) == b"one,"
        await found.withdraw("one")
        one.service.go.set()
        assert b"".join([part async for part in parts]) == b"two,three"


async def test_instances_come_and_go_unnoticed(caplog: pytest.LogCaptureFixture) -> None:
    """Ten replaced one after the other under load: no call fails, idempotent or not."""
    caplog.set_level(logging.ERROR)
    made = 0
    async with discovered() as found:

        async def caller() -> None:
            nonlocal made
            while not ended:
                assert (await found.desk.made()).id == 7
                made += 1

        ended = False
        callers = [asyncio.create_task(caller()) for _ in range(8)]
        for number in range(10):
            async with served() as one:
                await found.announce(str(number), one.url)
                await until(lambda: one.calls > 50)
                await found.announce(str(number), one.url, InstanceState.DRAINING)
            await found.withdraw(str(number))
        async with served() as last:
            await found.announce("last", last.url)
            ended = True
            await asyncio.gather(*callers)
    assert made > 500
    assert caplog.records == []


async def test_nothing_is_left_after_stop(peer: Peer) -> None:
    """No task and no connection; and a stopped client says that it is."""
    before = asyncio.all_tasks()
    async with discovered() as found:
        await found.announce("one", peer.url)
        asking = asyncio.create_task(found.desk.made())
        talk = await peer.accept()
        await talk.request()
        await found.withdraw("one")
        waiting = asyncio.create_task(found.desk.made())
        await asyncio.sleep(0)
    for task in (asking, waiting):
        with pytest.raises(Failure) as caught:
            await soon(task)
        assert caught.value.code is Code.CANCELLED
    assert await soon(talk.rest()) == b""
    assert asyncio.all_tasks() == before
