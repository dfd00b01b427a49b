"""What a client makes of answers: foreign ones, broken ones, and those that stream."""

import asyncio
import socket

import pytest

from coterie.call import Failure, Sent, calling
from coterie.client import connect
from coterie.contract import Code
from tests.client.asking import JSON, PROBLEM, asked, failed
from tests.client.http1.peer import Peer, Talk, answer, soon, until
from tests.client.kit import Desk, Plain


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
    async with connect(Desk, peer.url, retrying=None) as desk:
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
    async with connect(Desk, peer.url, retrying=None) as desk:
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
    async with connect(Desk, peer.url + path, retrying=None) as desk:
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
        async with connect(Desk, peer.url, retrying=None) as desk:
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
