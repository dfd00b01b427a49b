"""Streamed answers: read as they arrive, as fast as they are read, and never left behind."""

import asyncio
import contextlib
from time import monotonic

import pytest

from coterie.client.http1 import Pool, Reason, StreamedResponse, Unknown
from coterie.client.http1.connection import Connection
from coterie.client.http1.response import Inbox
from tests.client.http1.peer import OK, Peer, Talk, answer, kept_alive, soon

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 9\r\n\r\n"


async def stream(
    pool: Pool, peer: Peer, said: bytes, deadline: float | None = None
) -> tuple[Talk, StreamedResponse]:
    """A streamed answer that has begun."""
    asking = asyncio.create_task(pool.request("GET", "/", stream=True, deadline=deadline))
    talk = await peer.accept()
    await talk.request()
    talk.say(said)
    return talk, await soon(asking)


async def test_the_answer_comes_with_its_headers(peer: Peer) -> None:
    """The body follows, chunk by chunk; read to the end, the connection is kept."""
    async with Pool(peer.url) as pool:
        talk, response = await stream(pool, peer, HEAD)
        assert (response.status, response.headers[0]) == (200, ("x-a", "b"))
        for part in (b"one", b"two", b"six"):
            talk.say(part)
            assert await soon(anext(response.body)) == part
        assert [chunk async for chunk in response.body] == []
        again = asyncio.create_task(pool.request("GET", "/again"))
        await talk.request()
        talk.say(OK)
        await soon(again)


@pytest.mark.parametrize(
    ("said", "closes", "body"),
    [
        (answer(b"all at once"), False, b"all at once"),
        (answer(b""), False, b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", False, b""),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer(b"later"), False, b"later"),
        (CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", False, b"abcde"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil close", True, b"until close"),
    ],
)
async def test_any_framing_can_be_streamed(
    peer: Peer, said: bytes, closes: bool, body: bytes
) -> None:
    """With and without a body, in one segment or many."""
    async with Pool(peer.url) as pool:
        talk, response = await stream(pool, peer, said)
        if closes:
            talk.finish()
        assert b"".join([chunk async for chunk in response.body]) == body


async def test_a_whole_answer_frees_its_connection_before_it_is_read(peer: Peer) -> None:
    """What is in memory needs no socket, and reading it later still works."""
    async with Pool(peer.url, connections=1) as pool:
        talk, response = await stream(pool, peer, answer(b"first"))
        second = asyncio.create_task(pool.request("GET", "/second"))
        await talk.request()
        talk.say(answer(b"second"))
        assert (await soon(second)).body == b"second"
        async with response:
            assert [chunk async for chunk in response.body] == [b"first"]


async def test_a_slow_reader_slows_the_sender(peer: Peer) -> None:
    """Back-pressure: the server gets stuck until we read; memory stays bounded; all arrives."""
    size = 32 * 1024 * 1024
    async with Pool(peer.url, max_response=1000) as pool:
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size
        talk, response = await stream(pool, peer, head)
        pouring = asyncio.create_task(talk.pour(bytes(size)))
        _, stuck = await asyncio.wait([pouring], timeout=0.1)
        assert stuck
        assert response.body._inbox._size < 1024 * 1024
        total = 0
        async for chunk in response.body:
            total += len(chunk)
        assert total == size
        await soon(pouring)
        assert len(pool._idle) == 1


async def test_control_without_pausing_everything_is_swallowed(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: were an inbox never full, the whole body would be in memory unread."""
    monkeypatch.setattr(Inbox, "full", False)
    size = 32 * 1024 * 1024
    async with Pool(peer.url) as pool:
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size
        talk, response = await stream(pool, peer, head)
        await soon(talk.pour(bytes(size)))
        await response.body.aclose()


@pytest.mark.parametrize("how", ["async with", "aclosing", "close"])
async def test_closing_early_closes_the_connection(peer: Peer, how: str) -> None:
    """The rest is never read by anybody else, and the server learns at once."""
    async with Pool(peer.url) as pool:
        talk, response = await stream(pool, peer, HEAD + b"some")
        if how == "async with":
            async with response:
                assert await anext(response.body) == b"some"
        elif how == "aclosing":
            async with contextlib.aclosing(response.body):
                pass
        else:
            response.body.close()
            response.body.close()
        assert await talk.rest() == b""
        assert [chunk async for chunk in response.body] == []
        await kept_alive(pool, peer)


async def test_control_a_connection_with_an_unread_body_poisons_the_next_request(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: given back half read, it answers the next request with the rest."""

    def keep(connection: Connection, inbox: Inbox) -> None:
        connection._settle()
        connection.on_free(connection)

    monkeypatch.setattr(Connection, "abandon", keep)
    async with Pool(peer.url) as pool:
        talk, response = await stream(pool, peer, HEAD)
        response.body.close()
        asking = asyncio.create_task(pool.request("GET", "/next"))
        await talk.request()
        talk.say(b"nine left")
        assert (await soon(asking)).body == b"nine left"


async def test_a_dropped_stream_gives_its_connection_back(peer: Peer) -> None:
    """Forgetting to close warns and closes, instead of using up the pool."""
    async with Pool(peer.url, connections=1) as pool:
        talk, response = await stream(pool, peer, HEAD)
        del response
        with pytest.warns(ResourceWarning, match="async with response"):
            await asyncio.sleep(0)  # until this turn of the loop ends, the loop holds it too
        assert await talk.rest() == b""
        await kept_alive(pool, peer)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", Reason.CLOSED),
        (CHUNKED + b"4\r\nhalf\r\n", Reason.CLOSED),
        (CHUNKED + b"4\r\nhalf\r\n", Reason.MALFORMED),
    ],
)
async def test_a_body_that_breaks_off_is_no_whole_body(
    peer: Peer, said: bytes, reason: Reason
) -> None:
    """What arrived is read first; then the reader learns that the rest will not come."""
    async with Pool(peer.url) as pool:
        talk, response = await stream(pool, peer, said)
        if reason is Reason.CLOSED:
            talk.finish()
        else:
            talk.say(b"xyz\r\n")
        assert await soon(anext(response.body)) == b"half"
        for _ in range(2):
            with pytest.raises(Unknown) as caught:
                await soon(anext(response.body))
            assert caught.value.reason is reason
        assert await talk.rest() == b""


async def test_the_deadline_covers_the_body(peer: Peer) -> None:
    """A server that drips ends with the deadline."""
    async with Pool(peer.url) as pool:
        talk, response = await stream(pool, peer, HEAD + b"drip", deadline=monotonic() + 0.05)
        assert await soon(anext(response.body)) == b"drip"
        with pytest.raises(Unknown) as caught:
            await soon(anext(response.body))
        assert caught.value.reason is Reason.DEADLINE
        assert await talk.rest() == b""


async def test_one_reader_at_a_time(peer: Peer) -> None:
    """Two readers would each get half."""
    async with Pool(peer.url) as pool:
        _, response = await stream(pool, peer, HEAD)
        async with response:
            first = asyncio.ensure_future(anext(response.body))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="one reader"):
                await anext(response.body)
            first.cancel()


async def test_question_and_answer_can_stream_at_once(peer: Peer) -> None:
    """The answer begins while the request is still being written."""
    questions: asyncio.Queue[bytes] = asyncio.Queue()

    class Questions:
        def __aiter__(self) -> "Questions":
            return self

        async def __anext__(self) -> bytes:
            if (question := await questions.get()) == b"":
                raise StopAsyncIteration
            return question

    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(pool.request("POST", "/", body=Questions(), stream=True))
        talk = await peer.accept()
        await talk.through(b"\r\n\r\n")
        talk.say(CHUNKED)
        response = await soon(asking)
        for part in (b"one", b"two"):
            questions.put_nowait(part)
            assert await talk.through(part + b"\r\n") == b"3\r\n" + part + b"\r\n"
            talk.say(b"3\r\n" + part + b"\r\n")
            assert await soon(anext(response.body)) == part
        questions.put_nowait(b"")
        await talk.through(b"0\r\n\r\n")
        talk.say(b"0\r\n\r\n")
        assert [chunk async for chunk in response.body] == []
        assert len(pool._idle) == 1
