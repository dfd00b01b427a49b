"""HeadLimit: the connection's protocol, with an end to how long a request's head may be."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

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


class HeadLimit(HttpToolsProtocol):
    """Refuses a head beyond `LONGEST_HEAD` with 431 (RFC 6585, 5), and closes.

    The parser gathers a header until it is whole, however long it gets: without a limit one
    connection could fill the memory.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head: int | None = None

    def data_received(self, data: bytes) -> None:
        """Parse what came, and refuse the head it belongs to if that is too long by now."""
        open_before = self._head is not None
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
        """The head is whole."""
        self._head = None
        super().on_headers_complete()

    def _refuse(self) -> None:
        transport: asyncio.Transport = self.transport
        if not transport.is_closing():
            transport.write(_REFUSAL)
            transport.close()
