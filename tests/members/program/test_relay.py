"""The sidecar: a program beside us, asked through it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import pytest

from coterie.client.http1 import Unknown
from coterie.members.program import Relay
from tests.members.program.kit import PARENT, TRACE, Asked, surrounded, until

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter
Speaks = Callable[[Reader, Writer], Awaitable[None]]


@asynccontextmanager
async def beside(speaks: Speaks, **options: Any) -> AsyncGenerator[Asked]:
    """A program that speaks HTTP as it likes, behind its sidecar."""
    tasks: set[asyncio.Task[Any]] = set()

    async def connected(reader: Reader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await speaks(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    relay = Relay(server.sockets[0].getsockname()[1], service="legacy", **options)
    try:
        async with surrounded(relay, relay) as site:
            yield site
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def head_of(reader: Reader) -> str:
    return (await reader.readuntil(b"\r\n\r\n")).decode()


def answering(answer: bytes) -> Speaks:
    """Reads the head of a request, answers, and closes."""

    async def speaks(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(answer)
        await writer.drain()

    return speaks


async def mirror(reader: Reader, writer: Writer) -> None:
    """Answers every request with its own head and body, and keeps the connection."""
    while True:
        head = await head_of(reader)
        body = b""
        for line in head.lower().split("\r\n"):
            if line.startswith("content-length: "):
                body = await reader.readexactly(int(line[16:]))
        told = head.encode() + body
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(told))
        if not head.startswith("HEAD"):
            writer.write(told)


async def test_a_request_arrives_as_it_was_sent_in_the_trace_of_its_caller() -> None:
    async with beside(mirror) as site:
        said = {"x_forwarded_prefix": "/legacy", "x_forwarded_for": "10.0.0.1", "x_a": "b"}
        answer = await site.ask(
            "/a%2Fb?c=%20d", "POST", b"body", host="shop.example", traceparent=PARENT, **said
        )
        told = answer.body.decode()
        assert told.startswith("POST /a%2Fb?c=%20d HTTP/1.1\r\nhost: shop.example\r\n")
        assert told.endswith("\r\n\r\nbody")
        assert "x-forwarded-prefix: /legacy" in told
        assert "x-forwarded-for: 10.0.0.1" in told
        assert "content-length: 4" in told
        (span,) = site.spans
        assert span.trace.trace_id == TRACE
        assert span.trace.traceparent in told
        assert (await site.ask("/", "HEAD")).body == b""
        assert (await site.ask("/")).status == 200


async def test_a_long_body_of_known_length_says_its_length() -> None:
    """Many programs, the standard library's among them, know no chunks."""

    async def counts(reader: Reader, writer: Writer) -> None:
        head = await head_of(reader)
        assert "content-length: 5000000\r\n" in head
        assert "chunked" not in head
        size = 0
        while size < 5_000_000:
            size += len(await reader.read(65536))
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n%d" % size)

    async with beside(counts) as site:
        assert (await site.ask("/", "POST", b"x" * 5_000_000)).body == b"5000000"


async def test_a_body_of_unknown_length_comes_in_chunks() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"chunk"
            await asyncio.sleep(0)

    async def reads(reader: Reader, writer: Writer) -> None:
        head = await head_of(reader)
        got = b"" if "chunked" not in head else await reader.readuntil(b"0\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n%d" % (got.count(b"chunk") or 9))

    async with beside(reads) as site:
        assert (await site.ask("/", "POST", chunks())).body in (b"3", b"9")


async def test_answers_without_length_and_in_chunks_pass_as_they_arrive() -> None:
    go_on = asyncio.Event()

    async def events(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
        writer.write(b"transfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")
        await go_on.wait()
        writer.write(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")
        await writer.drain()

    async with beside(events, timeout=0.3) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b"data: 1\n\n"), 5)
        await asyncio.sleep(0.4)  # longer than an answer may take to begin: a stream takes any time
        go_on.set()
        await asyncio.wait_for(reader.readuntil(b"data: 2\n\n"), 5)
        writer.close()
    async with beside(answering(b"HTTP/1.0 200 OK\r\n\r\nto the end")) as site:
        assert (await site.ask("/")).body == b"to the end"
        assert (await site.ask("/")).body == b"to the end"  # though it closes each time


@pytest.mark.parametrize(
    ("said", "led"),
    [
        ("/users/1", "/legacy/users/1"),
        ("/", "/legacy/"),
        ("/legacy/users/1", "/legacy/users/1"),
        ("/legacyusers", "/legacy/legacyusers"),
        ("users/1", "users/1"),
        ("//elsewhere/users", "//elsewhere/users"),
        ("https://elsewhere/users", "https://elsewhere/users"),
        ("http://shop.example/users", "http://shop.example/legacy/users"),
        ("http://shop.example", "http://shop.example/legacy/"),
    ],
)
async def test_a_redirection_leads_to_where_the_program_is_mounted(said: str, led: str) -> None:
    answer = f"HTTP/1.1 302 Found\r\nlocation: {said}\r\ncontent-length: 0\r\n\r\n".encode()
    async with beside(answering(answer)) as site:
        mounted = {"x_forwarded_prefix": "/legacy", "host": "shop.example"}
        assert ("location", led) in (await site.ask("/", **mounted)).headers
        assert ("location", said) in (await site.ask("/")).headers


async def test_a_program_that_is_away_is_a_503_that_says_nothing_was_begun() -> None:
    relay = Relay(1, service="legacy")
    async with surrounded(relay, relay) as site:
        answer = await site.ask("/", "POST", b"x")
        assert answer.status == 503
        assert {("coterie-refused", "true"), ("retry-after", "1")} <= set(answer.headers)
        assert b"legacy is away" in answer.body


async def test_what_is_no_http_is_a_502_that_names_the_service(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with beside(answering(b"SSH-2.0-OpenSSH\r\n")) as site:
        answer = await site.ask("/")
        assert answer.status == 502
        assert b"legacy answered with something that is no HTTP" in answer.body
        assert "refused the answer" in caplog.text
        assert not any(name == "coterie-refused" for name, _ in answer.headers)


@pytest.mark.parametrize(("method", "times"), [("GET", 2), ("PUT", 2), ("POST", 1)])
async def test_a_connection_closed_instead_of_an_answer(method: str, times: int) -> None:
    """What may be asked twice without harm is, once."""
    asked = 0

    async def closes(reader: Reader, writer: Writer) -> None:
        nonlocal asked
        await head_of(reader)
        asked += 1

    async with beside(closes) as site:
        answer = await site.ask("/", method)
        assert (answer.status, asked) == (502, times)
        assert b"may have been done" in answer.body


async def test_a_program_that_hangs_is_a_504_at_the_callers_deadline_or_its_own() -> None:
    left = asyncio.Event()

    async def hangs(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        await reader.read()
        left.set()

    async with beside(hangs, timeout=0.05) as site:
        answer = await site.ask("/", "POST")
        assert answer.status == 504
        assert b"legacy did not answer in time" in answer.body
        await asyncio.wait_for(left.wait(), 5)  # and its connection is closed
    async with beside(hangs, timeout=30) as site:
        assert (await site.ask("/", coterie_timeout_ms="50")).status == 504


async def test_a_program_that_takes_nothing_of_a_long_body_is_given_up() -> None:
    """Or its client could leave unseen, and the connection would be held for ever."""

    async def takes_nothing(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        await asyncio.get_running_loop().create_future()

    async def parts() -> AsyncIterator[bytes]:
        while True:
            yield bytes(1 << 16)

    async with beside(takes_nothing, timeout=0.2) as site:
        answer = await site.ask("/", "POST", parts())
        assert answer.status == 504
        await until(lambda: site.surround.in_flight == 0)


async def test_an_answer_before_the_end_of_a_long_body_reaches_whoever_still_sends_it() -> None:
    """A program may refuse what it need not read; the connection is good for the next request."""

    async def refuses(reader: Reader, writer: Writer) -> None:
        head = await head_of(reader)
        if "POST" in head:
            writer.write(b"HTTP/1.1 413 Too Much\r\ncontent-length: 0\r\n\r\n")
            await reader.read()  # and takes no more than it must
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    async with beside(refuses) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        size = 1 << 24
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\nx" % size)
        assert b" 413 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        writer.write(bytes(size - 1))
        await asyncio.wait_for(writer.drain(), 5)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b" 200 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_takes_its_time_over_a_body_does_not_use_up_the_programs() -> None:
    async def counts(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        while await reader.readline() != b"0\r\n":
            pass
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    async def parts() -> AsyncIterator[bytes]:
        now = asyncio.get_running_loop().time
        for _ in range(4):
            yield b"part\n"
            next_one = now() + 0.3  # longer than the program has, all in all
            await until(lambda: now() > next_one)  # noqa: B023

    async with beside(counts, timeout=1.0) as site:
        assert (await site.ask("/", "POST", parts())).body == b"ok"


async def test_the_deadline_goes_on_to_the_program() -> None:
    async with beside(mirror) as site:
        told = (await site.ask("/", coterie_timeout_ms="5000")).body.decode()
        left = int(told.partition("coterie-timeout-ms: ")[2].partition("\r\n")[0])
        assert 0 < left <= 5000


async def test_an_answer_that_breaks_off_is_seen_to(caplog: pytest.LogCaptureFixture) -> None:
    async with beside(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")) as site:
        with pytest.raises(Unknown):
            await site.ask("/")
        assert "closed before the answer was whole" in caplog.text


async def test_who_leaves_is_not_waited_for() -> None:
    left = asyncio.Event()

    async def waits(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        await reader.read()
        left.set()

    async with beside(waits) as site:
        asking = asyncio.create_task(site.ask("/"))
        await until(lambda: site.surround.in_flight == 1)
        asking.cancel()
        await asyncio.wait_for(left.wait(), 5)


async def test_who_waits_to_be_told_to_go_on_is_told() -> None:
    async with beside(mirror) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(
            b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
        )
        assert b"100 Continue" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        writer.write(b"ok")
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\nok"), 5)
        assert b"expect" not in answer.lower()
        writer.close()


async def test_a_websocket_is_refused_in_words() -> None:
    async with beside(mirror) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(
            b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert b" 501 " in head
        writer.close()
