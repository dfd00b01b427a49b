"""What goes out: one request, framed once, whatever the caller passes."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.client.http1 import Pool, Unknown
from coterie.client.http1 import pool as pool_module
from coterie.client.http1.request import compose
from tests.client.http1.peer import OK, Peer, answer, soon, until

EVIL = "x\r\n\r\nGET /evil HTTP/1.1\r\nhost: a\r\n\r\n"


def lines(data: bytes) -> list[bytes]:
    return data.split(b"\r\n")


def test_a_request_is_written_as_the_standard_says() -> None:
    """Request line, headers in order and in lower case, Host, length, blank line."""
    head = compose("a:81", "POST", "/b?c=d", [("X-One", "1"), ("x-two", "\xe9"), ("X-One", "")], 5)
    assert lines(head) == [
        b"POST /b?c=d HTTP/1.1",
        b"x-one: 1",
        b"x-two: \xe9",
        b"x-one: ",
        b"host: a:81",
        b"content-length: 5",
        b"",
        b"",
    ]


@pytest.mark.parametrize(
    ("method", "length", "framing"),
    [
        ("GET", 0, []),
        ("DELETE", 0, []),
        ("POST", 0, [b"content-length: 0"]),
        ("PATCH", 0, [b"content-length: 0"]),
        ("GET", 2, [b"content-length: 2"]),
        ("POST", None, [b"transfer-encoding: chunked"]),
    ],
)
def test_a_body_is_announced_once(method: str, length: int | None, framing: list[bytes]) -> None:
    """Length, chunked, or neither: never two of them (RFC 9112, section 6)."""
    assert lines(compose("a", method, "/", (), length))[2:-2] == framing


def test_host_may_be_given_once() -> None:
    """A gateway passes on the Host it was asked for."""
    assert lines(compose("a", "GET", "/", [("Host", "b")], 0)) == [
        b"GET / HTTP/1.1", b"host: b", b"", b""
    ]  # fmt: skip
    with pytest.raises(ValueError, match="host"):
        compose("a", "GET", "/", [("Host", "b"), ("host", "c")], 0)


@pytest.mark.parametrize("sign", ["\r", "\n", "\r\n", "\0"])
@pytest.mark.parametrize("place", ["method", "target", "name", "value", "host"])
@pytest.mark.parametrize("around", ["{}", "a{}", "{}a", "a{}b: c"])
def test_no_part_of_a_request_can_break_it_in_two(sign: str, place: str, around: str) -> None:
    """CR, LF and NUL are refused wherever the caller could put them, before anything is sent."""
    bad = around.format(sign)
    method, target, headers = "GET", "/", [("x", "y")]
    if place == "method":
        method = bad
    elif place == "target":
        target = "/" + bad
    elif place == "name":
        headers = [(bad, "y")]
    elif place == "value":
        headers = [("x", bad)]
    else:
        headers = [("host", bad)]
    with pytest.raises(ValueError, match=r"method|target|header"):
        compose("a", method, target, headers, 0)


@pytest.mark.parametrize(
    ("method", "target", "headers", "complaint"),
    [
        ("", "/", [], "method"),
        ("get", "/", [], "capitals"),
        ("GE T", "/", [], "method"),
        ("CONNECT", "/", [], "method"),
        ("GET", "", [], "target"),
        ("GET", "orders", [], "begin with"),
        ("GET", "http://evil/", [], "begin with"),
        ("GET", "/a b", [], "percent"),
        ("GET", "/\xe9", [], "percent"),
        ("GET", "/\x7f", [], "percent"),
        ("GET", "/", [("", "y")], "name"),
        ("GET", "/", [("x y", "y")], "name"),
        ("GET", "/", [("x:", "y")], "name"),
        ("GET", "/", [("\xe9", "y")], "name"),
        ("GET", "/", [("x", "\u20ac")], "'x'.*latin-1"),
        ("GET", "/", [("Content-Length", "5")], "connection"),
        ("GET", "/", [("transfer-encoding", "chunked")], "connection"),
        ("GET", "/", [("Connection", "close")], "connection"),
        ("GET", "/", [("Upgrade", "h2c")], "connection"),
        ("GET", "/", [("expect", "100-continue")], "connection"),
    ],
)
def test_what_is_no_request_is_refused(
    method: str, target: str, headers: list[tuple[str, str]], complaint: str
) -> None:
    """With a message that says which part, and how it should look."""
    with pytest.raises(ValueError, match=complaint):
        compose("a", method, target, headers, 0)


def test_a_refused_value_is_not_repeated() -> None:
    """A token with a line break in it does not end in a log."""
    with pytest.raises(ValueError, match="'authorization'") as caught:
        compose("a", "GET", "/", [("x", "y"), ("Authorization", "Bearer secret\n")], 0)
    assert "secret" not in str(caught.value)


@given(
    st.text(max_size=8),
    st.text(max_size=8),
    st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=3),
)
def test_any_text_gives_one_request_or_none(
    method: str, target: str, headers: list[tuple[str, str]]
) -> None:
    """Whatever the parts: refused, or exactly as many lines as were asked for."""
    try:
        head = compose("a", method, "/" + target, headers, 0)
    except ValueError:
        return
    hosts = sum(name.lower() == "host" for name, _ in headers)
    length = 0 if b"content-length" not in head else 1
    assert len(lines(head)) == len(headers) + 1 + (1 - hosts) + length + 2
    assert head.count(b"\n") == head.count(b"\r") == len(lines(head)) - 1


async def test_a_refused_request_sends_nothing(peer: Peer) -> None:
    """Not even a connection is made."""
    async with Pool(peer.url) as pool:
        with pytest.raises(ValueError, match="'x'"):
            await pool.request("GET", "/", [("x", EVIL)])
    assert peer.nobody()


async def test_control_unchecked_parts_are_two_requests(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: pasted together without looking, the server reads a second request."""

    def paste(
        host: str, method: str, target: str, headers: list[tuple[str, str]], length: int
    ) -> bytes:
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers)
        return f"{method} {target} HTTP/1.1\r\n{fields}\r\n".encode()

    monkeypatch.setattr(pool_module, "compose", paste)
    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(pool.request("GET", "/", [("x", EVIL)]))
        talk = await peer.accept()
        assert (await talk.request()).startswith(b"GET / ")
        assert (await talk.request()).startswith(b"GET /evil ")
        talk.say(OK)
        await soon(asking)


async def test_head_and_small_body_are_one_write(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One segment on the wire: the server reads the request at once."""
    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(pool.request("POST", "/", body=b"x" * 1000))
        talk = await peer.accept()
        await until(talk.waiting)
        assert talk.waiting() > 1000
        await talk.request()
        talk.say(OK)
        await soon(asking)


async def test_a_large_body_arrives_whole(peer: Peer) -> None:
    """8 MiB through sockets that hold less."""
    body = bytes(range(256)) * 32 * 1024
    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(pool.request("PUT", "/", body=body))
        talk = await peer.accept()
        assert (await talk.request()).endswith(body[-4096:])
        talk.say(OK)
        assert (await soon(asking)).status == 200


# --- Streamed bodies ----------------------------------------------------------------------------


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_a_streamed_body_is_chunked(peer: Peer) -> None:
    """Each chunk as it comes; an empty one does not end the body. The connection is kept."""
    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(
            pool.request("POST", "/", body=chunks(b"hello", b"", b"x" * 17))
        )
        talk = await peer.accept()
        _, _, body = (await talk.request()).partition(b"\r\n\r\n")
        assert body == b"5\r\nhello\r\n11\r\n" + b"x" * 17 + b"\r\n0\r\n\r\n"
        talk.say(OK)
        await soon(asking)
        assert len(pool._idle) == 1


async def test_a_streamed_body_waits_for_its_reader(peer: Peer) -> None:
    """Back-pressure: chunks are taken from the iterator as the other side reads them."""
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield bytes(64 * 1024)

    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(pool.request("POST", "/", body=endless()))
        talk = await peer.accept()
        before = -1
        while before != taken:
            before = taken
            await asyncio.sleep(0.02)
        assert taken < 200, "the sockets' buffers and a little more"
        while taken == before:
            await talk.more()
            await asyncio.sleep(0)
        asking.cancel()
        await talk.rest()


async def test_an_iterator_that_fails_ends_the_connection_and_is_heard(peer: Peer) -> None:
    """The caller gets its own exception; the server never takes half a body for a whole one."""

    async def failing() -> AsyncIterator[bytes]:
        yield b"half"
        raise LookupError("no more")

    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(pool.request("POST", "/", body=failing()))
        talk = await peer.accept()
        assert not (await talk.rest()).endswith(b"0\r\n\r\n")
        with pytest.raises(LookupError):
            await soon(asking)


async def test_an_early_answer_stops_the_body(peer: Peer) -> None:
    """A refusal is delivered at once; the iterator is closed and the connection not kept."""
    closed = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        try:
            yield b"some"
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(pool.request("POST", "/", body=slow()))
        talk = await peer.accept()
        await talk.through(b"some\r\n")
        talk.say(answer(b"", status=b"401 Unauthorized"))
        assert (await soon(asking)).status == 401
        await soon(closed.wait())
        assert not (await talk.rest()).endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("how", ["cancelled", "closed by the server"])
async def test_giving_up_closes_the_iterator(peer: Peer, how: str) -> None:
    """Blocked on a reader who does not read, it is let go all the same."""
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(64 * 1024)
        finally:
            closed.set()

    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(pool.request("POST", "/", body=endless()))
        talk = await peer.accept()
        await until(talk.waiting)
        if how == "cancelled":
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        else:
            talk.finish()
            with pytest.raises(Unknown):
                await soon(asking)
        await soon(closed.wait())
        await talk.rest()


async def test_chunks_of_a_known_length_are_sent_as_such(peer: Peer) -> None:
    """The length is announced, and nothing stands between the octets."""
    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(
            pool.request("PUT", "/", body=chunks(b"one", b"", b"two"), length=6)
        )
        talk = await peer.accept()
        request = await talk.request()
        assert b"\r\ncontent-length: 6\r\n" in request
        assert request.endswith(b"\r\n\r\nonetwo")
        talk.say(OK)
        assert (await soon(asking)).status == 200


@pytest.mark.parametrize(("parts", "told"), [((b"12",), "ended 2 octets"), ((b"12345",), "more")])
async def test_a_length_that_is_wrong_closes_the_connection(
    peer: Peer, parts: tuple[bytes, ...], told: str
) -> None:
    """Octets too many would be the next request; too few would wait for it."""
    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(pool.request("PUT", "/", body=chunks(*parts), length=4))
        with pytest.raises(ValueError, match=told):
            await soon(asking)
        await until(lambda: "0 open" in repr(pool))
