"""App: the ASGI application in front of one host, or of a whole system's."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from time import perf_counter
from typing import Any

from coterie.binding.rest import Endpoint, Request, Router, from_headers, problem_reply
from coterie.call import Call, Failure, Reply, Trace
from coterie.contract import Code, Fault

from .access import AccessLog
from .body import Disconnected, Receive, read, stream
from .cors import Cors
from .host import Host, State
from .meter import exposition

__all__ = ["App", "Page", "Send"]

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Page = Callable[[str, Mapping[bytes, bytes]], Reply | None]
"""Answers a GET that no operation answers, or says ``None``; given path and headers."""

log = logging.getLogger("coterie.server")

STREAM_LIMIT = 1 << 30


class _Route:
    """One operation at its place: who decodes, who answers."""

    __slots__ = ("endpoint", "host", "id", "streams")

    def __init__(self, endpoint: Endpoint, host: Host) -> None:
        self.endpoint = endpoint
        self.host = host
        self.id = endpoint.operation.id
        self.streams = endpoint.streams


class App:
    """Answers HTTP for ``hosts``: their operations, health, metrics, and ``pages``.

    ``public`` is for the gateway: operations without a path of their own (`call`) are not
    reachable. ``body_limit`` is in octets. Unknown paths are refused with 404, unknown methods
    with 405 and ``Allow``; every error is a problem-details document.

    ``GET /health/live``   200 while the process answers
    ``GET /health/ready``  200 while every host takes calls, else 503 naming those that do not
    ``GET /metrics``       Prometheus text

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
    ) -> None:
        self.hosts = tuple(hosts)
        self.draining = False
        self._cors = cors
        self._limit = body_limit
        self._access = access
        self._pages = (self._own_page, *pages)
        self._router: Router[_Route] = Router(
            (op.method, op.route, _Route(endpoint, host))
            for host in hosts
            for description in host.descriptions
            for op in description.operations
            if op.path is not None or not public
            for endpoint in (
                Endpoint(op, description.operation(op.if_match) if op.if_match else None),
            )
        )

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
        operation, trace_id = "-", ""
        try:
            try:
                route, values = self._router.find(method, path)
            except Failure as refusal:
                reply = self._beside(method, path, headers, refusal)
            else:
                operation = route.id
                context = from_headers(headers)
                trace_id = context.trace.trace_id
                body: bytes | AsyncIterator[bytes]
                if route.streams:
                    body = stream(receive, STREAM_LIMIT)
                else:
                    body = await read(receive, headers, self._limit)
                query: bytes = scope["query_string"]
                target = scope["raw_path"] + b"?" + query if query else scope["raw_path"]
                request = Request(values, query, headers, body)
                call: Call = route.endpoint.call(request, target, context)
                reply = await route.host.handle(call)
        except (Failure, Fault) as error:
            trace_id = trace_id or Trace.root().trace_id
            reply = problem_reply(error, trace_id)
        except Disconnected:
            return
        except Exception:
            # Not the service's (the host catches those): a defect of our own, or of a codec.
            trace_id = trace_id or Trace.root().trace_id
            log.exception("%s %s failed (trace %s)", method, path, trace_id)
            what = f"This request failed; the log tells why under trace {trace_id}"
            reply = problem_reply(Failure(Code.INTERNAL, what), trace_id)
        await self._send(reply, headers, send)
        if self._access is not None:
            seconds = perf_counter() - began
            self._access.note(method, path, reply.status, seconds, operation, trace_id)

    async def _send(self, reply: Reply, headers: Mapping[bytes, bytes], send: Send) -> None:
        out = [_header(pair) for pair in reply.headers]
        if self._cors is not None and b"origin" in headers:
            out += [_header(pair) for pair in self._cors.headers(headers[b"origin"])]
        body = reply.body
        if isinstance(body, bytes):
            if reply.status not in (204, 304):
                out.append((b"content-length", b"%d" % len(body)))
            await send({"type": "http.response.start", "status": reply.status, "headers": out})
            await send({"type": "http.response.body", "body": body})
            return
        await send({"type": "http.response.start", "status": reply.status, "headers": out})
        try:
            async for chunk in body:
                if chunk:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            close = getattr(body, "aclose", None)
            if close is not None:
                await close()
        await send({"type": "http.response.body", "body": b""})

    def _beside(
        self, method: str, path: str, headers: Mapping[bytes, bytes], refusal: Failure
    ) -> Reply:
        """The answer where no operation answers: pages, OPTIONS, or the refusal."""
        if method == "OPTIONS":
            allowed = self._router.allowed(path)
            if allowed:
                return self._options(headers, allowed)
        if method in ("GET", "HEAD") and refusal.status == 404:
            for page in self._pages:
                reply = page(path, headers)
                if reply is not None:
                    return reply
        raise refusal

    def _options(self, headers: Mapping[bytes, bytes], allowed: tuple[str, ...]) -> Reply:
        answer: tuple[tuple[str, str], ...] = (("allow", ", ".join(allowed)),)
        if self._cors is not None and b"access-control-request-method" in headers:
            answer += self._cors.preflight(headers.get(b"origin"), allowed)
        return Reply(None, 204, answer)

    def _own_page(self, path: str, headers: Mapping[bytes, bytes]) -> Reply | None:
        if path == "/health/live":
            return Reply(None, 200, _JSON, b'{"status":"live"}')
        if path == "/health/ready":
            return self._readiness()
        if path == "/metrics":
            known = ((host.name, host.meter, host.in_flight) for host in self.hosts)
            kind = (("content-type", "text/plain; version=0.0.4; charset=utf-8"),)
            return Reply(None, 200, kind, exposition(known))
        return None

    def _readiness(self) -> Reply:
        away = [h.name for h in self.hosts if h.state is not State.READY]
        if self.draining:
            away = [host.name for host in self.hosts]
        if not away:
            return Reply(None, 200, _JSON, b'{"status":"ready"}')
        what = f"Not ready: {', '.join(away)}"
        return problem_reply(Failure(Code.UNAVAILABLE, what, retry_after=1.0))


_JSON = (("content-type", "application/json"),)


@lru_cache(maxsize=1024)
def _header(pair: tuple[str, str]) -> tuple[bytes, bytes]:
    name, value = pair
    if "\r" in value or "\n" in value or "\0" in value:
        # A value with line breaks would begin a second header, or a second answer.
        value = value.replace("\r", " ").replace("\n", " ").replace("\0", " ")
    return name.lower().encode("latin-1"), value.encode("latin-1", "replace")


def _joined(pairs: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Repeated headers, joined as RFC 9110, 5.2 says; cookies by semicolons (RFC 9113, 8.2.3)."""
    headers: dict[bytes, bytes] = {}
    for name, value in pairs:
        known = headers.get(name)
        between = b"; " if name == b"cookie" else b", "
        headers[name] = value if known is None else known + between + value
    return headers
