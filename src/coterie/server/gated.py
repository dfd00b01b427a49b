"""Gated: a connection that asks the door first, and stops serving whoever went away."""

import asyncio
import inspect
from typing import Any

from .door import LEFT, STREAMS, Door
from .protocol import HeadLimit

__all__ = ["Gated"]

_SMALL = 1 << 16
"""Octets of a body that are read and thrown away rather than losing the connection for them."""

_DIGITS = 4
_LINGER = 2.0
_LINGER_MOST = 1 << 22


class _Answered:
    """In the place of the cycle of a request that was refused: all is said."""

    response_complete = True
    response_started = True
    disconnected = False
    keep_alive = True

    def __init__(self) -> None:
        self.message_event = asyncio.Event()  # which nobody waits for


_ANSWERED: Any = _Answered()


class _Gentle:
    """The transport of a request whose body may be long: closing lets the client read first."""

    __slots__ = ("_protocol", "_transport", "is_closing", "write")

    def __init__(self, protocol: "Gated", transport: asyncio.Transport) -> None:
        self._protocol = protocol
        self._transport = transport
        self.write = transport.write
        self.is_closing = transport.is_closing

    def close(self) -> None:
        if self._protocol.cycle.more_body:
            self._protocol.linger()
        else:
            self._transport.close()


def _unbegun(task: asyncio.Task[None]) -> bool:
    coroutine: Any = task.get_coro()
    return inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED


class _Lingering(asyncio.Protocol):
    """What a connection is once nothing more is wanted: what comes is thrown away."""

    def __init__(self, protocol: "Gated", transport: asyncio.Transport) -> None:
        self._protocol = protocol
        self._transport = transport
        self._octets = 0

    def data_received(self, data: bytes) -> None:
        self._octets += len(data)
        if self._octets > _LINGER_MOST:
            self._transport.close()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)


class Gated(HeadLimit):
    """Refuses what the ``door`` does not let in: before a task is made or a body is read.

    A call whose client goes away before its answer begins is cancelled where it waits, of
    whatever kind it is: as if its deadline had come. What it did in its unit of work is rolled
    back whole, and a commit that was sent is finished. Nobody would learn of its outcome, and who
    asks again in doubt must not find the first try still at work. A call that has not begun is
    never begun. Without a door none of this is done.
    """

    def __init__(self, *args: Any, door: Door | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._door = door
        self._serving: Any = None  # the cycle of the request being answered
        self._task: asyncio.Task[None] | None = None
        self._entered = False
        self._lingers = False
        if door is not None:
            self.app: Any = door.serve

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more: stop what was done for them."""
        super().connection_lost(exc)
        task, cycle, door = self._task, self._serving, self._door
        if door is None or task is None or task.done() or cycle.response_started:
            return
        cycle.disconnected = True
        cycle.message_event.set()
        if STREAMS in cycle.scope:
            return
        if _unbegun(task):
            door.left()
        cycle.scope[LEFT] = True
        task.cancel()

    def linger(self) -> None:
        """End after an answer that came before the end of its request.

        A socket that is closed while octets come in resets the connection, and the client may
        lose an answer that it has not read (RFC 9112, 9.6): so this side is closed first, and what
        comes is thrown away for a moment.
        """
        transport: asyncio.Transport = self.transport
        self.pipeline.clear()
        if not transport.can_write_eof():
            transport.close()
            return
        self._lingers = True
        transport.write_eof()
        self.flow.resume_reading()
        transport.set_protocol(_Lingering(self, transport))
        self.loop.call_later(_LINGER, transport.close)

    def _begin(self, known: dict[bytes, bytes]) -> None:
        door = self._door
        if door is None or self._lingers:
            if self._lingers:
                self.cycle = _ANSWERED
            else:
                super()._begin(known)
            return
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        if cycle is None or cycle.response_complete:
            under_way = len(self.tasks)
            if not door.gate.enters(under_way):
                parser: Any = self.parser
                method: bytes = parser.get_method()
                if not door.takes(method, self.url, under_way):
                    self._turn_away(door, method, known)
                    return
            self._entered = True
        try:
            super()._begin(known)
        except BaseException:
            if self._entered:  # let in, and then its target could not be read
                self._entered = False
                door.gate.withdrawn()
            raise
        length = known.get(b"content-length")
        if (length is not None and len(length) > _DIGITS) or b"transfer-encoding" in known:
            gentle: Any = _Gentle(self, self.transport)
            self.cycle.transport = gentle

    def _turn_away(self, door: Door, method: bytes, known: dict[bytes, bytes]) -> None:
        length = known.get(b"content-length", b"0")
        long = (
            b"transfer-encoding" in known
            or b"expect" in known
            or len(length) > 9
            or int(length) > _SMALL
        )
        parser: Any = self.parser
        closes = long or self._last or not parser.should_keep_alive()
        self.cycle = _ANSWERED
        self.transport.write(door.refusal(body=method != b"HEAD", closes=closes))
        if long or (closes and length != b"0"):
            self.linger()
        elif closes:
            self.transport.close()
        elif self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        door = self._door
        self._serving = cycle
        if door is None:
            self.start(cycle, app)
        elif self._entered or self._enters_late(door, cycle.scope):
            self._entered = False
            door.start(self, cycle)
        else:
            self._serving = _ANSWERED
            self.start(cycle, door.refuse)

    def start(self, cycle: Any, app: Any) -> None:
        """Serve the request of ``cycle``, which its client still waits for."""
        self._task = task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _enters_late(self, door: Door, scope: Any) -> bool:
        """Whether a request that was sent ahead is let in now that its turn has come."""
        under_way = len(self.tasks)
        return door.gate.enters(under_way) or door.takes(
            scope["method"].encode("latin-1"), scope["raw_path"], under_way
        )
