"""What an answer is, while it is being read: framing, limits, and where it ends. No sockets."""

from typing import Protocol

from .errors import Reason
from .response import Inbox

__all__ = ["HEADER_LIMIT", "Parser", "Reader", "Refused"]

HEADER_LIMIT = 64 * 1024
"""Octets of status line and headers of one answer, interim answers and trailers included."""


class Refused(Exception):
    """Raised through the parser to stop it; `Reader.fault` says why."""


class Parser(Protocol):
    """What the parser knows of the message it is in."""

    def get_status_code(self) -> int:
        """Three digits, once the status line is read."""
        ...

    def get_http_version(self) -> str:
        """Such as ``1.1``."""
        ...

    def should_keep_alive(self) -> bool:
        """Whether the connection outlives this message, asked at its end."""
        ...


class Reader:
    """The state of one answer; the parser calls its ``on_`` methods.

    Strict where two readers could read differently (RFC 9112, section 6; that is how requests
    and answers are smuggled): besides what the parser itself refuses, no transfer coding but
    ``chunked``, none in HTTP/1.0, no other version, no upgrade.

    Args:
        limit: Octets of body held for an answer that is not streamed.
    """

    __slots__ = (
        "_head",
        "_headers_size",
        "_inbox",
        "_interim",
        "_limit",
        "_pieces",
        "_quiet",
        "_size",
        "done",
        "fault",
        "headers",
        "keep",
        "parser",
        "started",
        "status",
        "until_close",
    )

    def __init__(self, limit: int) -> None:
        self.parser: Parser
        self._limit = limit
        self.expect("", None)
        self.done = True

    def expect(self, method: str, inbox: Inbox | None) -> None:
        """Begin anew.

        Args:
            method: Of the request; an answer to HEAD ends with its headers.
            inbox: Where the body goes as it arrives; None to hold it here.
        """
        self.done = False
        """The answer is whole. Also true when none is expected."""
        self.started = False
        """Status and headers are there."""
        self.keep = False
        """The other side will take another request on this connection."""
        self.until_close = False
        """The body ends where the connection ends."""
        self.fault: tuple[Reason, str] | None = None
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self._head = method == "HEAD"
        self._inbox = inbox
        self._interim = False
        self._headers_size = 0
        self._quiet = 0
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def body(self) -> bytes:
        """The body held."""
        pieces = self._pieces
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def count(self, octets: int) -> None:
        """Note how much is about to be parsed."""
        self._quiet += octets

    @property
    def rambling(self) -> bool:
        """Whether too much went by without being a body: headers, trailers, chunk extensions."""
        return self._quiet > HEADER_LIMIT

    def ended_cleanly(self, data: bytes) -> bool:
        """Whether nothing followed the answer in the octets that completed it.

        The parser says so itself, except after HEAD, where it takes what follows for a body.
        There we look for the blank line at the very end; where it was cut in two we cannot tell.
        """
        return not self._head or (len(data) >= 4 and data.find(b"\r\n\r\n") == len(data) - 4)

    # --- what the parser says -------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """First octet of an answer."""
        if self.done:
            raise Refused

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; or a trailer, which is counted and left out."""
        self._headers_size += len(name) + len(value) + 4
        if self._headers_size > HEADER_LIMIT:
            self._refuse(Reason.TOO_LARGE, f"more than {HEADER_LIMIT} octets of headers")
        if not self.started:
            self.headers.append(
                (name.decode("latin-1").lower(), value.strip(b" \t").decode("latin-1"))
            )

    def on_headers_complete(self) -> None:
        """The blank line: what is this answer, and how will we know its end?"""
        self.status = self.parser.get_status_code()
        version = self.parser.get_http_version()
        if version not in {"1.1", "1.0"}:
            self._refuse(Reason.MALFORMED, f"HTTP version {version}")
        if self.status < 200:
            if self.status == 101:
                self._refuse(Reason.MALFORMED, "status 101, but no upgrade was asked for")
            self._interim = True
            return
        self.started = True
        length, chunked = self._framing(version)
        if self._head:
            self._complete()
        elif self.status not in {204, 304}:
            self.until_close = length is None and not chunked
            if length is not None and length > self._limit and self._inbox is None:
                self._refuse(Reason.TOO_LARGE, f"a body of {length} octets")

    def on_body(self, data: bytes) -> None:
        """Some octets of the body, freed from their framing."""
        if self.done:
            raise Refused
        self._quiet = 0
        if self._inbox is not None:
            self._inbox.put(data)
            return
        self._size += len(data)
        if self._size > self._limit:
            self._refuse(Reason.TOO_LARGE, f"a body of more than {self._limit} octets")
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        """Last octet of an answer, or of an interim one."""
        if self._interim:
            self._interim = False
            self.headers.clear()
        elif not self.done:
            self._complete()

    def _framing(self, version: str) -> tuple[int | None, bool]:
        length: int | None = None
        chunked = False
        for name, value in self.headers:
            if name == "content-length":
                length = int(value)  # digits, once, and never beside chunked: the parser saw to it
            elif name == "transfer-encoding":
                if chunked or version == "1.0" or value.lower() != "chunked":
                    self._refuse(Reason.MALFORMED, f"transfer coding {value[:40]!r}")
                chunked = True
        return length, chunked

    def _complete(self) -> None:
        self.done = True
        self.keep = self.parser.should_keep_alive()

    def _refuse(self, reason: Reason, why: str) -> None:
        self.fault = (reason, why)
        raise Refused
