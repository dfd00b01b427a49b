"""Answering: what a program sends, looked at before it leaves."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from .asgi import Send

__all__ = ["Answering", "Garbage"]

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
_VALUE = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*")  # RFC 9110, 5.5
_BODILESS = frozenset({204, 304})  # RFC 9110, 6.4.1

# Headers that are left out: how an answer is framed is the server's to say. The length that a 304
# may have is another answer's, and the server would wait for as much.
_FRAMED = frozenset({b"transfer-encoding"})
_BARE = _FRAMED | {b"content-length"}


class Garbage(Exception):
    """What a program sent is no answer."""


class Answering:
    """Passes an answer on to ``send``, if it is one; `Garbage` is raised into whoever made it.

    The head of an answer that says how long it is leaves with the first part of its body: so one that
    is not as long as it says can still be answered for. ``opened`` is called once the answer is whole, or
    when it begins where it does not say its length. A body is left out where the status has none:
    whoever reads the connection would take it for the next answer.
    """

    __slots__ = (
        "_bodiless",
        "_head",
        "_left",
        "_opened",
        "_send",
        "_wanted",
        "begun",
        "garbage",
        "status",
        "whole",
    )

    def __init__(self, send: Send, method: str, opened: Callable[[int], None]) -> None:
        self.status = 0
        """Of the answer; 0 before it."""
        self.begun = False
        """Something has left."""
        self.whole = False
        """All of it has left."""
        self.garbage = ""
        """What was wrong with it."""
        self._send = send
        self._wanted = method != "HEAD"
        self._bodiless = False
        self._opened = opened
        self._head: Mapping[str, Any] | None = None
        self._left: int | None = None

    async def send(self, message: Mapping[str, Any]) -> None:
        """Take one message of the program's (ASGI 3.0)."""
        kind = message["type"]
        if kind == "http.response.body":
            await self._body(message)
        elif kind == "http.response.start":
            await self._start(message)
        else:
            raise self._wrong(f"it sent a message {kind!r}, which was not agreed upon")

    def _start(self, message: Mapping[str, Any]) -> Awaitable[None]:
        if self.status:
            raise self._wrong("it began its answer twice")
        status = message["status"]
        if not isinstance(status, int) or not 200 <= status <= 599:
            raise self._wrong(f"it answered with the status {status!r}")
        self._bodiless = status in _BODILESS
        headers, length = self._headers(message.get("headers", ()))
        message = {**message, "headers": headers}
        self.status = status
        if length is None or not self._wanted or self._bodiless:
            self._opened(status)
            self.begun = True
            return self._send(message)
        self._left, self._head = length, message
        return _nothing()

    def _headers(
        self, given: Iterable[tuple[Any, Any]]
    ) -> tuple[list[tuple[bytes, bytes]], int | None]:
        """Those of ``given`` that leave, and the length of the body where they say it."""
        kept: list[tuple[bytes, bytes]] = []
        length = None
        for name, value in given:  # which can be gone through once: it may be a generator
            if not isinstance(name, bytes) or not isinstance(value, bytes):
                raise self._wrong(f"its header {name!r} is not of bytes")
            if _NAME.fullmatch(name) is None:
                raise self._wrong(f"it sent a header called {name[:40]!r}")
            if _VALUE.fullmatch(value) is None:
                raise self._wrong(
                    f"its header {name.decode()} has a line break or a control character"
                )
            lower = name.lower()
            if lower == b"content-length":
                if length is not None or not value.isdigit():
                    raise self._wrong(f"its content-length is {value[:40]!r}")
                length = int(value)
            if lower not in (_BARE if self._bodiless else _FRAMED):
                kept.append((name, value))
        return kept, length

    async def _body(self, message: Mapping[str, Any]) -> None:
        if not self.status:
            raise self._wrong("it sent a body before its status")
        if self.whole:
            raise self._wrong("it went on after the end of its answer")
        more = message.get("more_body", False)
        left = self._left
        if left is not None:
            body = message.get("body", b"")
            left -= len(body)
            if left < 0 or (left and not more):
                told = "longer" if left < 0 else "shorter"
                raise self._wrong(f"its answer is {told} than its content-length says")
            self._left = left
            if self._head is not None:
                head, self._head = self._head, None
                self.begun = True
                await self._send(head)
        if not more:
            self.whole = True
            if left is not None:
                self._opened(self.status)
        await self._send({**message, "body": b""} if self._bodiless else message)

    def _wrong(self, what: str) -> Garbage:
        self.garbage = self.garbage or what
        return Garbage(what)


async def _nothing() -> None:
    """Nothing is left to do."""
