"""Slowness: how slow a client may be, for servers that anybody reaches."""

import asyncio
import socket
import struct
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from .gated import Gated

__all__ = ["TOO_SLOW", "Slowness", "Watched", "watch"]

TOO_SLOW = "The request took too long to arrive; send it again, faster"
"""What a client is told whose request does not come to its end."""

_LOOK = 1.0
_USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)  # of Linux
_PROBLEM = msgspec.json.encode(
    {
        "type": "about:blank",
        "title": "Request Timeout",
        "status": 408,
        "detail": TOO_SLOW,
        "code": "deadline_exceeded",
    }
)
_REFUSAL = (
    b"HTTP/1.1 408 Request Timeout\r\n"
    b"content-type: application/problem+json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(_PROBLEM), _PROBLEM)
)


class Slowness(Struct, frozen=True, kw_only=True):
    """What a connection may take of a server's time and room. Times are in seconds.

    ``head`` is for a request's line and headers, from the first octet to the last, and for the
    first request of a connection; ``idle`` for the next one to begin. ``flush`` is for what is left of an answer once all of it has
    been given to the connection; ``stall`` how long one that is not complete may stand still.
    Until ``answer`` octets wait for their reader, an answer is taken from whoever makes it.
    Of ``connections`` that are open at once, each further one is closed.

    Raises `ValueError` for what would let nobody in.
    """

    head: float = 10.0
    idle: float = 60.0
    flush: float = 60.0
    stall: float = 300.0
    answer: int = 1 << 20
    connections: int = 10_000

    def __post_init__(self) -> None:
        times = (self.head, self.idle, self.flush, self.stall)
        least = min(*times, self.answer, self.connections)
        if not least > 0:
            raise ValueError(f"{self}: each of these needs to be more than 0, or nobody gets in")


class Watched(Gated):
    """A connection that is watched for how slow its client is."""

    def __init__(self, *args: Any, slowness: Slowness, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._slowness = slowness
        self._heading: float | None = None
        """When the head began that is not yet whole; or the connection, before the first."""
        self._waiting = 0
        self._whole = False
        self._moved = 0.0
        """When octets that wait for their reader last moved, or became the last ones."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, unless there are too many."""
        super().connection_made(transport)
        self._heading = self.loop.time()
        if len(self.connections) > self._slowness.connections:
            transport.abort()
            return
        transport.set_write_buffer_limits(high=self._slowness.answer)
        raw = transport.get_extra_info("socket")
        if raw is not None and _USER_TIMEOUT is not None:
            # What the kernel keeps for a reader who takes nothing, it keeps as long (RFC 5482),
            # after we have closed the connection too.
            raw.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, int(self._slowness.flush * 1000))

    def on_message_begin(self) -> None:
        """A head begins: its time runs."""
        if self._heading is None:
            self._heading = self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._heading = None
        super().on_headers_complete()

    def look(self, now: float) -> None:
        """End the connection if its client has been too slow by ``now``."""
        transport: asyncio.Transport = self.transport
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        answered = cycle is None or cycle.response_complete
        waiting = transport.get_write_buffer_size()
        if waiting:
            self._look_at_answer(now, waiting, whole=answered or transport.is_closing())
        elif answered and not transport.is_closing():
            self._waiting = 0
            self._look_at_head(now)
        else:
            self._waiting = 0
            if self._heading is not None:
                self._heading = now  # sent ahead, and not to be judged before its turn

    def _look_at_answer(self, now: float, waiting: int, *, whole: bool) -> None:
        moved = not whole and waiting != self._waiting
        if self._waiting == 0 or moved or whole is not self._whole:
            self._waiting, self._whole, self._moved = waiting, whole, now
        elif now - self._moved > (self._slowness.flush if whole else self._slowness.stall):
            _reset(self.transport)

    def _look_at_head(self, now: float) -> None:
        if self._heading is None:
            if self.timeout_keep_alive_task is None:
                self._heading = now  # empty lines stop that clock, and begin no request
            return
        if now - self._heading > self._slowness.head:
            if self._head is not None:
                self.transport.write(_REFUSAL)
            self.transport.close()


def _reset(transport: asyncio.Transport) -> None:
    """Close at once, and let the kernel keep nothing for a reader who does not read."""
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def watch(connections: Iterable[Any], slowness: Slowness) -> None:
    """Look at each of ``connections`` about once a second, until cancelled."""
    loop = asyncio.get_running_loop()
    pause = min(_LOOK, slowness.head / 4, slowness.flush / 4, slowness.stall / 4)
    while True:
        await asyncio.sleep(pause)
        now = loop.time()
        for connection in tuple(connections):
            if isinstance(connection, Watched):
                connection.look(now)
