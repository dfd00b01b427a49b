"""Giving up: the socket is closed at once, and never used again."""

import asyncio
from time import monotonic

import pytest

from coterie.client.http1 import Pool, StreamedResponse
from coterie.client.http1.connection import Answer, Connection
from tests.client.http1.peer import OK, Peer, answer, ask, kept_alive, soon


async def test_cancelling_closes_the_socket_within_100_ms(peer: Peer) -> None:
    """The server sees the end at once, so it can stop working on what nobody wants."""
    async with Pool(peer.url) as pool:
        talk, asking = await ask(pool, peer)
        begin = monotonic()
        asking.cancel()
        assert await talk.rest() == b""
        assert monotonic() - begin < 0.1
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_control_without_the_close_the_server_hears_nothing(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: it is `Connection.cancel` that the server sees."""
    monkeypatch.setattr(Connection, "cancel", lambda connection, answer: None)
    async with Pool(peer.url) as pool:
        talk, asking = await ask(pool, peer)
        asking.cancel()
        with pytest.raises(TimeoutError):
            await soon(talk.rest(), 0.1)


async def test_a_timeout_of_the_callers_closes_it_too(peer: Peer) -> None:
    """`asyncio.timeout` cancels, so it is honoured like a cancellation."""
    async with Pool(peer.url) as pool:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await pool.request("GET", "/")
        talk = await peer.accept()
        assert (await talk.rest()).startswith(b"GET / ")


async def test_the_connection_of_a_cancelled_request_is_not_used_again(peer: Peer) -> None:
    """A late answer has no connection to arrive on."""
    async with Pool(peer.url) as pool:
        _, asking = await ask(pool, peer)
        asking.cancel()
        await kept_alive(pool, peer)
        assert len(peer.accepted) == 2


async def test_control_a_connection_used_again_gives_the_old_answer(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: keep the connection after a cancellation, and the next caller gets the old answer."""

    def keep(connection: Connection, answer: Answer) -> None:
        connection._settle()
        connection.on_free(connection)

    monkeypatch.setattr(Connection, "cancel", keep)
    async with Pool(peer.url) as pool:
        talk, asking = await ask(pool, peer)
        asking.cancel()
        await asyncio.wait([asking])
        second = asyncio.create_task(pool.request("GET", "/second"))
        assert (await talk.request()).startswith(b"GET /second ")
        talk.say(answer(b"of the first"))
        assert (await soon(second)).body == b"of the first"


async def test_cancelled_in_the_turn_its_answer_arrived_harms_nobody(peer: Peer) -> None:
    """The answer is there and its connection serves another when the cancellation is seen."""
    async with Pool(peer.url, connections=1) as pool:
        talk, first = await ask(pool, peer)
        second = asyncio.create_task(pool.request("GET", "/second"))
        await asyncio.sleep(0)
        connection = next(iter(pool._open))
        connection.data_received(OK)  # answers the first, frees the connection for the second
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await talk.request()).startswith(b"GET /second ")
        talk.say(answer(b"second"))
        assert (await soon(second)).body == b"second"


async def test_answered_in_the_turn_it_was_cancelled_is_not_used_again(peer: Peer) -> None:
    """The cancellation came first: what arrives before it is handled changes nothing."""
    async with Pool(peer.url) as pool:
        talk, asking = await ask(pool, peer)
        connection = next(iter(pool._open))
        asking.cancel()
        connection.data_received(OK)
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await talk.rest() == b""


async def test_closed_in_the_turn_it_was_cancelled_is_quiet(peer: Peer) -> None:
    """An answer that ends with its connection comes too late for a caller who gave up."""
    async with Pool(peer.url) as pool:
        _, asking = await ask(pool, peer)
        connection = next(iter(pool._open))
        connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nuntil close")
        asking.cancel()
        connection.eof_received()
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_a_stream_cancelled_in_the_turn_it_began_is_closed(peer: Peer) -> None:
    """A streamed answer that its caller never saw does not keep its connection."""
    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(pool.request("GET", "/", stream=True))
        talk = await peer.accept()
        await talk.request()
        next(iter(pool._open)).data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n")
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await talk.rest() == b""


async def test_cancelling_the_reader_of_a_stream_closes_it(peer: Peer) -> None:
    """While waiting for the next chunk, too."""
    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(pool.request("GET", "/", stream=True))
        talk = await peer.accept()
        await talk.request()
        talk.say(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nsome")
        response: StreamedResponse = await soon(asking)
        assert await soon(anext(response.body)) == b"some"
        reading = asyncio.create_task(anext(response.body))
        await asyncio.sleep(0)
        reading.cancel()
        assert await talk.rest() == b""
        with pytest.raises(asyncio.CancelledError):
            await reading


async def test_cancelling_while_connecting_leaves_nothing_behind(peer: Peer) -> None:
    """The slot comes back at whatever turn of the loop the cancellation hits."""
    async with Pool(peer.url, connections=1) as pool:
        for turns in range(12):
            asking = asyncio.create_task(pool.request("GET", "/"))
            for _ in range(turns):
                await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        fine = asyncio.create_task(pool.request("GET", "/fine"))
        while True:
            talk = await peer.accept()
            try:
                if (await talk.request()).startswith(b"GET /fine "):
                    break
            except (EOFError, ConnectionError):
                continue
        talk.say(OK)
        assert (await soon(fine)).status == 200
        assert pool._slots == 1
