"""The pool: who gets a connection, when, and for how long it is kept."""

import asyncio
from time import monotonic
from typing import Any, cast

import pytest

from coterie.client.http1 import NotSent, Pool, Reason
from tests.client.http1.peer import OK, Peer, ask, kept_alive, refusing, soon, until


@pytest.mark.promise("W0-11")
async def test_one_connection_carries_many_requests(peer: Peer) -> None:
    """Keep-alive: one after another on one socket."""
    async with Pool(peer.url) as pool:
        talk = await kept_alive(pool, peer)
        for number in range(5):
            asking = asyncio.create_task(pool.request("GET", f"/{number}"))
            assert (await talk.request()).startswith(b"GET /%d " % number)
            talk.say(OK)
            await soon(asking)
        assert peer.nobody()


async def test_those_who_wait_are_served_in_order(peer: Peer) -> None:
    """First come, first served, on whichever connection comes free; newcomers stand behind."""
    async with Pool(peer.url, connections=2) as pool:
        busy = [await ask(pool, peer) for _ in range(2)]
        waiting = []
        for number in range(6):
            waiting.append(asyncio.create_task(pool.request("GET", f"/{number}")))
            await asyncio.sleep(0)
        for number in range(6):
            talk, _ = busy[number % 2]
            talk.say(OK)
            assert (await talk.request()).startswith(b"GET /%d " % number)
        for talk, _ in busy:
            talk.say(OK)
        await soon(asyncio.gather(*waiting))
        assert peer.nobody()


async def test_nobody_overtakes_the_line(peer: Peer) -> None:
    """A request made in the very turn a connection comes free does not pass those who waited."""
    async with Pool(peer.url, connections=1) as pool:
        talk, first = await ask(pool, peer)
        waited = asyncio.create_task(pool.request("GET", "/waited"))
        await asyncio.sleep(0)
        next(iter(pool._open)).data_received(OK)
        late = asyncio.create_task(pool.request("GET", "/late"))
        assert (await talk.request()).startswith(b"GET /waited ")
        talk.say(OK)
        assert (await talk.request()).startswith(b"GET /late ")
        talk.say(OK)
        await soon(asyncio.gather(first, waited, late))


async def test_a_cancelled_waiter_loses_nothing(peer: Peer) -> None:
    """Neither its place, nor a connection it was handed in the turn it was cancelled."""
    async with Pool(peer.url, connections=1) as pool:
        talk, first = await ask(pool, peer)
        early, handed, last = (
            asyncio.create_task(pool.request("GET", f"/{name}")) for name in ("a", "b", "c")
        )
        await asyncio.sleep(0)
        early.cancel()
        await asyncio.wait([early])
        next(iter(pool._open)).data_received(OK)  # hands the connection to the second in line
        handed.cancel()
        assert (await talk.request()).startswith(b"GET /c ")
        talk.say(OK)
        await soon(asyncio.gather(first, last))
        assert handed.cancelled()
        assert len(pool._idle) == pool._slots == 1


async def test_control_a_connection_not_passed_on_is_lost(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: without passing it on, the next in line waits for ever."""
    monkeypatch.setattr(Pool, "_pass_on", lambda pool, granted: None)
    async with Pool(peer.url, connections=1) as pool:
        _, first = await ask(pool, peer)
        handed, last = (asyncio.create_task(pool.request("GET", "/")) for _ in range(2))
        await asyncio.sleep(0)
        next(iter(pool._open)).data_received(OK)
        handed.cancel()
        await asyncio.wait([first, handed])
        with pytest.raises(TimeoutError):
            await soon(last, 0.05)


async def test_room_to_connect_is_passed_on_too(peer: Peer) -> None:
    """When the only connection dies, the first in line opens another; cancelled, the second."""
    async with Pool(peer.url, connections=1) as pool:
        talk, dying = await ask(pool, peer)
        first, second = (asyncio.create_task(pool.request("GET", f"/{n}")) for n in range(2))
        await asyncio.sleep(0)
        connection = next(iter(pool._open))
        connection.abort()
        await until(lambda: connection not in pool._open)
        first.cancel()
        talk = await peer.accept()
        while not (await talk.request()).startswith(b"GET /1 "):
            talk = await peer.accept()
        talk.say(OK)
        await soon(second)
        dying.cancel()


async def test_a_connection_that_died_while_handed_over_keeps_its_place(peer: Peer) -> None:
    """Who was handed a dead connection is still first: it gets the next one."""
    async with Pool(peer.url, connections=1) as pool:
        talk, first = await ask(pool, peer)
        second, third = (asyncio.create_task(pool.request("GET", f"/{n}")) for n in (2, 3))
        await asyncio.sleep(0)
        next(iter(pool._open)).data_received(OK)
        talk.close()
        await soon(first)
        for number, asking in ((2, second), (3, third)):
            if number == 2:
                talk = await peer.accept()
            assert (await talk.request()).startswith(b"GET /%d " % number)
            talk.say(OK)
            await soon(asking)


async def test_a_deadline_in_line_is_not_sent(peer: Peer) -> None:
    """Waiting for a connection counts against the deadline, and leaves the line."""
    async with Pool(peer.url, connections=1) as pool:
        talk, first = await ask(pool, peer)
        with pytest.raises(NotSent, match="waiting for a connection") as caught:
            await soon(pool.request("GET", "/", deadline=monotonic() + 0.03))
        assert caught.value.reason is Reason.DEADLINE
        talk.say(OK)
        await soon(first)
        assert len(pool._idle) == 1


async def test_the_line_is_bounded(peer: Peer) -> None:
    """Beyond `queue` waiting requests, refusal is immediate and says what to do."""
    async with Pool(peer.url, connections=1, queue=1) as pool:
        talk, first = await ask(pool, peer)
        second = asyncio.create_task(pool.request("GET", "/"))
        await asyncio.sleep(0)
        with pytest.raises(NotSent, match="slow down") as caught:
            await soon(pool.request("GET", "/"))
        assert caught.value.reason is Reason.BUSY
        talk.say(OK)
        await talk.request()
        talk.say(OK)
        await soon(asyncio.gather(first, second))


@pytest.mark.parametrize("how", ["cancelled", "deadline"])
async def test_who_left_the_line_makes_room_in_it(peer: Peer, how: str) -> None:
    """The bound counts those who wait, not those who gave up."""
    async with Pool(peer.url, connections=1, queue=1) as pool:
        talk, first = await ask(pool, peer)
        deadline = monotonic() + 0.02 if how == "deadline" else None
        leaving = asyncio.create_task(pool.request("GET", "/", deadline=deadline))
        await asyncio.sleep(0)
        if how == "cancelled":
            leaving.cancel()
        await asyncio.wait([leaving])
        second = asyncio.create_task(pool.request("GET", "/second"))
        await asyncio.sleep(0)
        talk.say(OK)
        assert (await talk.request()).startswith(b"GET /second ")
        talk.say(OK)
        await soon(asyncio.gather(first, second))
        assert isinstance(leaving.cancelled() or leaving.exception(), bool | NotSent)


async def test_failed_connections_give_their_room_back() -> None:
    """A server that is down uses nothing up: each in line learns it for itself."""
    with refusing() as url:
        async with Pool(url, connections=2) as pool:
            results = await soon(
                asyncio.gather(
                    *(pool.request("GET", "/") for _ in range(10)), return_exceptions=True
                )
            )
            assert [type(result) for result in results] == [NotSent] * 10
            assert pool._slots == 0


async def test_an_unused_connection_is_closed_after_a_while(peer: Peer) -> None:
    """Idle connections go after `idle_timeout`; those used last go last."""
    async with Pool(peer.url, idle_timeout=0.05) as pool:
        pairs = [await ask(pool, peer) for _ in range(2)]
        begin = monotonic()
        for talk, asking in pairs:
            talk.say(OK)
            await soon(asking)
        assert [await talk.rest() for talk, _ in pairs] == [b"", b""]
        assert 0.045 <= monotonic() - begin < 0.5
        await until(lambda: not pool._slots)


async def test_only_those_unused_for_long_are_closed(peer: Peer) -> None:
    """A look for old connections leaves the young alone, and comes again."""
    async with Pool(peer.url, idle_timeout=30) as pool:
        await kept_alive(pool, peer)
        connection = next(iter(pool._idle))
        pool._sweep()
        assert not connection.closed
        assert pool._sweeper is not None
        connection.idle_since -= 31
        pool._sweep()
        assert connection.closed
        assert pool._sweeper is None


async def test_the_connection_used_last_is_used_next(peer: Peer) -> None:
    """So that a pool grown by a burst shrinks again."""
    async with Pool(peer.url) as pool:
        pairs = [await ask(pool, peer) for _ in range(3)]
        for talk, asking in pairs:
            talk.say(OK)
            await soon(asking)
        for _ in range(3):
            asking = asyncio.create_task(pool.request("GET", "/"))
            await pairs[-1][0].request()
            pairs[-1][0].say(OK)
            await soon(asking)


async def test_a_storm_of_cancellations_leaks_nothing(peer: Peer) -> None:
    """Hundreds of requests cancelled at every stage: all slots come back, answers match."""
    async with peer.echoing(), Pool(peer.url, connections=4) as pool:
        asked = [asyncio.create_task(pool.request("GET", f"/{n}")) for n in range(300)]
        for number, asking in enumerate(asked):
            if number % 3:
                for _ in range(number % 4):
                    await asyncio.sleep(0)
                asking.cancel()
        done = await soon(asyncio.gather(*asked, return_exceptions=True), 5)
        for number, result in enumerate(done):
            if not number % 3:
                assert not isinstance(result, BaseException), result
                assert result.body == b"/%d" % number
        await until(lambda: len(pool._open) == len(pool._idle))
        assert pool._slots == len(pool._open) <= 4
        assert repr(pool).endswith("0 waiting>")


@pytest.mark.parametrize(
    "url",
    [
        "shop.example",
        "ftp://shop.example",
        "http://",
        "http://shop.example/api",
        "http://shop.example/?a=b",
        "http://user:s3cret@shop.example",
        "http://sh\xf6p.example",
        "http://a..b",
        "http://a b",
        "http://a\r\nx: y",
        "http://shop.example:99999",
    ],
)
def test_a_url_that_is_no_origin_is_refused(url: str) -> None:
    """At once, when the pool is made; and no password is repeated."""
    with pytest.raises(ValueError, match=r"origin|host|[Pp]ort|credentials") as caught:
        Pool(url)
    assert "s3cret" not in str(caught.value)


async def test_a_pool_never_started_says_so() -> None:
    """A mistake of the programmer is not taken for a network failure."""
    with pytest.raises(RuntimeError, match="async with Pool"):
        await Pool("http://127.0.0.1:1").request("GET", "/")


@pytest.mark.parametrize(
    "option", ["connections", "idle_timeout", "connect_timeout", "max_response"]
)
def test_numbers_below_one_are_refused(option: str) -> None:
    """A pool of nothing would wait for ever."""
    with pytest.raises(ValueError, match="above zero"):
        Pool("http://127.0.0.1:1", **cast(Any, {option: 0}))
