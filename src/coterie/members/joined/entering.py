"""The context of a call, found in a request of WSGI or ASGI, and current while it is served."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from coterie.binding.rest import from_headers
from coterie.call import Context, current_context

__all__ = ["asgi", "wsgi"]

_TRAVEL = {
    "HTTP_TRACEPARENT": b"traceparent",
    "HTTP_BAGGAGE": b"baggage",
    "HTTP_AUTHORIZATION": b"authorization",
    "HTTP_COTERIE_TIMEOUT_MS": b"coterie-timeout-ms",
}

_Send = Callable[[Mapping[str, Any]], Awaitable[None]]
_Receive = Callable[[], Awaitable[Mapping[str, Any]]]
_Application = Callable[[Any, _Receive, _Send], Awaitable[None]]


def wsgi(app: WSGIApplication) -> WSGIApplication:
    """``app``, with the context of each request current until its answer is closed."""

    def entered(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        pairs = {name: environ[key] for key, name in _TRAVEL.items() if key in environ}
        context = _context({name: value.encode("latin-1") for name, value in pairs.items()})
        before = current_context.get(None)
        current_context.set(context)
        try:
            result = app(environ, start_response)
        except BaseException:
            _back(before)
            raise
        return _Result(result, context, before)

    return entered


def asgi(app: _Application) -> _Application:
    """``app``, with the context of each request current while it is served."""

    async def entered(scope: Any, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        token = current_context.set(_context(dict(scope["headers"])))
        try:
            await app(scope, receive, send)
        finally:
            current_context.reset(token)

    return entered


class _Result:
    """What a WSGI application returned; made, and closed, in the context of its request."""

    def __init__(self, result: Iterable[bytes], context: Context, before: Context | None) -> None:
        self._result = result
        self._context = context
        self._before = before

    def __iter__(self) -> Iterator[bytes]:
        parts = iter(self._result)
        while True:
            # Another request may have been served in this thread meanwhile.
            current_context.set(self._context)
            try:
                part = next(parts)
            except StopIteration:
                return
            yield part

    def close(self) -> None:
        """Close what was returned, and leave the request."""
        current_context.set(self._context)
        try:
            close: Callable[[], object] | None = getattr(self._result, "close", None)
            if close is not None:
                close()
        finally:
            _back(self._before)


def _back(before: Context | None) -> None:
    # To nothing there is no way back but an empty context, whose calls begin a trace of their own.
    current_context.set(_context({}) if before is None else before)


def _context(headers: Mapping[bytes, bytes]) -> Context:
    """The context of a request with these headers; the one that is there, if it is this request's."""
    known = current_context.get(None)
    if known is not None and headers.get(b"traceparent") == known.trace.traceparent.encode():
        return known
    return from_headers(headers)
