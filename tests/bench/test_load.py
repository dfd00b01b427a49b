"""The load generator counts right answers, and nothing else."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bench.load import Exchange, Load
from bench.orders import post

ORDER = Exchange(post("/orders", {"quantity": 2}), {"total": 7, "items": [1, 2]})
RIGHT = b'{"total":7,"items":[1,2]}'

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(answer: Answer) -> AsyncGenerator[int, None]:
    """A server that reads whole requests and lets `answer` write; gives its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                assert json.loads(await reader.readexactly(length)) == {"quantity": 2}
                await answer(writer)
                if writer.is_closing():
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def writing(*pieces: bytes, close: bool = False) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if close:
            writer.close()

    return answer


def reply(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def test_right_answers_are_counted_however_they_are_spelt_or_cut() -> None:
    """Order of members, spaces, and the cuts of the network are no part of an answer."""
    whole = reply(b'{ "items": [1, 2], "total": 7 }')
    async with answering(writing(whole[:9], whole[9:40], whole[40:])) as port:
        done = await Load(port, [ORDER], connections=4).run(0.1)
    assert done.errors == {}
    assert 0 < done.count <= done.total <= done.count + 4
    assert 0 < done.p50 <= done.p99


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (writing(reply(b"{}", "500 Internal Server Error")), "status 500"),
        (writing(reply(b'{"total":7.0,"items":[1,2]}')), "wrong answer"),
        pytest.param(writing(reply(b'{"items":[2,1],"total":7}')), "wrong answer", id="order"),
        (writing(reply(b"{total}")), "answer is not JSON"),
        (writing(b"HTTP/1.1 200 OK\r\n\r\n"), "answer without Content-Length"),
        (writing(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), "malformed Content-Length"),
        (writing(reply(RIGHT) + b"more"), "more bytes than asked for"),
        (writing(reply(RIGHT)[:-1], close=True), "closed before the answer"),
    ],
)
async def test_every_other_answer_is_an_error_of_its_kind(answer: Answer, error: str) -> None:
    """A wrong status, a wrong value, a cut or endless answer never counts as an answer."""
    async with answering(answer) as port:
        done = await Load(port, [ORDER], connections=2).run(0.05)
    assert set(done.errors) == {error}
    assert (done.count, done.total) == (0, 0)


async def test_an_answer_that_never_comes_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent server ends the round with errors, not with a hang."""
    monkeypatch.setattr("bench.load.PATIENCE", 0.05)
    async with answering(writing()) as port:
        done = await asyncio.wait_for(Load(port, [ORDER], connections=3).run(0.05), 5)
    assert done.errors == {"no answer": 3}


async def test_a_server_that_closes_after_each_answer_is_asked_again() -> None:
    """`Connection: close` costs a new connection, and is no error."""
    answer = writing(reply(RIGHT, "200 OK", "Connection: close"), close=True)
    async with answering(answer) as port:
        done = await Load(port, [ORDER], connections=2).run(0.1)
    assert done.errors == {}
    assert done.total > 2
