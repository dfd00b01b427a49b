"""The bridge to WSGI applications, against PEP 3333 and against what applications do."""

import asyncio
import io
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any
from wsgiref.validate import validator

import flask
import pytest

from coterie.call import current
from coterie.client.http1 import Pool, Unknown
from coterie.members.program import Wsgi
from tests.members.program.kit import PARENT, TRACE, surrounded, until

Environ = dict[str, Any]
Start = Callable[..., Any]

OCTETS = [("Content-Type", "application/octet-stream")]


def bridged(app: Any, **options: Any) -> Any:
    """``app`` behind its bridge, and everything that stands round it."""
    bridge = Wsgi(app, **options)
    return surrounded(bridge, bridge)


async def parts(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


# --- what the specification says -------------------------------------------------------------------


@validator
def strict(environ: Environ, start_response: Start) -> Iterable[bytes]:
    """Echoes; the validator around it objects to whatever PEP 3333 forbids, on both sides."""
    read = environ["wsgi.input"]
    lines = [read.readline(), *read.readlines()] if environ["PATH_INFO"] == "/lines" else []
    body = b"".join(lines) or read.read(1 << 20)
    environ["wsgi.errors"].write("")
    environ["wsgi.errors"].flush()
    start_response("200 OK", [*OCTETS, ("Content-Length", str(len(body)))])
    return (
        [body]
        if environ["PATH_INFO"] != "/yield"
        else (body[i : i + 3] for i in range(0, len(body), 3))
    )


@pytest.mark.filterwarnings("default")
async def test_the_validator_of_the_standard_library_has_nothing_to_object_to() -> None:
    async with bridged(strict) as site:
        for target in ("/", "/lines", "/yield", "/with%20space/%E2%82%AC?a=b"):
            assert (await site.ask(target, "POST", b"one\ntwo\nthree")).body == b"one\ntwo\nthree"
            assert (await site.ask(target, "POST", parts(b"one\n", b"two"))).body == b"one\ntwo"
        assert (await site.ask("/")).body == b""
        assert (await site.ask("/", "HEAD")).status == 200


def seen(environ: Environ, start_response: Start) -> Iterable[bytes]:
    """Tells what the environment holds."""
    start_response("200 OK", [("Content-Type", "application/json")])
    texts = {name: value for name, value in environ.items() if isinstance(value, str)}
    return [flask.json.dumps(texts).encode()]


async def test_the_environment_holds_the_octets_of_the_request() -> None:
    async with bridged(seen) as site:
        told = await site.json("/caf%C3%A9/%E2%82%AC%ff?q=%C3%A9")
        assert told["PATH_INFO"].encode("latin-1") == b"/caf\xc3\xa9/\xe2\x82\xac\xff"
        assert told["QUERY_STRING"] == "q=%C3%A9"
        assert told["SCRIPT_NAME"] == ""
        assert told["SERVER_PORT"] == str(site.port)
        assert told["REMOTE_ADDR"] == "127.0.0.1"
        assert told["wsgi.url_scheme"] == "http"
        assert "CONTENT_LENGTH" not in told
        assert "CONTENT_TYPE" not in told
        mounted = await site.json(
            "/a%2Fb/c", x_forwarded_prefix="/my%20shop/", x_forwarded_proto="https"
        )
        assert (mounted["SCRIPT_NAME"], mounted["PATH_INFO"]) == ("/my shop", "/a/b/c")
        assert mounted["wsgi.url_scheme"] == "https"
        root = await site.json("/", x_forwarded_prefix="/shop")
        assert (root["SCRIPT_NAME"], root["PATH_INFO"]) == ("/shop", "/")


async def test_headers_that_could_be_mistaken_for_others_are_left_out() -> None:
    """Repeated ones are joined; the length of a chunked body is known by then."""
    async with bridged(seen) as site:
        pairs = [
            ("x-a", "1"), ("x-a", "2"), ("cookie", "a=1"), ("cookie", "b=2"),
            ("x_user", "root"), ("x-user", "me"), ("proxy", "http://evil"),
        ]  # fmt: skip
        async with Pool(f"http://127.0.0.1:{site.port}") as pool:
            answer = await pool.request("POST", "/", pairs, parts(b"12345"))
        told = flask.json.loads(answer.body)
        assert told["HTTP_X_A"] == "1,2"
        assert told["HTTP_COOKIE"] == "a=1; b=2"
        assert told["HTTP_X_USER"] == "me"
        assert "HTTP_PROXY" not in told
        assert told["CONTENT_LENGTH"] == "5"


class Closing:
    """An answer that notes whether it was closed."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.chunks = iter(chunks)
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self.chunks

    def close(self) -> None:
        self.closed += 1


def failing() -> Iterator[bytes]:
    yield b"first"
    raise RuntimeError("the second never comes")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_was_returned_is_closed_however_it_ends(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    answers = {
        "/whole": Closing([b"a", b"b"]),
        "/none": Closing([]),
        "/empty": Closing([b"", b""]),
        "/failing": Closing(failing()),
        "/no-start": Closing([b"a"]),
    }

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/no-start":
            start_response("200 OK", OCTETS)
        return answers[environ["PATH_INFO"]]

    async with bridged(app) as site:
        assert (await site.ask("/whole", method)).body == (b"ab" if method == "GET" else b"")
        assert (await site.ask("/none", method)).body == b""
        assert (await site.ask("/empty", method)).body == b""
        if method == "GET":
            with pytest.raises(Unknown):
                await site.ask("/failing")
            assert "the second never comes" in caplog.text
        else:
            await site.ask("/failing", method)
        assert (await site.ask("/no-start", method)).status == 500
        assert "before start_response() was called" in caplog.text
        await until(lambda: [answer.closed for answer in answers.values()] == [1] * 5)


async def test_an_answer_has_the_length_it_says_or_is_broken_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [*OCTETS, ("Content-Length", "4")])
        return [b"12", *{"/long": [b"345"], "/short": [b"3"]}.get(environ["PATH_INFO"], [b"34"])]

    async with bridged(app) as site:
        assert (await site.ask("/right")).body == b"1234"
        for target, told in (("/long", "longer"), ("/short", "shorter")):
            with pytest.raises(Unknown):
                await site.ask(target)
            assert f"{told} than its content-length" in caplog.text


async def test_statuses_without_a_body_have_none_and_lengths_are_told_where_they_are_known() -> (
    None
):
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        status = environ["PATH_INFO"][1:] + " Whatever"
        start_response(status, [("Connection", "close"), ("X-A", "a")])
        return [b"body"]

    async with bridged(app) as site:
        for status in (204, 304):
            answer = await site.ask(f"/{status}")
            assert (answer.status, answer.body) == (status, b"")
        answer = await site.ask("/404")
        assert ("content-length", "4") in answer.headers
        assert not any(name == "connection" for name, _ in answer.headers)
        assert (await site.ask("/200", "HEAD")).headers[-1] == ("content-length", "4")
        assert (await site.ask("/100")).status == 500


async def test_start_response_may_be_taken_back_until_something_was_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", OCTETS)
        if environ["PATH_INFO"] == "/late":
            yield b"sent"
        try:
            raise LookupError("too late")
        except LookupError:
            start_response("500 Oops", OCTETS, sys.exc_info())
        yield b"oops"

    def twice(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", OCTETS)
        start_response("200 OK", OCTETS)
        return []

    async with bridged(app) as site:
        answer = await site.ask("/soon")
        assert (answer.status, answer.body) == (500, b"oops")
        with pytest.raises(Unknown):
            await site.ask("/late")
        assert "too late" in caplog.text
    async with bridged(twice) as site:
        assert (await site.ask("/")).status == 500
        assert "called twice" in caplog.text


async def test_write_and_files_are_sent() -> None:
    def app(environ: Environ, start_response: Start) -> Any:
        write = start_response("200 OK", OCTETS)
        write(b"written, ")
        return environ["wsgi.file_wrapper"](io.BytesIO(b"x" * 100_000), 4096)

    async with bridged(app) as site:
        assert (await site.ask("/")).body == b"written, " + b"x" * 100_000


# --- streams ----------------------------------------------------------------------------------------


async def test_a_part_is_there_before_the_next_is_made() -> None:
    go_on = threading.Event()

    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", OCTETS)
        yield b"first"
        go_on.wait(10)
        yield b"second"

    async with bridged(app) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b"first" in await asyncio.wait_for(reader.readuntil(b"first"), 5)
        go_on.set()
        await asyncio.wait_for(reader.readuntil(b"second"), 5)
        writer.close()


async def test_a_slow_reader_slows_the_application_and_one_that_leaves_ends_it() -> None:
    made = 0
    closed = threading.Event()

    def endless() -> Iterator[bytes]:
        nonlocal made
        try:
            while True:
                made += 1
                yield b"x" * 65536
        finally:
            closed.set()

    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", OCTETS)
        return endless()

    async with bridged(app, threads=1) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await reader.readexactly(100)
        before = -1
        while made != before:  # until it stands still
            before = made
            await asyncio.sleep(0.1)
        assert made < 400  # what sockets hold, and not gigabytes
        writer.transport.abort()
        await until(closed.is_set)
        await until(lambda: site.surround.in_flight == 0)


async def test_a_long_body_arrives_as_it_is_read_and_is_bounded() -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        size = 0
        while chunk := environ["wsgi.input"].read(10_000):
            size += len(chunk)
        start_response("200 OK", OCTETS)
        return [b"%d" % size]

    async with bridged(app, body_limit=8 << 20) as site:
        assert (await site.ask("/", "POST", b"x" * (6 << 20))).body == b"%d" % (6 << 20)
        many = [b"x" * (1 << 20)] * 5
        assert (await site.ask("/", "POST", parts(*many))).body == b"%d" % (5 << 20)
        refused = await site.ask("/", "POST", b"x" * ((8 << 20) + 1))
        assert refused.status == 413
        with_more = [b"x" * (1 << 20)] * 9
        assert (await site.ask("/", "POST", parts(*with_more))).status == 500


async def test_a_body_that_breaks_off_is_an_error_to_whoever_reads_it() -> None:
    raised: list[BaseException] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        try:
            environ["wsgi.input"].read()
        except OSError as error:
            raised.append(error)
            raise
        return []

    async with bridged(app) as site:
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3000000\r\n\r\n"
        writer.write(head + b"x" * 2_000_000)
        await until(lambda: site.surround.in_flight == 1)
        await writer.drain()
        writer.transport.abort()
        await until(lambda: raised)
        assert "went away" in str(raised[0])


async def test_no_more_run_at_a_time_than_there_are_threads_and_some_are_turned_away() -> None:
    running, most, lock, go_on = 0, 0, threading.Lock(), threading.Event()

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        go_on.wait(10)
        with lock:
            running -= 1
        start_response("200 OK", OCTETS)
        return [b"done"]

    async with bridged(app, threads=2, waiting=3) as site:
        asking = [asyncio.create_task(site.ask("/")) for _ in range(7)]
        await until(lambda: sum(task.done() for task in asking) == 2)
        go_on.set()
        answers = await asyncio.gather(*asking)
        assert sorted(answer.status for answer in answers) == [200] * 5 + [503] * 2
        refused = next(answer for answer in answers if answer.status == 503)
        assert ("coterie-refused", "overload") in refused.headers
        assert most == 2


async def test_whoever_leaves_before_there_is_a_thread_is_not_answered_by_one() -> None:
    """Or clients that ask again and again would keep the threads at work for nobody."""
    asked: list[str] = []
    go_on = threading.Event()

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        asked.append(environ["PATH_INFO"])
        go_on.wait(10)
        assert environ["wsgi.multithread"] is False
        start_response("200 OK", OCTETS)
        return [b"done"]

    async with bridged(app, threads=1) as site:
        first = asyncio.create_task(site.ask("/first"))
        await until(lambda: asked)
        impatient = asyncio.create_task(site.ask("/impatient"))
        await until(lambda: site.surround.in_flight == 2)
        impatient.cancel()
        await until(lambda: site.surround.in_flight == 1)
        last = asyncio.create_task(site.ask("/last"))
        go_on.set()
        assert (await first).body == (await last).body == b"done"
        assert asked == ["/first", "/last"]


# --- Flask -------------------------------------------------------------------------------------------


def shop() -> flask.Flask:
    app = flask.Flask("flask_program")

    @app.get("/users/<int:number>")
    def user(number: int) -> dict[str, Any]:
        return {
            "link": flask.url_for("user", number=number, _external=True),
            "here": flask.url_for("user", number=number),
            "trace": current().trace.traceparent,
            "header": flask.request.headers["traceparent"],
        }

    @app.get("/fail")
    def fail() -> str:
        raise RuntimeError("swordfish")

    @app.get("/exit")
    def leave() -> str:
        raise SystemExit(1)

    return app


async def test_flask_makes_right_links_knows_its_trace_and_its_routes_are_named() -> None:
    async with bridged(shop()) as site:
        told = await site.json(
            "/users/7",
            traceparent=PARENT,
            x_forwarded_prefix="/legacy",
            x_forwarded_host="shop.example",
            x_forwarded_proto="https",
        )
        assert told["link"] == "https://shop.example/legacy/users/7"
        assert told["here"] == "/legacy/users/7"
        (span,) = site.spans
        assert told["trace"] == told["header"] == span.trace.traceparent
        assert span.trace.trace_id == TRACE
        assert span.operation == "legacy.GET /users/<int:number>"
        assert (await site.ask("/nowhere")).status == 404
        assert site.spans[1].operation == "legacy.GET"


async def test_a_program_that_fails_or_wants_to_exit_ends_its_request_alone() -> None:
    async with bridged(shop(), threads=1) as site:
        for target in ("/fail", "/exit", "/fail"):
            answer = await site.ask(target)
            assert answer.status == 500
            assert b"swordfish" not in answer.body
        assert (await site.ask("/users/1")).status == 200
