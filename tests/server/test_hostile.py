"""What no decent client sends: each is answered or hung up on, and the next visitor is served."""

import asyncio
import contextlib

import pytest

from tests.server.kit import Site, made, request, soon, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST = b"host: lab\r\n"
NOTE = made()
CLOSED = "refused before it reaches the application, and the connection is closed"
SERVED = "answered, and the connection goes on"


def get(target: bytes, headers: bytes = b"", version: bytes = b"HTTP/1.1") -> bytes:
    return b"GET " + target + b" " + version + b"\r\n" + HOST + headers + b"\r\n"


def post(headers: bytes, body: bytes = b"") -> bytes:
    kind = b"content-type: application/json\r\n"
    return b"POST /notes HTTP/1.1\r\n" + HOST + kind + headers + b"\r\n" + body


def chunked(body: bytes) -> bytes:
    return post(b"transfer-encoding: chunked\r\n", body)


@pytest.mark.parametrize(
    ("sent", "status", "fate"),
    [
        pytest.param(b"GET /text HTTP/1.1\r\n\r\n", 400, CLOSED, id="no host"),
        pytest.param(get(b"/text", b"host: b\r\n"), 400, CLOSED, id="two hosts"),
        pytest.param(b"FROB /text HTTP/1.1\r\n" + HOST + b"\r\n", 400, CLOSED, id="method"),
        pytest.param(b"get /text HTTP/1.1\r\n" + HOST + b"\r\n", 400, CLOSED, id="small letters"),
        pytest.param(b"PROPFIND /text HTTP/1.1\r\n" + HOST + b"\r\n", 405, SERVED, id="webdav"),
        pytest.param(b"CONNECT lab:443 HTTP/1.1\r\n" + HOST + b"\r\n", 400, CLOSED, id="connect"),
        pytest.param(get(b"http://lab/text"), 200, SERVED, id="absolute form"),
        pytest.param(get(b"https://evil.example:9/text"), 200, SERVED, id="absolute elsewhere"),
        pytest.param(get(b"http://lab"), 400, CLOSED, id="absolute without path"),
        pytest.param(get(b"*"), 404, SERVED, id="asterisk"),
        pytest.param(b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 404, SERVED, id="options *"),
        pytest.param(get(b"/notes/%00"), 400, SERVED, id="nul in the path"),
        pytest.param(get(b"/notes%2F1"), 404, SERVED, id="slash in a segment"),
        pytest.param(get(b"/x/../text"), 404, SERVED, id="dots"),
        pytest.param(get(b"/x/%2e%2e/text"), 404, SERVED, id="dots in code"),
        pytest.param(get(b"/./text"), 404, SERVED, id="dot"),
        pytest.param(get(b"//text"), 404, SERVED, id="two slashes"),
        pytest.param(get(b"/notes/%zz"), 400, SERVED, id="no hexadecimal"),
        pytest.param(get(b"/notes/%ff"), 400, SERVED, id="no utf-8"),
        pytest.param(get("/notes/é".encode()), 400, CLOSED, id="letters uncoded"),
        pytest.param(get(b"/a\x01b"), 400, CLOSED, id="control in the target"),
        pytest.param(get(b"/a b"), 400, CLOSED, id="space in the target"),
        pytest.param(get(b"/a\\b"), 404, SERVED, id="backslash"),
        pytest.param(get(b"/text#part"), 400, CLOSED, id="fragment"),
        pytest.param(get(b"text"), 400, CLOSED, id="no slash"),
        pytest.param(get(b"?how=x"), 400, CLOSED, id="query alone"),
        pytest.param(get(b""), 400, CLOSED, id="no target"),
        pytest.param(get(b"/fails?how=%ff"), 400, SERVED, id="query no utf-8"),
        pytest.param(get(b"/text?" + b"a=b&" * 10_000), 200, SERVED, id="query unread"),
        pytest.param(get(b"/fails?" + b"a=b&" * 10_000), 400, SERVED, id="query too many"),
        pytest.param(get(b"/" + b"a" * 60_000), 404, SERVED, id="long target"),
        pytest.param(get(b"/" + b"a" * 70_000), 400, CLOSED, id="longer target"),
        pytest.param(get(b"/a" * 30_000), 404, SERVED, id="many segments"),
        pytest.param(get(b"/text", version=b"HTTP/1.2"), 400, CLOSED, id="version 1.2"),
        pytest.param(get(b"/text", version=b"HTTP/3"), 400, CLOSED, id="version 3"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, CLOSED, id="http/2"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + bytes(99), 400, CLOSED, id="tls"),
        pytest.param(b"\x00\xff garbage\r\n\r\n", 400, CLOSED, id="garbage"),
        pytest.param(b"\r\n\r\n" + get(b"/text"), 200, SERVED, id="empty lines first"),
        pytest.param(get(b"/text").replace(b"\r\n", b"\n"), 400, CLOSED, id="bare line feeds"),
        pytest.param(get(b"/text", b"x: a\r\n b\r\n"), 400, CLOSED, id="folded header"),
        pytest.param(get(b"/text", b"nonsense\r\n"), 400, CLOSED, id="no colon"),
        pytest.param(get(b"/text", b": a\r\n"), 400, CLOSED, id="no name"),
        pytest.param(get(b"/text", b"x y: a\r\n"), 400, CLOSED, id="space in a name"),
        pytest.param(get(b"/text", b"x: a\x01b\r\n"), 400, CLOSED, id="control in a value"),
        pytest.param(get(b"/text", b"x: a\0b\r\n"), 400, CLOSED, id="nul in a value"),
        pytest.param(get(b"/text", b"x: \xff\xfe\r\n"), 200, SERVED, id="any octets in a value"),
        pytest.param(
            get(b"/text", b"x: " + b"a" * 500_000 + b"\r\n"), 431, CLOSED, id="huge header"
        ),
        pytest.param(get(b"/text", b"x: a\r\n" * 5_000), 200, SERVED, id="many headers"),
        pytest.param(get(b"/text", b"content-length: 2\r\n") + b"{}", 200, SERVED, id="get, body"),
        pytest.param(
            get(b"/text", b"connection: upgrade\r\nupgrade: websocket\r\n"), 200, SERVED, id="ws"
        ),
        pytest.param(
            get(b"/text", b"connection: upgrade\r\nupgrade: h2c\r\n"), 200, SERVED, id="h2c"
        ),
        pytest.param(post(b"content-length: abc\r\n"), 400, CLOSED, id="length abc"),
        pytest.param(post(b"content-length: -1\r\n"), 400, CLOSED, id="length -1"),
        pytest.param(post(b"content-length: +2\r\n", b"{}"), 400, CLOSED, id="length +2"),
        pytest.param(post(b"content-length: 0x2\r\n", b"{}"), 400, CLOSED, id="length 0x2"),
        pytest.param(post(b"content-length: 2, 2\r\n", b"{}"), 400, CLOSED, id="length 2, 2"),
        pytest.param(post(b"content-length: \r\n"), 400, CLOSED, id="length empty"),
        pytest.param(post(b"content-length: %d\r\n" % 2**70), 400, CLOSED, id="length 2**70"),
        pytest.param(post(b"content-length: %d\r\n" % 2**63), 413, CLOSED, id="length 2**63"),
        pytest.param(post(b"content-length: " + b"0" * 5000 + b"\r\n"), 413, CLOSED, id="zeros"),
        pytest.param(
            post(b"content-length: 2\r\ncontent-length: 2\r\n", b"{}"), 400, CLOSED, id="twice"
        ),
        pytest.param(
            post(b"content-length: 2\r\ntransfer-encoding: chunked\r\n", b"0\r\n\r\n"),
            400,
            CLOSED,
            id="length and chunked",
        ),
        pytest.param(
            post(b"transfer-encoding: chunked\r\ncontent-length: 2\r\n", b"0\r\n\r\n"),
            400,
            CLOSED,
            id="chunked and length",
        ),
        pytest.param(post(b"transfer-encoding: gzip\r\n"), 400, CLOSED, id="coding gzip"),
        pytest.param(post(b"transfer-encoding: identity\r\n"), 400, CLOSED, id="coding identity"),
        pytest.param(
            post(b"transfer-encoding: xchunked\r\n", b"0\r\n\r\n"), 400, CLOSED, id="xchunked"
        ),
        pytest.param(
            post(b"transfer-encoding : chunked\r\n", b"0\r\n\r\n"), 400, CLOSED, id="te space"
        ),
        pytest.param(
            post(b"transfer-encoding: chunked, identity\r\n", b"0\r\n\r\n"), 400, CLOSED, id="te id"
        ),
        pytest.param(chunked(b"zz\r\n\r\n"), 400, CLOSED, id="size zz"),
        pytest.param(chunked(b"-1\r\n\r\n"), 400, CLOSED, id="size -1"),
        pytest.param(chunked(b"f" * 18 + b"\r\n\r\n"), 400, CLOSED, id="size 2**72"),
        pytest.param(chunked(b"2\n{}\n0\n\n"), 400, CLOSED, id="chunks with bare line feeds"),
        pytest.param(chunked(b"2\r\n{}0\r\n\r\n"), 400, CLOSED, id="chunk without its end"),
        pytest.param(chunked(b"0\r\n\r\n"), 400, SERVED, id="no chunk"),
    ],
)
async def test_a_strange_request_changes_nothing(
    site: Site, sent: bytes, status: int, fate: str
) -> None:
    """It has one answer; then the connection serves on or is closed, as it says."""
    before = list(site.lab.calls)
    async with await site.talk() as talk:
        talk.say(sent)
        answer = await talk.answer()
        assert answer.status == status, answer
        if fate is CLOSED:
            assert answer["connection"] == "close"
            assert await talk.rest() == b""
        else:
            talk.say(request("GET", "/text"))
            assert (await talk.answer()).body == b"plain words"
    assert site.lab.calls == before
    assert await site.alive()


@pytest.mark.parametrize(
    "sent",
    [
        chunked(b"%x\r\n%b\r\n0\r\n\r\n" % (len(NOTE), NOTE)),
        chunked(b"%x;a=b\r\n%b\r\n0\r\n\r\n" % (len(NOTE), NOTE)),
        chunked(b"%x\r\n%b\r\n0\r\nauthorization: x\r\n\r\n" % (len(NOTE), NOTE)),
        post(b"content-length: %d\r\n" % len(NOTE), NOTE),
        post(b"content-length: %d\r\nexpect: something-else\r\n" % len(NOTE), NOTE),
    ],
)
async def test_control_what_is_right_is_done(site: Site, sent: bytes) -> None:
    """Control: rightly framed, the same note is kept; extensions and trailers are ignored."""
    before = len(site.lab.calls)
    async with await site.talk() as talk:
        talk.say(sent)
        assert (await talk.answer()).status == 201
    assert site.lab.calls[before:] == ["keep"]


async def test_requests_sent_ahead_are_answered_in_order(site: Site) -> None:
    """Pipelining (RFC 9112, 9.3.2): each its own answer, refused or not, however many."""
    targets = ["/notes/1", "/nowhere", "/text", "/notes/x"] * 25
    async with await site.talk() as talk:
        talk.say(b"".join(request("GET", target) for target in targets))
        statuses = [(await talk.answer()).status for _ in targets]
    assert statuses == [200, 404, 200, 400] * 25


async def test_rubbish_after_a_request_costs_the_connection_alone(site: Site) -> None:
    """Whatever becomes of the first, nobody else notices."""
    async with await site.talk() as talk:
        talk.say(request("GET", "/text") + b"\x00rubbish\r\n\r\n")
        assert (await talk.answer()).status in (200, 400)
        await talk.rest()
    assert await site.alive()


async def test_a_request_octet_by_octet_is_a_request(site: Site) -> None:
    """However it is cut into segments."""
    async with await site.talk() as talk:
        for octet in request("POST", "/notes", NOTE, {"content-type": "application/json"}):
            talk.say(bytes([octet]))
            await asyncio.sleep(0)
        assert (await talk.answer()).status == 201


async def test_clients_that_vanish_leave_nothing_behind(site: Site) -> None:
    """At any point of a request or of its answer."""
    whole = request("POST", "/notes", NOTE, {"content-type": "application/json"})
    for cut in range(0, len(whole) + 1, 7):
        async with await site.talk() as talk:
            talk.say(whole[:cut])
            await asyncio.sleep(0)
    for _ in range(20):
        async with await site.talk() as talk:
            talk.say(request("GET", "/notes/1") * 50)
    await until(lambda: site.host.in_flight == 0)
    assert await site.alive()


async def test_many_idle_connections_hinder_nobody(site: Site) -> None:
    """Half a request each, and never more: others are served meanwhile."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(200):
            talk = await stack.enter_async_context(await site.talk())
            talk.say(b"GET /text HTTP/1.1\r\nhost: l")
        assert await soon(site.alive(), 2)


@pytest.mark.parametrize("line", [b"a" * 1000, b"x: a\r\n" * 200], ids=["one header", "many"])
async def test_a_head_without_end_is_refused(site: Site, line: bytes) -> None:
    """However slowly it comes: memory is not for filling."""
    async with await site.talk() as talk:
        talk.say(b"GET /text HTTP/1.1\r\nx: ")
        answering = asyncio.create_task(talk.answer())
        sent = 0
        while not answering.done():
            talk.say(line)
            sent += len(line)
            assert sent < 1_000_000
            await asyncio.sleep(0.001)
        assert (await answering).status == 431
    assert await site.alive()


@pytest.mark.parametrize("cut", [1, 20, 60, 200])
async def test_control_a_short_head_in_pieces_is_served(site: Site, cut: int) -> None:
    """Control: what is long is the body that came along with the rest of it."""
    site.lab.go.set()
    whole = request("POST", "/upload", bytes(200_000), {"x-filler": "a" * 200})
    async with await site.talk() as talk:
        talk.say(whole[:cut])
        await asyncio.sleep(0.02)
        talk.say(whole[cut:] + whole[:cut])
        assert (await talk.answer()).status == 200
        talk.say(whole[cut:])
        assert (await talk.answer()).status == 200
