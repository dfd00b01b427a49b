"""Answers of every shape HTTP/1.1 knows, and what becomes of the connection after each."""

import asyncio
import contextlib
from collections.abc import Generator
from typing import NamedTuple

import pytest
from httptools import HttpResponseParser

from coterie.client.http1 import Pool, Unknown
from coterie.client.http1 import connection as connection_module
from coterie.client.http1.connection import Connection
from coterie.client.http1.reader import Reader
from tests.client.http1.peer import OK, Peer, answer, ask, kept_alive, soon, until

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
EVIL = answer(b"evil")


class Case(NamedTuple):
    """What the server says, and what is to be understood."""

    said: bytes
    body: bytes = b"hello"
    status: int = 200
    method: str = "GET"
    closes: bool = False  # the server, after saying it
    kept: bool = True  # the connection carries another request


CASES = {
    "length": Case(OK),
    "no body": Case(answer(b""), b""),
    "an error": Case(answer(b"no", status=b"500 Sorry"), b"no", 500),
    "no reason": Case(answer(b"yes", status=b"200 "), b"yes"),
    "chunked": Case(CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
    "chunk extensions": Case(CHUNKED + b"5;a=b\r\nhello\r\n0\r\n\r\n"),
    "trailers": Case(CHUNKED + b"5\r\nhello\r\n0\r\nx: y\r\n\r\n"),
    "Connection: close": Case(answer(b"bye", b"connection: close"), b"bye", kept=False),
    "HTTP/1.0": Case(OK.replace(b"1.1", b"1.0"), kept=False),
    "HTTP/1.0 keep-alive": Case(
        answer(b"old", b"connection: keep-alive").replace(b"1.1", b"1.0"), b"old"
    ),
    "until close": Case(b"HTTP/1.1 200 OK\r\n\r\nall", b"all", closes=True, kept=False),
    "HTTP/1.0 until close": Case(b"HTTP/1.0 200 OK\r\n\r\nold", b"old", closes=True, kept=False),
    "HEAD": Case(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", b"", method="HEAD"),
    "HEAD of a large one": Case(
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", b"", method="HEAD"
    ),
    "HEAD, chunked": Case(CHUNKED, b"", method="HEAD"),
    "HEAD, until close": Case(b"HTTP/1.1 200 OK\r\n\r\n", b"", method="HEAD", kept=False),
    "204": Case(b"HTTP/1.1 204 No Content\r\n\r\n", b"", 204, "DELETE"),
    "204 with a length": Case(answer(b"", status=b"204 No Content"), b"", 204),
    "304 with a length": Case(
        b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\netag: x\r\n\r\n", b"", 304
    ),
    "interim answers first": Case(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK
    ),
    "an interim answer with a length": Case(
        b"HTTP/1.1 103 Early Hints\r\ncontent-length: 99\r\n\r\n" + OK
    ),
    "an empty line first": Case(b"\r\n" + OK),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("step", [100_000, 1], ids=["at once", "octet by octet"])
async def test_an_answer_is_understood(peer: Peer, case: Case, step: int) -> None:
    """Status, body and the fate of the connection, however the octets are cut."""
    async with Pool(peer.url, max_response=1000) as pool:
        talk, asking = await ask(pool, peer, case.method)
        for at in range(0, len(case.said), step):
            talk.say(case.said[at : at + step])
            await asyncio.sleep(0)
        if case.closes:
            talk.finish()
        response = await soon(asking)
        assert (response.status, response.body) == (case.status, case.body)
        assert "link" not in dict(response.headers), "what was hinted was not said"
        cut = case.method == "HEAD" and step == 1  # it cannot tell, and does not risk it
        if case.kept and not cut:
            again = asyncio.create_task(pool.request("GET", "/again"))
            assert (await talk.request()).startswith(b"GET /again ")
            talk.say(answer(b"again"))
            assert (await soon(again)).body == b"again"
        else:
            assert await talk.rest() == b""
            await kept_alive(pool, peer)


async def test_headers_keep_order_duplicates_and_octets(peer: Peer) -> None:
    """Names in lower case; values as latin-1 (RFC 9110, section 5.5), outer blanks removed."""
    async with Pool(peer.url) as pool:
        talk, asking = await ask(pool, peer)
        talk.say(
            answer(b"", b"Set-Cookie: a=1", b"X-Name:  \xe9t\xc3\xa9 \t", b"set-cookie: b=2", b"X:")
        )
        assert (await soon(asking)).headers == (
            ("content-length", "0"),
            ("set-cookie", "a=1"),
            ("x-name", "\xe9t\xc3\xa9"),
            ("set-cookie", "b=2"),
            ("x", ""),
        )


async def test_trailers_are_not_headers(peer: Peer) -> None:
    """What arrives after the body cannot change what was decided before it (RFC 9110, 6.5.1)."""
    async with Pool(peer.url) as pool:
        talk, asking = await ask(pool, peer)
        talk.say(CHUNKED + b"0\r\nx-role: admin\r\n\r\n")
        assert (await soon(asking)).headers == (("transfer-encoding", "chunked"),)


async def test_an_answer_that_overtakes_the_request_ends_the_connection(peer: Peer) -> None:
    """An early refusal of a large body is delivered; what we had not sent yet is not sent."""
    async with Pool(peer.url) as pool:
        asking = asyncio.create_task(pool.request("POST", "/", body=bytes(8 * 1024 * 1024)))
        talk = await peer.accept()
        await until(talk.waiting)
        talk.say(answer(b"too much", status=b"413 Content Too Large"))
        assert (await soon(asking)).status == 413
        assert len(await talk.rest()) < 8 * 1024 * 1024
        await kept_alive(pool, peer)


# --- Surplus: what follows an answer belongs to nobody ----------------------------------------


@pytest.mark.parametrize("surplus", [EVIL, b"H"])
@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("GET", OK),
        ("GET", CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"),
        ("HEAD", CHUNKED),
    ],
    ids=["length", "chunked", "204", "HEAD with length", "HEAD chunked"],
)
@pytest.mark.parametrize("when", ["same segment", "seen while idle", "not seen yet"])
async def test_surplus_octets_never_answer_the_next_request(
    peer: Peer, method: str, said: bytes, surplus: bytes, when: str
) -> None:
    """A second answer, whole or begun, ends the connection; the next request gets a new one."""
    async with Pool(peer.url) as pool:
        talk, asking = await ask(pool, peer, method)
        talk.say(said + surplus if when == "same segment" else said)
        assert (await soon(asking)).status in {200, 204}
        if when != "same segment":
            talk.say(surplus)
        if when == "seen while idle":
            assert await talk.rest() == b""
        await kept_alive(pool, peer)
        assert len(peer.accepted) == 2


async def test_a_body_after_head_is_surplus(peer: Peer) -> None:
    """A server that answers HEAD with a body does not poison what comes next."""
    async with Pool(peer.url) as pool:
        talk, asking = await ask(pool, peer, "HEAD")
        talk.say(OK)
        assert (await soon(asking)).body == b""
        await kept_alive(pool, peer)


@contextlib.contextmanager
def trusting(monkeypatch: pytest.MonkeyPatch, *, reads: bool) -> Generator[None]:
    """The client without its protections against surplus octets."""
    with monkeypatch.context() as patch:
        patch.setattr(Connection, "fresh", lambda connection: not connection.closed)
        if reads:
            patch.setattr(Reader, "on_message_begin", lambda reader: None)
        yield


async def test_control_surplus_not_looked_for_answers_the_next_request(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: without asking the kernel, the second answer is taken for the next one's."""
    with trusting(monkeypatch, reads=False):
        async with Pool(peer.url) as pool:
            talk = await kept_alive(pool, peer)
            talk.say(EVIL)
            assert (await soon(pool.request("GET", "/next"))).body == b"evil"


async def test_control_surplus_in_the_same_segment_replaces_the_answer(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: with the parser allowed to read on, the second answer mixes with the first."""
    with trusting(monkeypatch, reads=True):
        async with Pool(peer.url) as pool:
            talk, asking = await ask(pool, peer)
            talk.say(OK + answer(b"", status=b"403 Evil"))
            assert (await soon(asking)).status == 403


async def test_control_a_lenient_parser_believes_length_and_chunked(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: it is the strict parser that refuses an answer with two lengths."""
    said = CHUNKED[:-2] + b"content-length: 4\r\n\r\n0\r\n\r\n"

    async def status() -> int:
        async with Pool(peer.url) as pool:
            talk, asking = await ask(pool, peer)
            talk.say(said)
            return (await soon(asking)).status

    with pytest.raises(Unknown):
        await status()

    def lenient(reader: Reader) -> HttpResponseParser:
        parser = HttpResponseParser(reader)
        parser.set_dangerous_leniencies(lenient_chunked_length=True)
        return parser

    monkeypatch.setattr(connection_module, "HttpResponseParser", lenient)
    assert await status() == 200
