"""Gateway: the ASGI application that stands for a whole system."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from coterie.binding.rest import Router, normal_path, problem_reply
from coterie.call import Failure, Reply
from coterie.contract import Code
from coterie.registry import Registry
from coterie.server import STREAM_LIMIT, Cors

from .fleet import Fleet
from .forwarder import Errand, Forwarder, Send, header
from .headers import upstream
from .inside import Inside
from .passage import RESERVED, Passage, Passages, hidden
from .route import CONSOLE, PAGES, REGISTRY, TRIES, Route
from .upload import Left, Receive

__all__ = ["Gateway"]

_LATER = 0.5  # the service answers first when a call takes too long, and its answer says more
_READING = ("GET", "HEAD", "OPTIONS")
_LIVE = (("content-type", "application/json"),)
_RESERVED = re.compile(RESERVED)


class Gateway:
    """Passes each request on to an instance of the service that has its route. A component.

    What Envoy does with the files of `coterie.deploy.envoy`, for places without Envoy, and no
    faster than Python: the same routes, answers, retries and limits of time. ``registry`` tells
    the instances, and is started and stopped by whoever made it. ``console`` is the URL of what
    answers for documentation, keys and readiness; ``timeout`` the seconds a call may take where
    its operation says nothing; ``body_limit`` the octets of a body that is not streamed, and
    ``body_timeout`` the seconds it may take to arrive: an instance is asked once it is whole. One
    that is streamed may stand still for ``idle_timeout``.

    ``passages`` lead to programs as they are. A program has its time to begin its answer, and may
    be silent in the midst of it for ``idle_timeout``, or for its time where that is longer.

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
        passages: Sequence[Passage] = (),
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
        self._registry = Passages([REGISTRY] if console is not None else [])
        self._passages = Passages(passages)
        self._fleet = Fleet(registry, {} if console is None else {CONSOLE: console})
        self._forwarder = Forwarder(self._fleet, idle=idle_timeout, cors=cors)

    def inside(self, service: str, timeout: float | None = None) -> Inside:
        """What passes everything on to ``service``, for those who are inside themselves.

        To be served at an address of their own while this runs; its answers may take ``timeout``
        seconds to begin, ``None`` for the system's.
        """
        begins, silence = self._patience(timeout)
        inner = Forwarder(self._fleet, idle=self._idle, cors=None)
        return Inside(service, inner, begins=begins, silence=silence)

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
            if isinstance(found, Errand):
                await self._forwarder.run(found, scope, receive, send)
            else:
                await self._forwarder.answer(found, scope, send)
        except Failure as refusal:
            await self._forwarder.answer(problem_reply(refusal), scope, send)
        except Left:
            return
        finally:
            self.in_flight -= 1

    # --- where it goes --------------------------------------------------------------------------

    def _found(self, scope: Mapping[str, Any], path: str) -> Errand | Reply:
        if hidden(path):
            raise Failure(Code.NOT_FOUND, f"There is nothing at {path[:200]}")
        method: str = scope["method"]
        try:
            return self._routed(self._router.find(method, path)[0], path, scope)
        except Failure as refusal:
            allowed = self._router.allowed(path)
            if method == "OPTIONS" and allowed:
                return self._options(scope, allowed)
            if allowed:
                raise
            return self._page(scope, path, refusal)

    def _page(self, scope: Mapping[str, Any], path: str, refusal: Failure) -> Errand | Reply:
        if self._console and any(_below(path, page) for page in self._pages):
            page = Route(service=CONSOLE, operation=path, method="GET", path=path, attempts=TRIES)
            return self._routed(page, path, scope)
        if path != "/health/live" and (path != "/health/ready" or self._console):
            return self._passed(scope, path, refusal)
        method: str = scope["method"]
        if method == "OPTIONS":
            return self._options(scope, _READING)
        if method in _READING:
            return Reply(None, 200, _LIVE, b'{"status":"%s"}' % path[8:].encode())
        what = f"Use GET, HEAD or OPTIONS here, not {method[:20]}"
        allow = (("allow", ", ".join(_READING)),)
        raise Failure(Code.UNIMPLEMENTED, what, status=405, headers=allow)

    def _passed(self, scope: Mapping[str, Any], path: str, refusal: Failure) -> Errand:
        found = self._registry.find(path)
        if found is None and not _RESERVED.fullmatch(path):
            found = self._passages.find(path)
        if found is None:
            raise refusal
        passage, target = found
        begins, silence = self._patience(passage.timeout)
        return Errand(
            service=passage.service,
            target=_asked(target, scope),
            headers=upstream(scope, passage.prefix),
            limit=self._limit,
            gathered=self._body,
            begins=begins,
            silence=silence,
        )

    def _routed(self, route: Route, path: str, scope: Mapping[str, Any]) -> Errand:
        errand = Errand(
            service=route.service,
            target=_asked(path, scope),
            headers=upstream(scope),
            limit=STREAM_LIMIT,
            attempts=route.attempts,
        )
        if route.stream:
            return errand
        seconds = self._timeout if route.timeout is None else route.timeout
        within = seconds + _LATER
        return structs.replace(errand, limit=self._limit, gathered=self._body, within=within)

    def _patience(self, timeout: float | None) -> tuple[float, float]:
        """The seconds for a program's answer to begin, and for it to be silent then."""
        begins = (self._timeout if timeout is None else timeout) + _LATER
        return begins, max(begins, self._idle)

    def _options(self, scope: Mapping[str, Any], allowed: tuple[str, ...]) -> Reply:
        headers: tuple[tuple[str, str], ...] = (("allow", ", ".join(allowed)),)
        if self._cors is not None and header(scope, b"access-control-request-method"):
            headers += self._cors.preflight(allowed)
        return Reply(None, 204, headers)


def _asked(path: str, scope: Mapping[str, Any]) -> str:
    query: bytes = scope["query_string"]
    return f"{path}?{query.decode('latin-1')}" if query else path


def _below(path: str, page: str) -> bool:
    return path == page or path.startswith((f"{page}/", f"{page}."))
