"""Not sent, answered, or unknown: what a caller may believe after a call that failed.

The other end is a socket that does as it is told. Only what certainly never left may be sent
again whatever it does; so that is what each test asks for.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest

from coterie.call import Failure, Sent, calling
from coterie.client import Http, connect, proxy
from coterie.client.http1.connection import Connection
from coterie.contract import Code
from tests.client.http1.peer import (
    Peer,
    Talk,
    answer,
    listening,
    refusing,
    soon,
    unreachable,
    until,
)
from tests.client.kit import Desk, Plain

JSON = b"content-type: application/json"
PROBLEM = b"content-type: application/problem+json"


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A server that does as the test says."""
    with listening() as peer:
        yield peer


@asynccontextmanager
async def asked(
    peer: Peer, operation: str = "nothing", **arguments: Any
) -> AsyncGenerator[tuple[Talk, "asyncio.Task[Any]"]]:
    """A call that has reached the server whole."""
    async with connect(Desk, peer.url) as desk:
        asking: asyncio.Task[Any] = asyncio.create_task(getattr(desk, operation)(**arguments))
        talk = await peer.accept()
        await talk.request()
        yield talk, asking
        asking.cancel()


async def failed(asking: "asyncio.Task[Any]") -> Failure:
    with pytest.raises(Failure) as caught:
        await soon(asking)
    return caught.value


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
    async with connect(Desk, peer.url) as desk:
        with calling(timeout=-1), pytest.raises(Failure) as caught:
            await desk.nothing()
    assert (caught.value.code, caught.value.sent) == (Code.DEADLINE_EXCEEDED, Sent.NOT_SENT)
    assert peer.nobody()


async def test_every_connection_is_busy(peer: Peer) -> None:
    """Who waited in line for one, and no longer, sent nothing."""
    async with connect(Desk, peer.url, connections=1) as desk:
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
    async with connect(Desk, peer.url) as desk:
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
    async with connect(Desk, peer.url) as desk:
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
    async with connect(Desk, peer.url) as desk:
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
    async with connect(Desk, peer.url, connections=1) as desk:
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

    async with connect(Desk, peer.url) as desk:
        asking = asyncio.create_task(desk.count(broken()))
        talk = await peer.accept()
        with pytest.raises(LookupError, match="no more"):
            await soon(asking)
        assert b"0\r\n\r\n" not in await talk.rest()


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (b"400 Bad Request", Code.INVALID_ARGUMENT),
        (b"401 Unauthorized", Code.UNAUTHENTICATED),
        (b"404 Not Found", Code.NOT_FOUND),
        (b"418 Teapot", Code.UNKNOWN),
        (b"429 Too Many", Code.RESOURCE_EXHAUSTED),
        (b"500 Oops", Code.INTERNAL),
        (b"502 Bad Gateway", Code.UNAVAILABLE),
        (b"503 Busy", Code.UNAVAILABLE),
        (b"504 Late", Code.DEADLINE_EXCEEDED),
        (b"599 What", Code.INTERNAL),
        (b"301 Moved", Code.UNKNOWN),
    ],
)
async def test_a_foreign_error_is_an_answer(peer: Peer, status: bytes, code: Code) -> None:
    """A page of a balancer in between: its status has a code, and the other side said no."""
    async with asked(peer) as (talk, asking):
        talk.say(answer(b"<h1>No</h1>", b"content-type: text/html", status=status))
        failure = await failed(asking)
    assert (failure.code, failure.sent) == (code, Sent.ANSWERED)
    assert failure.status == int(status[:3])
    assert "desk.nothing" in failure.message


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "desk.fails answered 404"),
        (b"[]", "desk.fails answered 404"),
        (b"{", "desk.fails answered 404"),
        (b'{"type": 5, "code": "nonsense", "detail": []}', "desk.fails answered 404"),
        (b'{"type": "urn:coterie:refused", "detail": "No"}', "a Refused that does not fit"),
        (b'{"type": "urn:coterie:newer", "detail": "Full"}', "Full (desk.fails raised the fault"),
        (b'{"errors": [{"detail": 1}], "detail": "No"}', "No"),
        (b"[" * 100_000, "desk.fails answered 404"),
    ],
)
async def test_a_problem_that_is_none_is_a_failure(peer: Peer, body: bytes, said: str) -> None:
    """Malformed, of a fault unknown here, or lying: told as well as can be, never a crash."""
    async with asked(peer, "fails", how="x") as (talk, asking):
        await talk.pour(answer(body, PROBLEM, status=b"404 Not Found"))
        failure = await failed(asking)
    assert said in failure.message
    assert (failure.status, failure.sent) == (404, Sent.ANSWERED)


async def test_control_a_problem_that_fits_is_the_fault(peer: Peer) -> None:
    """Control: by its type alone, from any server."""
    async with asked(peer, "fails", how="x") as (talk, asking):
        talk.say(answer(b'{"type": "urn:coterie:plain"}', PROBLEM, status=b"404 Not Found"))
        with pytest.raises(Plain):
            await soon(asking)


@pytest.mark.parametrize("body", [b"", b"{", b'"three"', b"null", b"\xff"])
async def test_a_result_that_is_none_is_a_failure(peer: Peer, body: bytes) -> None:
    """200 with something else than promised: answered, in words not understood."""
    async with asked(peer, "add", a=1) as (talk, asking):
        talk.say(answer(body, JSON))
        failure = await failed(asking)
    assert (failure.code, failure.sent) == (Code.UNKNOWN, Sent.ANSWERED)
    assert "desk.add answered what its contract does not promise" in failure.message


async def test_repeated_headers_of_an_answer_count_once(peer: Peer) -> None:
    """The last one does, for what the client reads."""
    async with asked(peer, "made") as (talk, asking):
        said = answer(b'{"id": 1}', JSON, b"Location: /a", b"location: /b", status=b"201 Made")
        talk.say(said)
        assert (await soon(asking)).location == "/b"


# --- streams -------------------------------------------------------------------------------------

CHUNKED = b"HTTP/1.1 %b\r\ntransfer-encoding: chunked\r\n%b\r\n\r\n"


async def test_a_streamed_answer_that_is_an_error_is_raised_by_the_call(peer: Peer) -> None:
    """As the fault it tells, though it arrives in parts."""
    async with asked(peer, "stream") as (talk, asking):
        talk.say(CHUNKED % (b"404 Not Found", PROBLEM))
        for part in (b'{"type": "urn:co', b'terie:plain"}'):
            talk.say(b"%x\r\n%b\r\n" % (len(part), part))
        talk.say(b"0\r\n\r\n")
        with pytest.raises(Plain):
            await soon(asking)


async def test_an_error_without_end_is_cut(peer: Peer) -> None:
    """It is a message, not a download: what is read of it is bounded, and the socket closed."""
    async with asked(peer, "stream") as (talk, asking):
        talk.say(CHUNKED % (b"500 Oops", b"content-type: text/plain"))
        part = b"10000\r\n" + bytes(65536) + b"\r\n"
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            await talk.pour(part * 1000)
        failure = await failed(asking)
    assert (failure.code, failure.sent) == (Code.INTERNAL, Sent.ANSWERED)


async def test_a_streamed_answer_that_leads_elsewhere_is_no_stream(peer: Peer) -> None:
    """Redirects are not followed, and their page is no result."""
    async with asked(peer, "stream") as (talk, asking):
        talk.say(answer(b"elsewhere", b"location: /x", status=b"302 Found"))
        failure = await failed(asking)
    assert "answered 302, which its contract does not promise" in failure.message


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_stream_that_breaks_off_says_so(peer: Peer, how: str) -> None:
    """The reader gets what arrived, and then a failure; never a quiet end."""
    async with asked(peer, "stream") as (talk, asking):
        talk.say(CHUNKED % (b"200 OK", b"x: y") + b"3\r\none\r\n")
        stream = await soon(asking)
        assert await soon(anext(stream)) == b"one"
        getattr(talk, how)()
        with pytest.raises(Failure, match=r"desk\.stream: its answer broke off") as caught:
            await soon(anext(stream))
    assert (caught.value.code, caught.value.sent) == (Code.UNAVAILABLE, Sent.ANSWERED)


async def test_a_stream_past_its_deadline_says_so(peer: Peer) -> None:
    """It is time that ran out, not the service that went away."""
    async with connect(Desk, peer.url) as desk:
        with calling(timeout=0.1):
            asking = asyncio.create_task(desk.stream())
            talk = await peer.accept()
            await talk.request()
        talk.say(CHUNKED % (b"200 OK", b"x: y") + b"3\r\none\r\n")
        stream = await soon(asking)
        assert await soon(anext(stream)) == b"one"
        with pytest.raises(Failure) as caught:
            await soon(anext(stream))
    assert caught.value.code is Code.DEADLINE_EXCEEDED


async def test_leaving_a_stream_closes_its_connection(peer: Peer) -> None:
    """Begun or not: the server need not send the rest."""
    for begun in (True, False):
        async with asked(peer, "stream") as (talk, asking):
            talk.say(CHUNKED % (b"200 OK", b"x: y") + b"3\r\none\r\n")
            stream = await soon(asking)
            if begun:
                await soon(anext(stream))
            await stream.aclose()
            assert await talk.rest() == b""


async def test_a_stream_read_to_its_end_keeps_its_connection(peer: Peer) -> None:
    """The next call goes over it."""
    async with connect(Desk, peer.url) as desk:
        asking = asyncio.create_task(desk.stream())
        talk = await peer.accept()
        await talk.request()
        talk.say(CHUNKED % (b"200 OK", b"x: y") + b"3\r\none\r\n0\r\n\r\n")
        assert [part async for part in await soon(asking)] == [b"one"]
        again = asyncio.create_task(desk.add(1))
        await talk.request()
        talk.say(answer(b"3", JSON))
        assert await soon(again) == 3


# --- addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "target"),
    [("", "/waits"), ("/", "/waits"), ("/shop/v1", "/shop/v1/waits"), ("/shop/", "/shop/waits")],
)
async def test_a_base_url_may_have_a_path(peer: Peer, path: str, target: str) -> None:
    """It goes before every operation's own."""
    async with connect(Desk, peer.url + path) as desk:
        asking = asyncio.create_task(desk.waits())
        talk = await peer.accept()
        assert (await talk.request()).startswith(f"GET {target} HTTP/1.1\r\n".encode())
        asking.cancel()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop",
        "localhost:8080",
        "//localhost",
        "ftp://localhost",
        "http://",
        "http://user:password@localhost",
        "http://localhost?page=2",
        "http://localhost/#part",
        "http://localhost:port",
    ],
)
async def test_what_is_no_base_url_is_refused(url: str) -> None:
    """When the client is made, not at its first call; a password in it is not repeated."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # any words, as long as they are told
        async with connect(Desk, url):
            pass
    assert "password@" not in str(caught.value)


async def test_a_client_is_closed_at_the_end_of_its_block(peer: Peer) -> None:
    """Its connections too, whatever ended the block."""
    talks: list[Talk] = []

    async def block() -> None:
        async with connect(Desk, peer.url) as desk:
            asking = asyncio.create_task(desk.add(1))
            talks.append(await peer.accept())
            await talks[0].request()
            talks[0].say(answer(b"3", JSON))
            raise LookupError(await soon(asking))

    with pytest.raises(LookupError, match="3"):
        await block()
    assert await talks[0].rest() == b""


async def test_no_descriptor_is_left_behind(peer: Peer) -> None:
    """However calls end, what they opened is closed."""
    with socket.socket() as probe:
        before = probe.fileno()
    for end in ("answer", "close", "cancel"):
        async with asked(peer, "add", a=1) as (talk, asking):
            if end == "answer":
                talk.say(answer(b"3", JSON))
                assert await soon(asking) == 3
            elif end == "close":
                talk.close()
                await failed(asking)
        talk.close()

    def settled() -> bool:
        with socket.socket() as probe:
            return probe.fileno() == before

    await until(settled)
