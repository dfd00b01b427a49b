"""respond(): one request, answered by a WSGI application in a thread."""

import logging
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, cast
from wsgiref.types import WSGIApplication, WSGIEnvironment

from .exchange import Exchange, Gone

__all__ = ["respond"]

log = logging.getLogger("coterie.program")

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType]
_Headers = list[tuple[str, str]]

_BODILESS = frozenset({204, 304})
# What belongs to the connection is the server's to say (PEP 3333, *Other HTTP Features*).
_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)


def respond(app: WSGIApplication, environ: WSGIEnvironment, exchange: Exchange) -> None:
    """Run ``app``, and put its answer into ``exchange`` as it is made. Raises nothing."""
    response = _Response(environ, exchange)
    try:
        result = app(environ, cast("Any", response.start))
        try:
            response.pour(result)
        finally:
            close: Callable[[], object] | None = getattr(result, "close", None)
            if close is not None:
                close()
    except Gone:
        pass
    except BaseException as raised:  # a thread must not end by what a program raises
        error = raised
        if not isinstance(raised, Exception):  # SystemExit: the process is not the program's to end
            error = RuntimeError(f"the program raised {raised!r}")
            error.__cause__ = raised
        if exchange.done:
            what = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
            log.exception("%s failed after its answer", what)
        else:
            exchange.fail(error)


class _Response:
    """The answer to one request: its head, which leaves with the first octets."""

    def __init__(self, environ: WSGIEnvironment, exchange: Exchange) -> None:
        self._environ = environ
        self._exchange = exchange
        self._wanted = environ["REQUEST_METHOD"] != "HEAD"
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._left: int | None = None  # octets still to come, where it is said how many there are
        self._begun = False
        self._whole = False

    def start(
        self, status: str, headers: _Headers, exc_info: _ExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        """Take status and headers: the application's ``start_response``."""
        if exc_info is not None:
            try:
                if self._begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # it refers to this very frame
        elif self._status:
            raise AssertionError("start_response() was called twice without exc_info (PEP 3333)")
        if not (status[:3].isdigit() and status[3:4] in ("", " ")):
            raise AssertionError(f"a status is a text like '200 OK', not {status!r:.40}")
        length: int | None = None
        encoded: list[tuple[bytes, bytes]] = []
        for name, value in headers:
            lower = name.lower().encode("latin-1")
            if lower in _HOP:
                continue
            if lower == b"content-length":
                length = int(value)
            encoded.append((lower, value.encode("latin-1")))
        self._status, self._headers, self._left = int(status[:3]), encoded, length
        # What Flask found, as Werkzeug has it there; when this returns it will be gone.
        rule: Any = getattr(self._environ.get("werkzeug.request"), "url_rule", None)
        self._exchange.route = getattr(rule, "rule", "")
        return self.write

    def pour(self, result: Iterable[bytes]) -> None:
        """Send what the application returned, as it gives it."""
        if self._left is None and not self._begun and self._measures(result):
            # A list of one, or of none: then its length is known before it leaves.
            only = next(iter(result), b"")
            if not self._status:
                raise _unbegun()
            if self._status not in _BODILESS:
                self._say_length(len(only))
            if only:
                self.write(only)
        else:
            for chunk in result:
                if chunk:
                    self.write(chunk)
                    if self._whole and not self._wanted:
                        return
        if not self._whole:
            self._finish()

    @staticmethod
    def _measures(result: Iterable[bytes]) -> bool:
        return isinstance(result, list | tuple) and len(result) < 2

    def _say_length(self, length: int) -> None:
        self._headers.append((b"content-length", b"%d" % length))
        self._left = length

    def write(self, data: bytes) -> None:
        """Send ``data`` at once, and wait for a client that reads slowly."""
        if not self._status:
            raise _unbegun()
        if not isinstance(data, bytes):
            raise TypeError(f"a WSGI application yields bytes, not {type(data).__name__}")
        if self._whole:
            if data and self._wanted and self._status not in _BODILESS:
                raise AssertionError("the answer is longer than its content-length says")
            return
        if not self._wanted or self._status in _BODILESS:
            self._send(b"", last=True)
            return
        last = False
        if self._left is not None:
            if len(data) > self._left:
                raise AssertionError("the answer is longer than its content-length says")
            self._left -= len(data)
            last = self._left == 0
        self._send(data, last=last)

    def _finish(self) -> None:
        if not self._status:
            raise _unbegun()
        bodiless = not self._wanted or self._status in _BODILESS
        if not self._begun and self._left is None and not bodiless:
            self._say_length(0)
        if self._left and not bodiless:
            raise AssertionError("the answer is shorter than its content-length says")
        self._send(b"", last=True)

    def _send(self, data: bytes, *, last: bool) -> None:
        body = {"type": "http.response.body", "body": data, "more_body": not last}
        self._whole = last
        if self._begun:
            self._exchange.put([body], len(data), last=last)
            return
        self._begun = True
        head = {"type": "http.response.start", "status": self._status, "headers": self._headers}
        self._exchange.put([head, body], len(data), last=last)


def _unbegun() -> AssertionError:
    return AssertionError("the application sent a body before start_response() was called")
