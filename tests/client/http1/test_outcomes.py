"""Not sent, or unknown: exactly told apart, whatever the other side does."""

import asyncio
import pickle
import socket
from time import monotonic
from typing import Any

import pytest

from coterie.client.http1 import NotSent, Pool, Reason, Unknown
from coterie.client.http1 import pool as pool_module
from coterie.client.http1.connection import Connection, connect
from tests.client.http1.peer import OK, Peer, ask, kept_alive, refusing, soon, unreachable, until


async def test_a_refused_connection_is_not_sent() -> None:
    """Nobody listens: certainly nothing left."""
    with refusing() as url:
        async with Pool(url) as pool:
            with pytest.raises(NotSent, match="is it running") as caught:
                await pool.request("POST", "/orders", body=b"{}")
            assert caught.value.reason is Reason.CONNECT


async def test_a_name_that_does_not_resolve_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No address, no request."""

    async def no_name(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", no_name)
    async with Pool("http://nowhere.invalid") as pool:
        with pytest.raises(NotSent, match="not known") as caught:
            await pool.request("GET", "/")
        assert caught.value.reason is Reason.CONNECT


async def test_a_connection_that_takes_too_long_is_not_sent() -> None:
    """The connect timeout is honoured, and nothing was written."""
    with unreachable() as url:
        async with Pool(url, connect_timeout=0.03) as pool:
            with pytest.raises(NotSent, match=r"0\.03 s") as caught:
                await soon(pool.request("GET", "/"))
            assert caught.value.reason is Reason.CONNECT


async def test_a_deadline_while_connecting_is_not_sent() -> None:
    """A deadline shorter than the connect timeout ends connecting."""
    with unreachable() as url:
        async with Pool(url) as pool:
            with pytest.raises(NotSent, match="while connecting") as caught:
                await soon(pool.request("GET", "/", deadline=monotonic() + 0.03))
            assert caught.value.reason is Reason.DEADLINE


async def test_a_deadline_that_has_passed_is_not_sent(peer: Peer) -> None:
    """Nobody is bothered with a question whose answer nobody waits for."""
    async with Pool(peer.url) as pool:
        with pytest.raises(NotSent) as caught:
            await pool.request("GET", "/", deadline=monotonic() - 1)
    assert caught.value.reason is Reason.DEADLINE
    assert peer.nobody()


async def test_a_deadline_that_passes_just_before_writing_is_not_sent(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last look at the clock is right before the first octet; the connection stays good."""
    async with Pool(peer.url) as pool:
        talk = await kept_alive(pool, peer)
        times = iter([0.0, 10.0])
        monkeypatch.setattr("coterie.client.http1.pool.monotonic", lambda: next(times))
        with pytest.raises(NotSent) as caught:
            await pool.request("GET", "/", deadline=5.0)
        assert caught.value.reason is Reason.DEADLINE
        again = asyncio.create_task(pool.request("GET", "/next"))
        assert (await talk.request()).startswith(b"GET /next ")
        talk.say(OK)
        await soon(again)


async def test_closed_at_accept_is_told_by_whether_an_octet_arrived(peer: Peer) -> None:
    """The server says goodbye before it reads: 'not sent' is said only if nothing came."""
    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(pool.request("POST", "/orders", body=b"{}"))
        talk = await peer.accept()
        talk.finish()
        arrived = await talk.rest()
        with pytest.raises((NotSent, Unknown)) as caught:
            await soon(asking)
        assert isinstance(caught.value, Unknown if arrived else NotSent)


async def test_a_server_that_speaks_first_and_hangs_up_was_sent_nothing(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection closed before the request was written is 'not sent', not 'unknown'."""
    async with Pool(peer.url) as pool:
        loop = asyncio.get_running_loop()
        real: Any = loop.create_connection

        async def slow(*args: object, **kwargs: object) -> object:
            made = await real(*args, **kwargs)
            talk = await peer.accept()
            talk.say(b"220 smtp.example ready\r\n")
            talk.close()
            return made

        monkeypatch.setattr(loop, "create_connection", slow)
        with pytest.raises(NotSent):
            await soon(pool.request("GET", "/"))


@pytest.mark.parametrize("manners", ["close", "reset"])
async def test_closed_after_reading_the_request_is_unknown(peer: Peer, manners: str) -> None:
    """It may have placed the order before it died."""
    async with Pool(peer.url) as pool:
        talk, asking = await ask(pool, peer)
        getattr(talk, manners)()
        with pytest.raises(Unknown, match="may have taken effect") as caught:
            await soon(asking)
        assert caught.value.reason is Reason.CLOSED
        assert peer.nobody(), "and it is not sent again behind the caller's back"


BAD_ANSWERS: list[tuple[str, bytes, Reason]] = [
    ("half a status line", b"HTTP/1.1 20", Reason.CLOSED),
    ("half a head", b"HTTP/1.1 200 OK\r\ncontent-le", Reason.CLOSED),
    ("half a body", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", Reason.CLOSED),
    (
        "half a chunked body",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        Reason.CLOSED,
    ),
    ("only an interim answer", b"HTTP/1.1 100 Continue\r\n\r\n", Reason.CLOSED),
    ("another protocol", b"220 smtp.example ready\r\n", Reason.MALFORMED),
    ("bare line feeds", b"HTTP/1.1 200 OK\ncontent-length: 0\n\n", Reason.MALFORMED),
    ("another version", b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n", Reason.MALFORMED),
    ("a status of two digits", b"HTTP/1.1 99 Low\r\ncontent-length: 0\r\n\r\n", Reason.MALFORMED),
    (
        "an upgrade nobody asked for",
        b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        Reason.MALFORMED,
    ),
    (
        "length and chunked",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        Reason.MALFORMED,
    ),
    (
        "chunked and length",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        Reason.MALFORMED,
    ),
    (
        "two lengths",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        Reason.MALFORMED,
    ),
    ("a list of lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\n", Reason.MALFORMED),
    ("a signed length", b"HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\n", Reason.MALFORMED),
    (
        "a length of 20 digits",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
        Reason.MALFORMED,
    ),
    ("another coding", b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nx", Reason.MALFORMED),
    (
        "a coding we could not undo",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        Reason.MALFORMED,
    ),
    (
        "chunked twice",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        Reason.MALFORMED,
    ),
    (
        "chunked in HTTP/1.0",
        b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        Reason.MALFORMED,
    ),
    (
        "a chunk size that is none",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        Reason.MALFORMED,
    ),
    ("space before the colon", b"HTTP/1.1 200 OK\r\ncontent-length : 5\r\n\r\n", Reason.MALFORMED),
    ("a folded header", b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n", Reason.MALFORMED),
    ("NUL in a header", b"HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n", Reason.MALFORMED),
    ("a length too large", b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n", Reason.TOO_LARGE),
    (
        "a chunked body too large",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1f5\r\n" + b"x" * 501 + b"\r\n"
        b"1f4\r\n" + b"x" * 500 + b"\r\n",
        Reason.TOO_LARGE,
    ),
    ("an endless body", b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001, Reason.TOO_LARGE),
    ("many headers", b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 11_000, Reason.TOO_LARGE),
    ("one long header", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 65_600, Reason.TOO_LARGE),
    ("one long reason", b"HTTP/1.1 200 " + b"y" * 65_600, Reason.TOO_LARGE),
    ("many interim answers", b"HTTP/1.1 100 Continue\r\n\r\n" * 2700, Reason.TOO_LARGE),
    (
        "many trailers",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"x: y\r\n" * 11_000,
        Reason.TOO_LARGE,
    ),
    (
        "one long trailer",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: " + b"y" * 65_600,
        Reason.TOO_LARGE,
    ),
    (
        "one long chunk extension",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;" + b"y" * 65_600,
        Reason.TOO_LARGE,
    ),
]


@pytest.mark.parametrize(
    ("data", "reason"), [bad[1:] for bad in BAD_ANSWERS], ids=[bad[0] for bad in BAD_ANSWERS]
)
async def test_a_bad_answer_is_unknown_and_ends_the_connection(
    peer: Peer, data: bytes, reason: Reason
) -> None:
    """Whatever is wrong with the answer, the order may have been placed; nothing is reused."""
    async with Pool(peer.url, max_response=1000) as pool:
        talk, asking = await ask(pool, peer)
        pouring = asyncio.create_task(talk.pour(data))
        if reason is Reason.CLOSED:
            await pouring
            talk.finish()
        with pytest.raises(Unknown) as caught:
            await soon(asking)
        assert caught.value.reason is reason
        await talk.rest()
        await asyncio.gather(pouring, return_exceptions=True)
        await kept_alive(pool, peer)  # on a new connection


async def test_too_many_headers_are_refused_even_in_one_piece(peer: Peer) -> None:
    """A whole answer that arrived in one read of the socket is held to the same limit."""
    async with Pool(peer.url) as pool:
        _, asking = await ask(pool, peer)
        head = b"HTTP/1.1 204 No Content\r\n" + b"x: y\r\n" * 11_000 + b"\r\n"
        next(iter(pool._open)).data_received(head)
        with pytest.raises(Unknown, match="octets of headers"):
            await soon(asking)


async def test_an_upgrade_nobody_asked_for_is_named(peer: Peer) -> None:
    """The message says what was wrong, not only that something was."""
    async with Pool(peer.url) as pool:
        talk, asking = await ask(pool, peer)
        talk.say(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")
        with pytest.raises(Unknown, match="no upgrade was asked for"):
            await soon(asking)


async def test_the_limits_let_pass_what_is_just_inside(peer: Peer) -> None:
    """Control: 60 KiB of headers and a body of exactly the limit are fine."""
    async with Pool(peer.url, max_response=1000) as pool:
        talk, asking = await ask(pool, peer)
        await talk.pour(
            b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n"
            + b"x: y\r\n" * 7_000
            + b"\r\n"
            + b"b" * 1000
        )
        assert len((await soon(asking)).body) == 1000


async def test_no_answer_by_the_deadline_is_unknown(peer: Peer) -> None:
    """A deadline ends the wait in time, and the socket with it."""
    async with Pool(peer.url) as pool:
        begin = monotonic()
        asking = asyncio.create_task(pool.request("GET", "/", deadline=begin + 0.05))
        talk = await peer.accept()
        await talk.request()
        with pytest.raises(Unknown, match="deadline") as caught:
            await soon(asking)
        assert caught.value.reason is Reason.DEADLINE
        assert 0.045 <= monotonic() - begin < 0.15
        assert await talk.rest() == b""


async def test_a_deadline_ends_with_its_own_request(peer: Peer) -> None:
    """The next request on the same connection is not ended by the time of the one before."""
    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(pool.request("GET", "/", deadline=monotonic() + 0.03))
        talk = await peer.accept()
        await talk.request()
        talk.say(OK)
        await soon(asking)
        second = asyncio.create_task(pool.request("GET", "/second"))
        await talk.request()
        _, waiting = await asyncio.wait([second], timeout=0.06)
        assert waiting
        talk.say(OK)
        await soon(second)


async def test_half_an_answer_by_the_deadline_is_unknown(peer: Peer) -> None:
    """A server that drips does not stretch the deadline."""
    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(pool.request("GET", "/", deadline=monotonic() + 0.05))
        talk = await peer.accept()
        await talk.request()
        for octet in OK[:-1]:
            talk.say(bytes([octet]))
            await asyncio.sleep(0)
        with pytest.raises(Unknown) as caught:
            await soon(asking)
        assert caught.value.reason is Reason.DEADLINE


async def test_without_a_deadline_it_waits(peer: Peer) -> None:
    """Control: it was the deadline that ended the wait."""
    async with Pool(peer.url) as pool:
        talk, asking = await ask(pool, peer)
        _, waiting = await asyncio.wait([asking], timeout=0.1)
        assert waiting
        talk.say(OK)
        await soon(asking)


async def test_a_connection_closed_while_idle_costs_nothing(peer: Peer) -> None:
    """The close is noticed before writing: the next request goes out on a new connection."""
    async with Pool(peer.url) as pool:
        talk = await kept_alive(pool, peer)
        talk.close()
        await kept_alive(pool, peer)
        assert len(peer.accepted) == 2


async def test_a_close_the_loop_has_not_seen_yet_is_noticed_too(peer: Peer) -> None:
    """The kernel is asked right before writing, so even a busy loop writes to no dead socket."""
    async with Pool(peer.url) as pool:
        talk = await kept_alive(pool, peer)
        talk.close()
        asking = pool.request("POST", "/orders", body=b"{}")
        second = asyncio.create_task(peer.accept())
        answered = asyncio.create_task(asking)
        talk = await soon(second)
        assert (await talk.request()).endswith(b"{}")
        talk.say(OK)
        await soon(answered)


async def test_control_without_asking_the_kernel_the_outcome_is_unknown(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: asking only whether the transport is closing, the request is written and lost."""
    monkeypatch.setattr(Connection, "fresh", lambda connection: not connection.closed)
    async with Pool(peer.url) as pool:
        talk = await kept_alive(pool, peer)
        talk.close()
        with pytest.raises(Unknown):
            await soon(pool.request("POST", "/orders", body=b"{}"))


async def test_closed_in_the_race_after_writing_is_unknown(peer: Peer) -> None:
    """The request was on its way when the server gave the idle connection up."""
    async with Pool(peer.url) as pool:
        talk = await kept_alive(pool, peer)
        asking = asyncio.create_task(pool.request("POST", "/orders", body=b"{}"))
        await until(talk.waiting)
        talk.close()
        with pytest.raises(Unknown) as caught:
            await soon(asking)
        assert caught.value.reason is Reason.CLOSED
        assert peer.nobody()


async def test_a_pool_that_stops_tells_who_was_sent(peer: Peer) -> None:
    """In flight: unknown. In line: not sent. Afterwards: not sent. And every socket is closed."""
    pool = Pool(peer.url, connections=1)
    await pool.start()
    talk, asking = await ask(pool, peer)
    waiting = asyncio.create_task(pool.request("GET", "/"))
    await asyncio.sleep(0)
    await soon(pool.stop())
    with pytest.raises(Unknown) as unknown:
        await asking
    with pytest.raises(NotSent) as not_sent:
        await waiting
    assert unknown.value.reason is not_sent.value.reason is Reason.STOPPED
    with pytest.raises(NotSent):
        await pool.request("GET", "/")
    assert await talk.rest() == b""


async def test_a_pool_that_stops_gives_up_connecting() -> None:
    """Stopping does not wait for a connection that does not come."""
    with unreachable() as url:
        pool = Pool(url)
        await pool.start()
        asking = asyncio.create_task(pool.request("GET", "/"))
        await asyncio.sleep(0)
        await soon(pool.stop(), 0.5)
        with pytest.raises(NotSent) as caught:
            await asking
        assert caught.value.reason is Reason.STOPPED


async def test_a_connection_made_while_stopping_is_closed(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in the very turn the connection came: nothing is sent on it."""
    real = connect
    pool = Pool(peer.url)
    await pool.start()

    async def late(*args: Any) -> Connection:
        connection = await real(*args)
        pool._stopped = True
        return connection

    monkeypatch.setattr(pool_module, "connect", late)
    with pytest.raises(NotSent) as caught:
        await soon(pool.request("GET", "/"))
    assert caught.value.reason is Reason.STOPPED
    assert await (await peer.accept()).rest() == b""
    await soon(pool.stop())


async def test_a_pool_stopped_while_idle_can_start_again(peer: Peer) -> None:
    """Stop closes what idles and returns when it is closed; start takes requests again."""
    pool = Pool(peer.url)
    for _ in range(2):
        async with pool:
            talk = await kept_alive(pool, peer)
        assert await talk.rest() == b""


@pytest.mark.parametrize("kind", [NotSent, Unknown])
def test_the_errors_travel_between_processes(kind: type[NotSent | Unknown]) -> None:
    """They pickle with their reason, and read as their message."""
    error = pickle.loads(pickle.dumps(kind("no answer", Reason.DEADLINE)))  # noqa: S301  our own
    assert (type(error), str(error), error.reason) == (kind, "no answer", Reason.DEADLINE)
