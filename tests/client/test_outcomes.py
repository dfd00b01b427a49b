"""Not sent, answered, or unknown: what a caller may believe after a call that failed.

The other end is a socket that does as it is told. Only what certainly never left may be sent
again whatever it does; so that is what each test asks for.
"""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

import pytest

from coterie.call import Failure, Sent, calling
from coterie.client import Http, connect, proxy
from coterie.client.http1.connection import Connection
from coterie.contract import Code
from tests.client.asking import JSON, asked, failed
from tests.client.http1.peer import (
    Peer,
    answer,
    refusing,
    soon,
    unreachable,
)
from tests.client.kit import Desk


async def test_nobody_listens() -> None:
    """A refused connection carried nothing."""
    with refusing() as url:
        async with connect(Desk, url) as desk:
            with pytest.raises(Failure, match=r"desk\.nothing: .*it was not sent") as caught:
                await desk.nothing()
    assert (caught.value.code, caught.value.sent) == (Code.UNAVAILABLE, Sent.NOT_SENT)
    assert caught.value.retryable


async def test_nobody_answers_the_door() -> None:
    """A connection that is not made in time carried nothing either."""
    with unreachable() as url:
        async with connect(Desk, url) as desk:
            with calling(timeout=0.05), pytest.raises(Failure) as caught:
                await desk.nothing()
    assert (caught.value.code, caught.value.sent) == (Code.DEADLINE_EXCEEDED, Sent.NOT_SENT)


async def test_the_deadline_had_passed(peer: Peer) -> None:
    """Nothing is asked whose answer nobody waits for."""
    async with connect(Desk, peer.url, retrying=None) as desk:
        with calling(timeout=-1), pytest.raises(Failure) as caught:
            await desk.nothing()
    assert (caught.value.code, caught.value.sent) == (Code.DEADLINE_EXCEEDED, Sent.NOT_SENT)
    assert peer.nobody()


async def test_every_connection_is_busy(peer: Peer) -> None:
    """Who waited in line for one, and no longer, sent nothing."""
    async with connect(Desk, peer.url, connections=1, retrying=None) as desk:
        first = asyncio.create_task(desk.nothing())
        talk = await peer.accept()
        await talk.request()
        with calling(timeout=0.05), pytest.raises(Failure) as caught:
            await desk.nothing()
        assert (caught.value.code, caught.value.sent) == (Code.DEADLINE_EXCEEDED, Sent.NOT_SENT)
        assert talk.waiting() == 0
        first.cancel()


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_the_connection_ends_before_the_answer(peer: Peer, how: str) -> None:
    """Politely or not: what was sent may have been done."""
    async with asked(peer) as (talk, asking):
        getattr(talk, how)()
        failure = await failed(asking)
    assert (failure.code, failure.sent) == (Code.UNAVAILABLE, Sent.UNKNOWN)
    assert "desk.nothing" in failure.message
    assert "its outcome is unknown" in failure.message


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", Code.UNAVAILABLE),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nha", Code.UNAVAILABLE),
        (b"HTTP/1.1 2", Code.UNAVAILABLE),
        (b"HTTP/1.1 100 Continue\r\n\r\n", Code.UNAVAILABLE),
        (b"220 smtp.example ready\r\n", Code.UNKNOWN),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", Code.UNKNOWN),
    ],
    ids=["half a body", "half a chunk", "half a line", "interim only", "not http", "two lengths"],
)
async def test_the_answer_is_none(peer: Peer, said: bytes, code: Code) -> None:
    """Half an answer, or something else: unknown, never a result."""
    async with asked(peer, "add", a=1) as (talk, asking):
        talk.say(said)
        talk.close()
        failure = await failed(asking)
    assert (failure.code, failure.sent) == (code, Sent.UNKNOWN)


async def test_a_failed_call_is_never_sent_again(peer: Peer) -> None:
    """Neither by the transport, nor when its connection was an old one."""
    async with connect(Desk, peer.url, retrying=None) as desk:
        first = asyncio.create_task(desk.add(1))
        talk = await peer.accept()
        await talk.request()
        talk.say(answer(b"3", JSON))
        assert await soon(first) == 3
        second = asyncio.create_task(desk.nothing())
        await talk.request()
        talk.reset()
        assert (await failed(second)).sent is Sent.UNKNOWN
        assert peer.nobody()


async def test_the_deadline_passes_while_waiting(peer: Peer) -> None:
    """The server has the request; the caller goes, and closes the connection."""
    async with connect(Desk, peer.url, retrying=None) as desk:
        began = monotonic()
        with calling(timeout=0.05):
            asking = asyncio.create_task(desk.nothing())
            talk = await peer.accept()
            await talk.request()
            failure = await failed(asking)
        assert (failure.code, failure.sent) == (Code.DEADLINE_EXCEEDED, Sent.UNKNOWN)
        assert monotonic() - began < 0.15
        assert await talk.rest() == b""


async def test_what_is_left_of_the_deadline_is_told(peer: Peer) -> None:
    """So that the server stops in time too."""
    async with connect(Desk, peer.url, retrying=None) as desk:
        with calling(timeout=5):
            asking = asyncio.create_task(desk.nothing())
            talk = await peer.accept()
            head = await talk.request()
        asking.cancel()
    left = int(head.split(b"coterie-timeout-ms: ")[1].split(b"\r\n")[0])
    assert 4000 < left <= 5000


async def test_cancelling_closes_the_socket_within_100_ms(peer: Peer) -> None:
    """The server hears of it at once, and can stop working on what nobody wants."""
    async with asked(peer) as (talk, asking):
        began = monotonic()
        asking.cancel()
        assert await talk.rest() == b""
        assert monotonic() - began < 0.1
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_control_without_the_close_the_server_hears_nothing(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: it is the closing that the server notices."""
    monkeypatch.setattr(Connection, "cancel", lambda connection, answer: None)
    async with asked(peer) as (talk, asking):
        asking.cancel()
        with pytest.raises(TimeoutError):
            await soon(talk.rest(), 0.1)


async def test_cancelling_in_line_sends_nothing(peer: Peer) -> None:
    """Who gave up before it was their turn leaves no trace at the server."""
    async with connect(Desk, peer.url, connections=1, retrying=None) as desk:
        first = asyncio.create_task(desk.add(1))
        talk = await peer.accept()
        await talk.request()
        second = asyncio.create_task(desk.nothing())
        await asyncio.sleep(0)
        second.cancel()
        talk.say(answer(b"3", JSON))
        assert await soon(first) == 3
        third = asyncio.create_task(desk.add(2))
        assert (await talk.request()).startswith(b"GET /add/2?b=2")
        third.cancel()


async def test_stopping_the_client_tells_who_waits(peer: Peer) -> None:
    """Answered by now or not: nobody hangs."""
    http = Http(peer.url)
    await http.start()
    asking = asyncio.create_task(proxy(Desk, http.handle).nothing())
    await (await peer.accept()).request()
    await http.stop()
    failure = await failed(asking)
    assert (failure.code, failure.sent) == (Code.CANCELLED, Sent.UNKNOWN)
    with pytest.raises(Failure) as caught:
        await proxy(Desk, http.handle).nothing()
    assert caught.value.sent is Sent.NOT_SENT


async def test_a_body_that_its_maker_breaks_off_is_raised_as_it_is(peer: Peer) -> None:
    """The caller's own error is the caller's; the server never sees a whole body."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise LookupError("no more")

    async with connect(Desk, peer.url, retrying=None) as desk:
        asking = asyncio.create_task(desk.count(broken()))
        talk = await peer.accept()
        with pytest.raises(LookupError, match="no more"):
            await soon(asking)
        assert b"0\r\n\r\n" not in await talk.rest()
