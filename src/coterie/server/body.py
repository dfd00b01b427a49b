"""Reading a request's body: whole and bounded, or as it arrives and bounded."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from coterie.call import Failure
from coterie.contract import Code

__all__ = ["Disconnected", "Receive", "read", "stream"]

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class Disconnected(Exception):
    """The client went away before its request was whole; nobody waits for an answer."""


async def read(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """The whole body. Raises `Failure` 413 beyond ``limit`` octets, reading no further."""
    announced = headers.get(b"content-length")
    if announced is not None and len(announced) < 20 and int(announced) > limit:
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


async def stream(receive: Receive, limit: int) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises `Failure` 413 once it is beyond ``limit`` octets."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Failure(Code.CANCELLED, "The client went away before its body was whole")
        chunk = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        if chunk:
            yield chunk


def _too_large(limit: int) -> Failure:
    return Failure(
        Code.RESOURCE_EXHAUSTED,
        f"The body is larger than {limit} bytes, the most taken here",
        status=413,
        headers=(("connection", "close"),),
    )
