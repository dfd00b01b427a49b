"""ConsoleApp: the ASGI application of the dashboard."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

from coterie.binding.rest.etag import matches
from coterie.call import Reply
from coterie.server import Page as ForeignPage

from . import pages
from .assets import PLACE, address, asset
from .exposition import merged
from .guard import LOCAL, PAGE_HEADERS, allowed
from .known import Asked, Content, Known, Page, View
from .port import Source
from .sse import Event, Receive, Send, Streams, part

__all__ = ["ConsoleApp"]

log = logging.getLogger("coterie.console")

_Headers = tuple[tuple[str, str], ...]

_VIEWS: Mapping[str, View] = {
    "/console": View(pages.overview_page),
    "/console/graph": View(pages.graph_page),
    "/console/protection": View(pages.protection_page),
    "/console/traces": View(pages.traces_page),
    "/console/logs": View(pages.logs_page, pages.logs_stream),
    "/console/contracts": View(pages.contracts_page),
}
_BELOW: Mapping[str, View] = {
    "/console/traces/": View(pages.trace_page),
    "/console/contracts/": View(pages.contract_page),
    "/console/processes/": View(pages.process_page),
}
_TEXT: _Headers = (("content-type", "text/plain; charset=utf-8"),)
_FRESH: _Headers = (("cache-control", "no-store"),)
_HTML: _Headers = (
    ("content-type", "text/html; charset=utf-8"),
    *_FRESH,
    ("vary", "accept"),
    *PAGE_HEADERS,
)
_STREAM: _Headers = (
    ("content-type", "text/event-stream; charset=utf-8"),
    *_FRESH,
    ("vary", "accept"),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "same-origin"),
)
_PAUSE = 0.5


class ConsoleApp:
    """Answers GET and HEAD for the pages below ``/console``, ``/metrics`` and ``/health/live``.

    ``more`` answer what none of these does. Nothing here changes anything: every other method is
    refused with 405. Requests for the console and its metrics under a name that is not one of
    ``hosts`` are refused with 403.

    A page that is asked for as ``text/event-stream`` goes on telling what has changed in it.
    """

    def __init__(
        self,
        known: Known,
        source: Source,
        *,
        more: Sequence[ForeignPage] = (),
        hosts: Collection[str] = LOCAL,
        streams: Streams | None = None,
    ) -> None:
        self.streams = Streams() if streams is None else streams
        self._known = known
        self._source = source
        self._more = more
        self._hosts = hosts

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3.0)."""
        if scope["type"] == "lifespan":
            raise RuntimeError("the console's life belongs to its Dashboard: start and stop that")
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        path: str = scope["raw_path"].decode("latin-1")
        asked = self._asked(scope, headers)
        view = None if asked is None else self._view(asked)
        streamed = b"text/event-stream" in headers.get(b"accept", b"") and scope["method"] == "GET"
        if asked is not None and view is not None and streamed and self._admitted(headers):
            await self._stream(view, asked, receive, send)
            return
        try:
            reply = await self._reply(scope["method"], path, headers, asked)
        except Exception:
            # A defect of ours, or a history that cannot be read: the other pages go on.
            log.exception("the console failed at %s", path[:200])
            reply = _words(500, "The console failed at this page; its log tells why.")
        await _answer(reply, scope["method"], send)

    # --- what is asked --------------------------------------------------------------------------

    def _asked(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Asked | None:
        path: str = scope["raw_path"].decode("latin-1")
        if len(path) > 1:
            path = path.rstrip("/")
        if path != "/console" and not path.startswith("/console/"):
            return None
        below = next((place for place in _BELOW if path.startswith(place)), "")
        pairs = parse_qsl(scope["query_string"].decode("latin-1"))
        return Asked(
            path=path,
            rest=unquote(path[len(below) :], errors="replace") if below else "",
            query=dict(pairs[:20]),
            after=headers.get(b"last-event-id", b"").decode("latin-1"),
        )

    def _view(self, asked: Asked) -> View | None:
        found = _VIEWS.get(asked.path)
        if found is None and asked.rest:
            found = _BELOW[asked.path[: asked.path.index("/", len("/console/")) + 1]]
        return found

    def _admitted(self, headers: Mapping[bytes, bytes]) -> bool:
        return allowed(headers.get(b"host"), self._hosts)

    # --- what is answered -----------------------------------------------------------------------

    async def _reply(
        self, method: str, path: str, headers: Mapping[bytes, bytes], asked: Asked | None
    ) -> Reply:
        ours = asked is not None or path in ("/", "/metrics")
        if ours and not self._admitted(headers):
            return _words(
                403,
                "The console answers to this machine's own name only."
                " Open it as http://localhost with its port.",
            )
        if method not in ("GET", "HEAD"):
            return _words(405, "The console changes nothing: use GET.", (("allow", "GET, HEAD"),))
        if path == "/health/live":
            return Reply(
                None, 200, (("content-type", "application/json"), *_FRESH), b'{"status":"live"}'
            )
        if path == "/metrics":
            return await self._metrics()
        if path == "/":
            return Reply(None, 307, (("location", "/console"), *_FRESH))
        if asked is not None:
            return await self._ours(asked, headers)
        for page in self._more:
            reply = page(path, headers)
            if reply is not None:
                return reply
        return _words(404, "There is no such page. The console is at /console.")

    async def _ours(self, asked: Asked, headers: Mapping[bytes, bytes]) -> Reply:
        if asked.path.startswith(PLACE):
            return self._file(asked, headers)
        view = self._view(asked)
        known = self._known
        if view is None:
            content = pages.missing_page(f"The console has no page {asked.path}")
        else:
            content = await view.page(known, asked)
        return Reply(None, content.status, _HTML, await self._document(content))

    async def _document(self, content: Content) -> bytes:
        catalogue = await self._known.live.catalogue()
        version = "" if catalogue is None else catalogue.inventory.version
        return pages.frame(self._known, content, version, address)

    def _file(self, asked: Asked, headers: Mapping[bytes, bytes]) -> Reply:
        found = asset(asked.path.removeprefix(PLACE))
        if found is None:
            return _words(404, "The console has no such file.")
        kept = "private, max-age=31536000, immutable" if "v" in asked.query else "no-cache"
        shared = (("etag", found.tag), ("cache-control", kept), *PAGE_HEADERS)
        seen = headers.get(b"if-none-match")
        if seen is not None and matches(seen, found.tag, weak=True):
            return Reply(None, 304, shared)
        return Reply(None, 200, (("content-type", found.media), *shared), found.body)

    async def _metrics(self) -> Reply:
        texts = await self._source.metrics()
        body = merged(texts, self._known.live.held)
        kind = (("content-type", "text/plain; version=0.0.4; charset=utf-8"), *_FRESH)
        return Reply(None, 200, kind, body)

    # --- what goes on ---------------------------------------------------------------------------

    async def _stream(self, view: View, asked: Asked, receive: Receive, send: Send) -> None:
        if self.streams.full:
            more = (("retry-after", "5"),)
            await _answer(_words(503, "Too many pages are open.", more), "GET", send)
            return
        events = self._follow(view.page, asked)
        if view.stream is not None:
            events = view.stream(self._known, asked)
        await send({"type": "http.response.start", "status": 200, "headers": _wire(_STREAM)})
        try:
            with self._known.live.watched():
                await self.streams.pour(events, receive, send)
        except Exception:
            log.exception("the console broke off telling %s", asked.path[:200])

    async def _follow(self, page: Page, asked: Asked) -> AsyncIterator[Event]:
        """The parts of a page, each again when it has changed."""
        known = self._known
        sent: dict[str, str] = {}
        while True:
            turn = known.live.turn
            content = await page(known, asked)
            for place, markup in {"notice": pages.notice(known), **content.parts}.items():
                if sent.get(place) != markup:
                    sent[place] = markup
                    yield part(place, markup)
            await asyncio.sleep(_PAUSE)
            await turn.wait()


def _words(status: int, text: str, more: _Headers = ()) -> Reply:
    shared = (*_TEXT, *_FRESH, ("x-content-type-options", "nosniff"), *more)
    return Reply(None, status, shared, f"{text}\n".encode())


async def _answer(reply: Reply, method: str, send: Send) -> None:
    body = reply.body if isinstance(reply.body, bytes) else b""
    headers = _wire(reply.headers)
    if reply.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


def _wire(headers: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
