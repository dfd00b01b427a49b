"""What stands round a program: seen from outside, and from the program itself."""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from coterie.client.http1 import Unknown
from coterie.contract import Code
from coterie.members.program import Lifespan, ProgramMistake, Surround
from coterie.telemetry import Meter
from tests.members.program.kit import PARENT, TRACE, surrounded, until


async def show(request: Request) -> JSONResponse:
    """What the program sees."""
    return JSONResponse(
        {
            "url": str(request.url),
            "link": str(request.url_for("item", id=7)),
            "client": request.client.host if request.client else "",
            "traceparent": request.headers.get("traceparent"),
            "path": request.url.path,
        }
    )


async def item(request: Request) -> JSONResponse:
    return JSONResponse({"id": request.path_params["id"]})


async def fail(request: Request) -> JSONResponse:
    raise RuntimeError("the password is swordfish")


def application() -> Starlette:
    routes = [Route("/show", show), Route("/items/{id}", item, name="item"), Route("/fail", fail)]
    return Starlette(routes=routes)


async def test_a_request_continues_its_trace_and_the_program_sees_its_own_span() -> None:
    """The console shows it like any other instance's; the access log names it."""
    async with surrounded(application()) as site:
        told = await site.json("/show", traceparent=PARENT)
        (span,) = site.spans
        assert span.trace.trace_id == TRACE
        assert span.trace.parent == "b7ad6b7169203331"
        assert told["traceparent"] == span.trace.traceparent
        assert (span.operation, span.service, span.kind) == ("legacy.GET /show", "legacy", "server")
        await site.ask("/items/1")
        await site.ask("/items/2")
        assert [one.operation for one in site.spans[1:]] == ["legacy.GET /items/{id}"] * 2
        telemetry = await site.json("/.coterie/telemetry?after=0")
        assert telemetry["spans"][0]["operation"] == "legacy.GET /show"
        metrics = (await site.ask("/.coterie/metrics")).body.decode()
        assert 'operation="legacy.GET /items/{id}",code="ok",le="+Inf"} 2' in metrics
        assert (site.surround.calls, site.surround.in_flight) == (3, 0)
        await until(lambda: site.log.getvalue().count("\n") == 3)
        assert "GET /show 200 " in site.log.getvalue()
        assert TRACE in site.log.getvalue()


async def test_what_a_contract_promises_is_called_by_its_name() -> None:
    """As it is in its callers' spans; the rest by method and route."""

    def names(method: str, path: str) -> str | None:
        return "users.user" if (method, path[:7]) == ("GET", "/items/") else None

    async with surrounded(application(), names=names) as site:
        for target in ("/items/1", "/show", "/items/2"):
            await site.ask(target, x_forwarded_prefix="/legacy")
        told = [span.operation for span in site.spans]
        assert told == ["users.user", "legacy.GET /show", "users.user"]
        assert site.meter.calls("users.user") == 2


async def test_tracestate_means_nothing_without_a_parent() -> None:
    async with surrounded(_mirror) as site:
        with_parent = await site.json("/", traceparent=PARENT, tracestate="a=1")
        without = await site.json("/", tracestate="a=1")
        assert with_parent["tracestate"] == "a=1"
        assert "tracestate" not in without
        assert without["traceparent"].startswith("00-")


async def test_links_lead_to_where_the_client_of_the_gateway_is() -> None:
    """Prefix, host and scheme; and as they are, where nobody said anything."""
    said = {
        "x_forwarded_prefix": "/legacy",
        "x_forwarded_host": "shop.example",
        "x_forwarded_proto": "https",
        "x_forwarded_for": "6.6.6.6, 10.1.2.3",
    }
    async with surrounded(application()) as site:
        told = await site.json("/show", **said)
        assert told["url"] == "https://shop.example/legacy/show"
        assert told["link"] == "https://shop.example/legacy/items/7"
        assert (
            told["client"] == "10.1.2.3"
        )  # what the gateway saw, and not what anybody wrote there
        alone = await site.json("/show")
        assert alone["link"] == f"http://127.0.0.1:{site.port}/items/7"
    async with surrounded(application(), forwarded=False) as site:
        told = await site.json("/show", **said)
        assert told["link"] == f"http://127.0.0.1:{site.port}/items/7"


async def test_ready_while_it_is_told_so_and_the_program_is_well() -> None:
    trouble = ""
    async with surrounded(application(), unwell=lambda: trouble) as site:
        assert (await site.ask("/.coterie/ready")).status == 200
        trouble = "legacy does not answer"
        away = await site.ask("/.coterie/ready")
        assert away.status == 503
        assert b"legacy does not answer" in away.body
        assert ("coterie-refused", "true") in away.headers
        trouble = ""
        site.surround.draining = True
        assert (await site.ask("/.coterie/ready")).status == 503
        assert (await site.ask("/.coterie/live")).status == 200
        site.surround.draining = site.surround.ready = False
        assert b"is starting" in (await site.ask("/.coterie/ready")).body


async def test_pages_of_its_own_are_not_for_who_comes_through_a_gateway() -> None:
    async with surrounded(application()) as site:
        for header in ("x_forwarded_for", "x_forwarded_proto", "x_forwarded_host"):
            for page in ("live", "ready", "metrics", "telemetry"):
                assert (await site.ask(f"/.coterie/{page}", **{header: "http"})).status == 404
        assert (await site.ask("/.coterie/nothing")).status == 404
        assert (await site.ask("/.coterie/live", "POST")).status == 405
        assert (await site.ask("/.coterie/telemetry?after=x")).status == 400
        assert not site.spans


async def test_an_error_of_the_program_is_told_to_the_log_and_not_to_the_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("the password is swordfish")

    async with surrounded(broken) as site:
        answer = await site.ask("/fail", traceparent=PARENT)
        assert answer.status == 500
        assert ("content-type", "application/problem+json") in answer.headers
        assert b"swordfish" not in answer.body
        assert TRACE.encode() in answer.body
        assert "swordfish" in caplog.text
        assert TRACE in caplog.text
        assert site.spans[0].code is Code.INTERNAL


def _start(*headers: tuple[Any, Any], status: Any = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}


def _body(body: bytes = b"", *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        ([_start((b"x", b"a\r\nset-cookie: b")), _body()], "line break"),
        ([_start((b"x y", b"a")), _body()], "header called"),
        ([_start(("x", "a")), _body()], "not of bytes"),
        ([_start(status=99), _body()], "status 99"),
        ([_start(status="200"), _body()], "status '200'"),
        ([_body(b"first")], "body before its status"),
        ([{"type": "http.nonsense"}], "not agreed"),
        ([_start((b"content-length", b"3")), _body(b"four")], "longer"),
        ([_start((b"content-length", b"5")), _body(b"four")], "shorter"),
        ([_start((b"content-length", b"x")), _body(b"")], "content-length"),
        ([], "returned before"),
        ([_start((b"content-length", b"3"))], "returned before"),
    ],
)
async def test_an_answer_that_is_none_is_a_500_and_named_in_the_log(
    messages: list[Mapping[str, Any]], named: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def garbage(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    async with surrounded(garbage) as site:
        answer = await site.ask("/")
        assert answer.status == 500
        assert ("content-type", "application/problem+json") in answer.headers
        assert named in caplog.text
        assert "legacy failed at GET /" in caplog.text
        assert (await site.ask("/.coterie/live")).status == 200


async def test_headers_may_come_from_a_generator() -> None:
    """ASGI asks for an iterable, which need not bear being gone through twice."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        pairs = [(b"x-a", b"1"), (b"content-length", b"4")]
        await send({**_start(), "headers": (pair for pair in pairs)})
        await send(_body(b"four"))

    async with surrounded(app) as site:
        answer = await site.ask("/")
        assert answer.body == b"four"
        assert ("x-a", "1") in answer.headers


@pytest.mark.parametrize("raised", [SystemExit(1), asyncio.CancelledError()])
async def test_what_would_end_the_process_or_the_task_is_an_error_like_any(
    raised: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise raised

    async with surrounded(app) as site:
        answer = await site.ask("/")
        assert answer.status == 500
        assert ("content-type", "application/problem+json") in answer.headers
        assert "legacy failed at GET /" in caplog.text
        assert site.spans[0].code is Code.INTERNAL


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("length", [b"0", b"4"])
async def test_where_a_status_has_no_body_none_leaves_and_the_connection_is_kept(
    status: int, length: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor a length: a 304 may tell that of another answer, and Django tells one with each."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(_start((b"content-length", length), (b"x-a", b"1"), status=status))
        await send(_body(b"null"))

    async with surrounded(app) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 %d " % status)
            assert b"content-length" not in head
            assert b"x-a: 1" in head
        writer.close()
        assert await reader.read() == b""
        assert not caplog.records


async def test_how_an_answer_is_framed_is_not_the_programs_to_say() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(_start((b"Transfer-Encoding", b"chunked"), (b"content-length", b"4")))
        await send(_body(b"four"))

    async with surrounded(app) as site:
        answer = await site.ask("/")
        assert answer.body == b"four"
        assert not any(name == "transfer-encoding" for name, _ in answer.headers)


async def test_an_answer_that_breaks_off_is_seen_to_be_incomplete(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send(_start())
        await send(_body(b"half", more=True))
        raise RuntimeError("no more")

    async with surrounded(half) as site:
        with pytest.raises(Exception, match="closed before the answer was whole"):
            await site.ask("/")
        await until(lambda: "broke off" in caplog.text)


async def test_an_answer_shorter_than_it_says_is_counted_as_a_failure() -> None:
    """Though its status, 200, has been sent by then."""

    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send(_start((b"content-length", b"9")))
        await send(_body(b"half", more=True))
        await send(_body(b""))

    async with surrounded(half) as site:
        with pytest.raises(Unknown):
            await site.ask("/")
        await until(lambda: site.spans)
        assert site.spans[0].code is Code.INTERNAL


async def test_garbage_that_a_framework_swallows_is_named_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def swallows(scope: Any, receive: Any, send: Any) -> None:
        with suppress(Exception):
            await send(_start((b"x", b"a\r\nb")))
        await send(_start(status=500))
        await send(_body(b"sorry"))

    async with surrounded(swallows) as site:
        assert (await site.ask("/")).body == b"sorry"
        await until(lambda: "line break" in caplog.text)


async def test_the_program_hears_that_its_client_left() -> None:
    heard = asyncio.Event()

    async def patient(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        heard.set()

    async with surrounded(patient) as site:
        asking = asyncio.create_task(site.ask("/"))
        await until(lambda: site.surround.in_flight == 1)
        asking.cancel()
        await asyncio.wait_for(heard.wait(), 5)
        await until(lambda: site.surround.in_flight == 0)
        await until(lambda: " 499 " in site.log.getvalue())


async def test_a_long_stream_is_counted_when_it_begins() -> None:
    go_on = asyncio.Event()

    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await send(_start((b"content-type", b"text/event-stream")))
        await go_on.wait()
        await send(_body(b"data: 1\n\n"))

    async with surrounded(stream) as site:
        asking = asyncio.create_task(site.ask("/"))
        await until(lambda: len(site.spans) == 1)
        assert site.surround.in_flight == 1
        go_on.set()
        assert (await asking).body == b"data: 1\n\n"


async def test_a_websocket_passes_and_is_counted() -> None:
    """No server of ours is needed: the scopes of one are enough."""
    meter = Meter("legacy")
    sent: list[Mapping[str, Any]] = []

    async def accepting(scope: Any, receive: Any, send: Any) -> None:
        assert scope["scheme"] == "wss"
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": (await receive())["text"]})

    async def receive() -> Mapping[str, Any]:
        return {"type": "websocket.receive", "text": "hello"}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    headers = [(b"traceparent", PARENT.encode()), (b"x-forwarded-proto", b"https")]
    scope = {"type": "websocket", "path": "/chat", "raw_path": b"/chat", "headers": headers}
    await Surround(accepting, service="legacy", meter=meter)(scope, receive, send)
    assert sent[1] == {"type": "websocket.send", "text": "hello"}
    (span,) = meter.spans
    assert (span.operation, span.trace.trace_id) == ("legacy.WEBSOCKET", TRACE)


# --- its own start and end ------------------------------------------------------------------------


async def test_the_lifespan_of_a_program_is_run_and_its_state_reaches_requests() -> None:
    happened: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                happened.append(message["type"])
                scope["state"]["greeting"] = b"hello"
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        await send(_start())
        await send(_body(scope["state"]["greeting"]))

    lifespan = Lifespan(app, name="legacy.app:app")
    async with surrounded(app, lifespan, state=lifespan.state) as site:
        assert (await site.ask("/")).body == b"hello"
    assert happened == ["lifespan.startup", "lifespan.shutdown"]


async def test_a_lifespan_that_fails_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        told = "Traceback ...\nConnectionError: no database"
        await send({"type": "lifespan.startup.failed", "message": told})

    with pytest.raises(
        ProgramMistake, match=r"legacy.app:app failed at its start: Connect.*no data"
    ):
        await Lifespan(app, name="legacy.app:app").start()
    assert "Traceback ..." in caplog.text


async def test_a_lifespan_that_never_starts_is_given_up() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    with pytest.raises(ProgramMistake, match="has not started within 0 s"):
        await Lifespan(app, name="app", patience=0.05).start()


async def test_a_program_without_a_lifespan_is_served_all_the_same() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send(_start())
        await send(_body(b"there"))

    async with surrounded(app, Lifespan(app, name="app")) as site:
        assert (await site.ask("/")).body == b"there"


async def _mirror(scope: Any, receive: Any, send: Any) -> None:
    told = json.dumps({name.decode(): value.decode() for name, value in scope["headers"]})
    await send(_start())
    await send(_body(told.encode()))


logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
