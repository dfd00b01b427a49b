"""App: the ASGI application in front of one host, or of a whole system's."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs

from coterie.binding.rest import (
    Endpoint,
    Request,
    Router,
    from_headers,
    normal_path,
    problem_reply,
)
from coterie.call import Call, Failure, Reply
from coterie.contract import Code, Fault, Rule
from coterie.policy import Gate, Priority, Shedding
from coterie.telemetry import Spans, answer, exposition

from .access import AccessLog
from .body import Disconnected, Incoming, Receive, read
from .cors import Cors
from .door import LEFT, Door
from .host import Host, State
from .route import Route
from .streamed import closed, pour

__all__ = ["STREAM_LIMIT", "App", "Page", "Send"]

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Page = Callable[[str, Mapping[bytes, bytes]], Reply | None]
"""Answers a GET that no operation answers, or says ``None``; given path and headers."""

log = logging.getLogger("coterie.server")

STREAM_LIMIT = 1 << 30
"""Octets of a body that is read as it arrives."""


_SHEDDING = Shedding()
_NO_PRIORITIES: Mapping[str, Priority] = {}


class App:
    """Answers HTTP for ``hosts``: their operations, health, metrics, and ``pages``.

    ``public`` is for the gateway: operations without a path of their own (`call`) are not
    reachable, and paths are brought into their normal form. ``beside`` are hosts in this process
    that have no routes here and count all the same for readiness and metrics. ``metrics`` says whether those are told, ``spans`` which ring of
    spans is, never by a public application. ``body_limit`` is in octets. ``shed`` says how much is let
    in where there is too much to do, ``None`` that everything is; ``priorities`` which operations
    go first or last then, by their ids. ``rule`` is that of operations which declare none, where
    somebody asks who calls: who is nobody is refused before a body is read. Unknown paths are refused with 404, unknown methods
    with 405 and ``Allow``; every error is a problem-details document.

    ``GET /health/live``   200 while the process answers
    ``GET /health/ready``  200 while every host takes calls, else 503 naming those that do not
    ``GET /metrics``       Prometheus text
    ``GET /telemetry``     ``?after=N``: the spans numbered above N, in JSON

    Raises `ValueError` when two operations share a route.
    """

    def __init__(
        self,
        hosts: Sequence[Host],
        *,
        public: bool = False,
        cors: Cors | None = None,
        body_limit: int = 1 << 20,
        access: AccessLog | None = None,
        pages: Sequence[Page] = (),
        beside: Sequence[Host] = (),
        metrics: bool = True,
        spans: Spans | None = None,
        shed: Shedding | None = _SHEDDING,
        priorities: Mapping[str, Priority] = _NO_PRIORITIES,
        rule: Rule | None = None,
    ) -> None:
        self.hosts = (*hosts, *beside)
        self.draining = False
        self._public = public
        self._cors = cors
        self._limit = body_limit
        self._access = access
        self._pages = tuple(pages)
        self._metrics = metrics
        self._spans = None if public else spans
        self._router: Router[Route] = Router(
            (op.method, op.route, Route(endpoint, host, rule, priorities.get(op.id, "normal")))
            for host in hosts
            for description in host.descriptions
            for op in description.operations
            if op.path is not None or not public
            for endpoint in (
                Endpoint(op, description.operation(op.if_match) if op.if_match else None),
            )
        )

        priority = self._priority if priorities else None
        self.door = None if shed is None else Door(Gate(shed), self._http, priority, access)

    def flush(self) -> None:
        """Write what the access log still holds: nothing is lost of requests that ended last."""
        if self._access is not None:
            self._access.flush()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection's request (ASGI 3.0)."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            raise RuntimeError("this application's life belongs to whoever assembled it")
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _http(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        began = perf_counter()
        pairs = scope["headers"]
        headers: dict[bytes, bytes] = dict(pairs)
        if len(headers) != len(pairs):
            headers = _joined(pairs)
        method: str = scope["method"]
        path = scope["raw_path"].decode("latin-1")
        operation, trace_id, span_id = "-", "", ""
        upload: Incoming | None = None
        try:
            path = normal_path(path) if self._public else path
            try:
                route, values = self._router.find(method, path)
            except Failure as missed:
                reply = self._beside(method, path, headers, scope["query_string"], missed)
            else:
                operation = route.id
                context = from_headers(headers)
                trace_id, span_id = context.trace.trace_id, context.trace.span_id
                if route.closed is not None:
                    route.ask(context, headers)
                body: bytes | Incoming
                if route.streams:
                    self._streams(scope)
                    body = upload = Incoming(receive, STREAM_LIMIT)
                else:
                    body = await read(receive, headers, self._limit)
                query: bytes = scope["query_string"]
                target = path.encode("latin-1") + (b"?" + query if query else b"")
                request = Request(values, query, headers, body)
                call: Call = route.endpoint.call(request, target, context)
                reply = await route.host.handle(call)
        except Disconnected:
            return
        except BaseException as error:  # noqa: BLE001  # what is nobody's answer is raised again
            trace_id = trace_id or from_headers(headers).trace.trace_id
            reply = _answer(error, scope, f"{method} {path}", trace_id)
        if isinstance(reply.body, bytes):
            await self._send(reply, reply.body, headers, send)
        else:
            head = self._head(reply, headers)
            start = {"type": "http.response.start", "status": reply.status, "headers": head}
            await send(start)
            told = f"{method} {path} (trace {trace_id})"
            self._streams(scope)
            await _stream(reply.body, receive, send, upload, told, wanted=method != "HEAD")
        if self._access is not None:
            seconds = perf_counter() - began
            self._access.note(method, path, reply.status, seconds, operation, trace_id, span_id)

    def _priority(self, method: str, path: str) -> Priority:
        try:
            path = normal_path(path) if self._public else path
            route, _ = self._router.find(method, path)
        except Failure:
            return "normal"
        return route.priority

    def _streams(self, scope: Mapping[str, Any]) -> None:
        if self.door is not None:
            self.door.streaming(scope)

    async def _send(
        self, reply: Reply, body: bytes, headers: Mapping[bytes, bytes], send: Send
    ) -> None:
        out = self._head(reply, headers)
        if reply.status not in (204, 304):
            out.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": reply.status, "headers": out})
        await send({"type": "http.response.body", "body": body})

    def _head(self, reply: Reply, headers: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        out = [_header(pair) for pair in reply.headers]
        if self._cors is not None:
            out += [_header(pair) for pair in self._cors.headers(headers.get(b"origin"))]
        return out

    def _beside(
        self,
        method: str,
        path: str,
        headers: Mapping[bytes, bytes],
        query: bytes,
        refusal: Failure,
    ) -> Reply:
        """The answer where no operation answers: pages, OPTIONS, or the refusal."""
        if method == "OPTIONS":
            allowed = self._router.allowed(path)
            if allowed:
                return self._options(headers, allowed)
        if refusal.status == 404:
            reply = self._own_page(path, query) or self._page(path, headers)
            if reply is not None:
                if method in ("GET", "HEAD"):
                    return reply
                if method == "OPTIONS":
                    return self._options(headers, _READING)
                what = f"Use GET, HEAD or OPTIONS here, not {method[:20]}"
                allow = (("allow", ", ".join(_READING)),)
                raise Failure(Code.UNIMPLEMENTED, what, status=405, headers=allow)
        raise refusal

    def _page(self, path: str, headers: Mapping[bytes, bytes]) -> Reply | None:
        replies = (page(path, headers) for page in self._pages)
        return next((reply for reply in replies if reply is not None), None)

    def _options(self, headers: Mapping[bytes, bytes], allowed: tuple[str, ...]) -> Reply:
        answer: tuple[tuple[str, str], ...] = (("allow", ", ".join(allowed)),)
        if self._cors is not None and b"access-control-request-method" in headers:
            answer += self._cors.preflight(allowed)
        return Reply(None, 204, answer)

    def _own_page(self, path: str, query: bytes) -> Reply | None:
        if path == "/health/live":
            return Reply(None, 200, _JSON, b'{"status":"live"}')
        if path == "/health/ready":
            return self._readiness()
        if path == "/telemetry" and self._spans is not None:
            meters = [host.meter for host in self.hosts]
            return Reply(None, 200, _JSON, answer(self._spans.after(_number(query)), meters))
        if path == "/metrics" and self._metrics:
            known = ((host.meter, host.in_flight) for host in self.hosts)
            kind = (("content-type", "text/plain; version=0.0.4; charset=utf-8"),)
            more = b"" if self.door is None else self.door.exposition()
            return Reply(None, 200, kind, exposition(known) + more)
        return None

    def _readiness(self) -> Reply:
        away = [h.name for h in self.hosts if h.state is not State.READY]
        if self.draining:
            away = [host.name for host in self.hosts]
        if not away:
            return Reply(None, 200, _JSON, b'{"status":"ready"}')
        what = f"Not ready: {', '.join(away)}"
        return problem_reply(Failure(Code.UNAVAILABLE, what, retry_after=1.0))


_LEFT = Reply(None, 499)
_JSON = (("content-type", "application/json"),)
_READING = ("GET", "HEAD", "OPTIONS")


def _number(query: bytes) -> int:
    text = parse_qs(query.decode("latin-1")).get("after", ["0"])[-1]
    if not text.isdecimal() or len(text) > 20:
        what = "`after` is the number that the last answer called `next`; leave it out at first"
        raise Failure(Code.INVALID_ARGUMENT, what)
    return int(text)


# What no header may hold (RFC 9110, 5.5), the tab apart: a line break would begin a second one.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

_SHORT = 128


def _header(pair: tuple[str, str]) -> tuple[bytes, bytes]:
    # What a cache keeps must not be as long as a stranger likes.
    return _known_header(pair) if len(pair[1]) <= _SHORT else _encoded(pair)


@lru_cache(maxsize=1024)
def _known_header(pair: tuple[str, str]) -> tuple[bytes, bytes]:
    return _encoded(pair)


def _encoded(pair: tuple[str, str]) -> tuple[bytes, bytes]:
    name, value = pair
    if not value.isprintable():
        value = _CONTROL.sub(" ", value)
    return name.lower().encode("latin-1"), value.encode("latin-1", "replace")


async def _stream(
    parts: AsyncIterator[bytes],
    receive: Receive,
    send: Send,
    upload: Incoming | None,
    what: str,
    *,
    wanted: bool,
) -> None:
    async def put(part: bytes) -> None:
        await send({"type": "http.response.body", "body": part, "more_body": True})

    try:
        if wanted:
            await pour(parts, put, receive, upload)
        else:
            await closed(parts)
    except Disconnected:
        return
    except Exception:
        # Too late to answer otherwise: the body stays incomplete, so that it is noticed.
        log.exception("%s broke off in the middle of its answer", what)
        return
    await send({"type": "http.response.body", "body": b""})


def _answer(error: BaseException, scope: Mapping[str, Any], what: str, trace_id: str) -> Reply:
    """What is answered where ``error`` came instead of a reply; raises what has no answer."""
    if isinstance(error, Failure | Fault):
        return _told(error, trace_id)
    if isinstance(error, asyncio.CancelledError) and LEFT in scope:
        return _LEFT
    if not isinstance(error, Exception):
        raise error
    # Not the service's (the host catches those): a defect of our own, or of a codec.
    log.error("%s failed (trace %s)", what, trace_id, exc_info=error)
    return _defect(trace_id)


def _told(error: Failure | Fault, trace_id: str) -> Reply:
    try:
        return problem_reply(error, trace_id)
    except (TypeError, ValueError):
        # A fault whose fields hold what their types do not allow, and no encoder knows.
        log.exception("%r cannot be told to the caller (trace %s)", error, trace_id)
        return _defect(trace_id)


def _defect(trace_id: str) -> Reply:
    what = f"This request failed; the log tells why under trace {trace_id}"
    return problem_reply(Failure(Code.INTERNAL, what), trace_id)


def _joined(pairs: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Repeated headers, joined as RFC 9110, 5.2 says; cookies by semicolons (RFC 9113, 8.2.3)."""
    headers: dict[bytes, bytes] = {}
    for name, value in pairs:
        known = headers.get(name)
        between = b"; " if name == b"cookie" else b", "
        headers[name] = value if known is None else known + between + value
    return headers
