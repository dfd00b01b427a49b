"""HeadLimit: the connection's protocol, with an end to how long a request's head may be."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from coterie.binding.rest import UNREADABLE

__all__ = ["LONGEST_HEAD", "HeadLimit"]

LONGEST_HEAD = 64 * 1024
"""Octets of request line and headers together."""

_PROBLEM = (
    b'{"type":"about:blank","title":"Request Header Fields Too Large","status":431,'
    b'"detail":"The request line and headers are longer than 65536 bytes",'
    b'"code":"resource_exhausted"}'
)
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: application/problem+json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(_PROBLEM), _PROBLEM)
)
_MALFORMED = (
    b'{"type":"about:blank","title":"Bad Request","status":400,'
    b'"detail":"%s","code":"invalid_argument"}' % UNREADABLE.encode()
)
_NO_REQUEST = (
    b"HTTP/1.1 400 Bad Request\r\n"
    b"content-type: application/problem+json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(_MALFORMED), _MALFORMED)
)


class HeadLimit(HttpToolsProtocol):
    """Refuses a head beyond `LONGEST_HEAD` with 431 (RFC 6585, 5), and closes.

    The parser gathers a header until it is whole, however long it gets: without a limit one
    connection could fill the memory.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head: int | None = None
        self._large = False
        self._last = False

    def let_go(self) -> None:
        """Close with the answer to the next request, which will say so (RFC 9112, 9.6)."""
        self._last = True
        cycle: Any = self.cycle  # which is None before the first request, whatever its type says
        if cycle is not None and not cycle.response_started:
            cycle.keep_alive = False

    def data_received(self, data: bytes) -> None:
        """Parse what came, and refuse the head it belongs to if that is too long by now."""
        open_before = self._head is not None
        self._large = len(data) > LONGEST_HEAD
        super().data_received(data)
        if self._head is None:
            return  # whole: what more there was belongs to the body, or is counted from here on
        if not open_before or self._head == 0:
            # It began in these octets. How many of them are its own is not known, but they are no
            # more than one read of the socket.
            self._head = 1
            return
        self._head += len(data)
        if self._head > LONGEST_HEAD:
            self._refuse()

    def on_message_begin(self) -> None:
        """A head begins."""
        self._head = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole. What it asks for must be clear, or it is refused."""
        self._head = None
        if self._large and sum(len(n) + len(v) + 4 for n, v in self.headers) > LONGEST_HEAD:
            self._large = False
            self._refuse()
            raise ValueError("too long")  # the parser takes it for its own, and stops
        known = dict(self.headers)
        plain = len(known) == len(self.headers) and b"host" in known
        if not plain or b"transfer-encoding" in known or b"#" in self.url:
            self._check()
        self._begin(known)

    def _begin(self, known: dict[bytes, bytes]) -> None:
        """Take the request up, whose headers are ``known``, the last of each name."""
        super().on_headers_complete()
        if self._last:
            self.cycle.keep_alive = False

    def _check(self) -> None:
        """Look closely at a head that is not plain. Raises `ValueError`, which is a 400."""
        parser: Any = self.parser
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and parser.get_http_version() != "1.0"):
            raise ValueError("a request names one host (RFC 9112, 3.2)")
        if b"#" in self.url:
            raise ValueError("a fragment is not sent (RFC 9112, 3.2.1)")
        codings = [value for name, value in self.headers if name == b"transfer-encoding"]
        if codings and b",".join(codings).lower() != b"chunked":
            raise ValueError("chunked is all we can read (RFC 9112, 6.1)")

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed, in the form of every other refusal, and close."""
        if not self.transport.is_closing():
            self.transport.write(_NO_REQUEST)
            self.transport.close()

    def _refuse(self) -> None:
        transport: asyncio.Transport = self.transport
        if not transport.is_closing():
            transport.write(_REFUSAL)
            transport.close()
