"""Gateway: the ASGI application that stands for a whole system."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Any

import msgspec

from coterie.binding.rest import UNREADABLE, Router, normal_path, problem_reply
from coterie.call import Failure, Reply
from coterie.client.http1 import NotSent, Reason, StreamedResponse, Unknown
from coterie.contract import Code
from coterie.policy import Budget
from coterie.registry import Registry
from coterie.server import STREAM_LIMIT, Cors

from .away import BUSY, away_page, away_problem, broken_page, broken_problem, wants_page
from .fleet import CONNECTIONS, Fleet
from .headers import downstream, upstream
from .route import NOT_READY, PAGES, REFUSED, TRIES, Route
from .upload import Left, Receive, Upload

__all__ = ["Gateway"]

Send = Callable[[Mapping[str, Any]], Awaitable[None]]

_CONSOLE = "console"
_BACK_OFF = 0.05
_RATIO = 0.1
_TOKENS = 40.0  # half of them at once: what an instance that is killed has under way, and more
_LATER = 0.5  # the service answers first when a call takes too long, and its answer says more
_READING = ("GET", "HEAD", "OPTIONS")
_LIVE = (("content-type", "application/json"),)
_HTML = ("content-type", "text/html; charset=utf-8")
_PROBLEM = ("content-type", "application/problem+json")
_LATER_ON = ("retry-after", "1")


class Gateway:
    """Passes each request on to an instance of the service that has its route. A component.

    What Envoy does with the files of `coterie.deploy.envoy`, for places without Envoy, and no
    faster than Python: the same routes, answers, retries and limits of time. ``registry`` tells
    the instances, and is started and stopped by whoever made it. ``console`` is the URL of what
    answers for documentation, keys and readiness; ``timeout`` the seconds a call may take where
    its operation says nothing; ``body_limit`` the octets of a body that is not streamed, and
    ``body_timeout`` the seconds it may take to arrive: an instance is asked once it is whole. One
    that is streamed may stand still for ``idle_timeout``.

    A request that certainly never left is sent again elsewhere, and one that was refused unbegun by
    who is not ready; one whose outcome is unknown only where its route is idempotent, and while the
    service's budget of retries lasts. Each is sent three times at most. Whoever has too much to do
    is not asked again: the client is told, and when to come back. Raises `ValueError` when two routes are one.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        registry: Registry,
        *,
        timeout: float = 30.0,
        body_limit: int = 1 << 20,
        body_timeout: float = 60.0,
        idle_timeout: float = 300.0,
        cors: Cors | None = None,
        console: str | None = None,
        docs: bool = True,
    ) -> None:
        self.calls = 0
        """Requests that have come in since it started."""
        self.in_flight = 0
        """Those that are not answered yet."""
        self._router = Router((route.method, route.path, route) for route in routes)
        self._timeout = timeout
        self._limit = body_limit
        self._body = body_timeout
        self._idle = idle_timeout
        self._cors = cors
        self._pages = [page for page in PAGES if docs or not page.startswith(("/docs", "/openapi"))]
        self._console = console is not None
        self._budgets = {route.service: Budget(_RATIO, _TOKENS) for route in routes}
        self._budgets[_CONSOLE] = Budget(_RATIO, _TOKENS)
        self._fleet = Fleet(registry, {} if console is None else {_CONSOLE: console})

    async def start(self) -> None:
        """Learn who is there; returns when requests can be passed on."""
        await self._fleet.start()

    async def stop(self) -> None:
        """Close every connection to instances."""
        await self._fleet.stop()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection's request (ASGI 3.0)."""
        if scope["type"] == "lifespan":
            raise RuntimeError("this application's life belongs to whoever made it")
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        self.calls += 1
        self.in_flight += 1
        try:
            path = normal_path(scope["raw_path"].decode("latin-1"))
            found = self._found(scope, path)
            if isinstance(found, Route):
                await self._pass_on(found, path, scope, receive, send)
            else:
                await self._answer(found, scope, send)
        except Failure as refusal:
            await self._answer(problem_reply(refusal), scope, send)
        except Left:
            return
        finally:
            self.in_flight -= 1

    # --- where it goes --------------------------------------------------------------------------

    def _found(self, scope: Mapping[str, Any], path: str) -> Route | Reply:
        method: str = scope["method"]
        try:
            return self._router.find(method, path)[0]
        except Failure as refusal:
            if method == "OPTIONS" and (allowed := self._router.allowed(path)):
                return self._options(scope, allowed)
            if refusal.status != 404:
                raise
            return self._page(scope, path, refusal)

    def _page(self, scope: Mapping[str, Any], path: str, refusal: Failure) -> Route | Reply:
        if self._console and any(_below(path, page) for page in self._pages):
            return Route(service=_CONSOLE, operation=path, method="GET", path=path, attempts=TRIES)
        if path != "/health/live" and (path != "/health/ready" or self._console):
            raise refusal
        method: str = scope["method"]
        if method == "OPTIONS":
            return self._options(scope, _READING)
        if method in _READING:
            return Reply(None, 200, _LIVE, b'{"status":"%s"}' % path[8:].encode())
        what = f"Use GET, HEAD or OPTIONS here, not {method[:20]}"
        allow = (("allow", ", ".join(_READING)),)
        raise Failure(Code.UNIMPLEMENTED, what, status=405, headers=allow)

    def _options(self, scope: Mapping[str, Any], allowed: tuple[str, ...]) -> Reply:
        headers: tuple[tuple[str, str], ...] = (("allow", ", ".join(allowed)),)
        if self._cors is not None and _header(scope, b"access-control-request-method"):
            headers += self._cors.preflight(allowed)
        return Reply(None, 204, headers)

    # --- on its way -----------------------------------------------------------------------------

    async def _pass_on(
        self, route: Route, path: str, scope: Mapping[str, Any], receive: Receive, send: Send
    ) -> None:
        """Ask an instance and send its answer, unless the client leaves first."""
        announced = _header(scope, b"content-length")
        body: bytes | AsyncIterator[bytes]
        if route.stream:
            upload = Upload(receive, STREAM_LIMIT, self._idle)
            body = await upload.open(announced)
        else:
            upload = Upload(receive, self._limit, self._idle)
            body = await upload.gather(announced, self._body)
        asking = asyncio.create_task(self._ask(route, path, scope, upload, body, send))
        leaving = asyncio.create_task(upload.departure())
        try:
            await asyncio.wait((asking, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
            leaving.cancel()
            await asyncio.wait((asking, leaving))
        if not asking.cancelled():
            await asking

    async def _ask(
        self,
        route: Route,
        path: str,
        scope: Mapping[str, Any],
        upload: Upload,
        body: bytes | AsyncIterator[bytes],
        send: Send,
    ) -> None:
        seconds = self._timeout if route.timeout is None else route.timeout
        deadline = None if route.stream else monotonic() + seconds + _LATER
        query: bytes = scope["query_string"]
        target = f"{path}?{query.decode('latin-1')}" if query else path
        headers = upstream(scope)
        budget = self._budgets[route.service]
        tried: set[str] = set()
        unknown = False
        for attempt in range(TRIES):
            reach = await self._fleet.choose(route.service, tried)
            if reach is None:
                break
            if reach.busy >= CONNECTIONS:
                raise Failure(Code.UNAVAILABLE, BUSY, retry_after=1.0)
            tried.add(reach.url)
            reach.busy += 1
            try:
                answer = await reach.pool.request(
                    scope["method"], target, headers, body, deadline=deadline, stream=True
                )
                budget.succeeded()
                if attempt + 1 == TRIES or upload.touched or not _refused(answer):
                    await self._relay(answer, upload, scope, send)
                    return
                await answer.body.aclose()
            except (NotSent, Unknown) as error:
                if error.reason is Reason.DEADLINE:
                    what = f"{route.service} did not answer in time"
                    raise Failure(Code.DEADLINE_EXCEEDED, what) from error
                unknown = unknown or isinstance(error, Unknown)
                tries = _tries(error, route, budget)
                if upload.touched or attempt + 1 >= tries:
                    break
            except ValueError as error:
                raise Failure(Code.INVALID_ARGUMENT, UNREADABLE) from error
            finally:
                reach.busy -= 1
            await asyncio.sleep(_BACK_OFF * 2**attempt * random.random())  # noqa: S311
        reply = _broken(route.service, scope) if unknown else _away(route.service, scope)
        await self._answer(reply, scope, send)

    async def _relay(
        self, answer: StreamedResponse, upload: Upload, scope: Mapping[str, Any], send: Send
    ) -> None:
        """Send ``answer`` as it arrives. One that breaks off stays incomplete, to be noticed."""
        headers = downstream(answer.headers)
        if not upload.whole.is_set():
            headers.append((b"connection", b"close"))  # the rest of the request is nobody's
        async with answer:
            await self._begin(answer.status, headers, scope, send)
            try:
                async for part in answer.body:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            except Unknown:
                return
        await send({"type": "http.response.body", "body": b""})

    async def _answer(self, reply: Reply, scope: Mapping[str, Any], send: Send) -> None:
        """Send an answer of our own."""
        body = reply.body if isinstance(reply.body, bytes) else b""
        headers = [(name.encode(), value.encode()) for name, value in reply.headers]
        if reply.status != 204:
            headers.append((b"content-length", b"%d" % len(body)))
        await self._begin(reply.status, headers, scope, send)
        await send({"type": "http.response.body", "body": body})

    async def _begin(
        self,
        status: int,
        headers: list[tuple[bytes, bytes]],
        scope: Mapping[str, Any],
        send: Send,
    ) -> None:
        if self._cors is not None:
            added = self._cors.headers(_header(scope, b"origin"))
            headers += [(name.encode(), value.encode("latin-1")) for name, value in added]
        await send({"type": "http.response.start", "status": status, "headers": headers})


def _tries(error: NotSent | Unknown, route: Route, budget: Budget) -> int:
    """How often a request may be sent in all, after it has failed like this."""
    if isinstance(error, NotSent):
        return TRIES
    budget.failed()
    return route.attempts if error.reason is Reason.CLOSED and budget.may_retry() else 1


def _refused(answer: StreamedResponse) -> bool:
    return answer.status == 503 and (REFUSED, NOT_READY) in answer.headers


def _away(service: str, scope: Mapping[str, Any]) -> Reply:
    if _is_person(scope):
        return Reply(None, 503, (_HTML, _LATER_ON), away_page(service).encode())
    return Reply(None, 503, (_PROBLEM, _LATER_ON), msgspec.json.encode(away_problem(service)))


def _broken(service: str, scope: Mapping[str, Any]) -> Reply:
    # Nothing here says "again": who asked must look first.
    if _is_person(scope):
        return Reply(None, 503, (_HTML,), broken_page(service).encode())
    return Reply(None, 503, (_PROBLEM,), msgspec.json.encode(broken_problem(service)))


def _is_person(scope: Mapping[str, Any]) -> bool:
    return wants_page((_header(scope, b"accept") or b"").decode("latin-1"))


def _header(scope: Mapping[str, Any], name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)


def _below(path: str, page: str) -> bool:
    return path == page or path.startswith((f"{page}/", f"{page}."))
