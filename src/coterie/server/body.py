"""Reading a request's body: whole and bounded, or as it arrives and bounded."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

from coterie.call import Failure
from coterie.contract import Code

__all__ = ["Disconnected", "Incoming", "Receive", "read"]

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class Disconnected(Exception):
    """The client went away before its request was whole; nobody waits for an answer."""


async def read(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """The whole body. Raises `Failure` 413 beyond ``limit`` octets, reading no further."""
    announced = headers.get(b"content-length")
    if announced is not None and (len(announced) > 19 or int(announced) > limit):
        raise _too_large(limit)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Disconnected
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > limit:
            raise _too_large(limit)
        return body
    chunks, size = [body], len(body)
    while message.get("more_body", False):
        if size > limit:
            raise _too_large(limit)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
    if size > limit:
        raise _too_large(limit)
    return b"".join(chunks)


class Incoming:
    """The body as it arrives. Iterate once.

    Raises `Failure` 413 once it is beyond ``limit`` octets, and ``canceled`` when the client goes
    away before the end. ``whole`` is set once nothing more will come; ``left`` says that it
    never will.
    """

    def __init__(self, receive: Receive, limit: int) -> None:
        self.whole = asyncio.Event()
        self.left = False
        self._receive = receive
        self._limit = limit
        self._size = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self.whole.is_set():
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.left = True
                self.whole.set()
                raise Failure(Code.CANCELLED, "The client went away before its body was whole")
            if not message.get("more_body", False):
                self.whole.set()
            chunk: bytes = message.get("body", b"")
            self._size += len(chunk)
            if self._size > self._limit:
                raise _too_large(self._limit)
            if chunk:
                return chunk
        raise StopAsyncIteration


def _too_large(limit: int) -> Failure:
    return Failure(
        Code.RESOURCE_EXHAUSTED,
        f"The body is larger than {limit} bytes, the most taken here",
        status=413,
        headers=(("connection", "close"),),
    )
