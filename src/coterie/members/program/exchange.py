"""Exchange: an answer on its way from the thread that makes it to the loop that sends it."""

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

__all__ = ["Exchange", "Gone"]

_HIGH = 64 * 1024
"""Octets that wait to be sent; then the thread waits."""

Messages = list[Mapping[str, Any]]


class Gone(Exception):
    """Nobody waits for the rest of the answer."""


class Exchange:
    """Hands ASGI messages over. `put`, `fail` and `end` are the thread's, the rest is the loop's."""

    __slots__ = (
        "_error",
        "_lock",
        "_loop",
        "_room",
        "_size",
        "_waiter",
        "_waits",
        "done",
        "gone",
        "route",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.route = ""
        """The route that the application found, where it says so."""
        self.gone = False
        """Nobody waits for an answer any more."""
        self.done = False
        """The last message was put; what there is can still be taken."""
        self._loop = loop
        self._lock = threading.Lock()
        self._room: threading.Event | None = None  # made by the first answer that is slowly read
        self._waits: Messages = []
        self._size = 0
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None

    # --- in the thread --------------------------------------------------------------------------

    def put(self, messages: Messages, size: int, *, last: bool) -> None:
        """Send ``messages``, with ``size`` octets in all. Raises `Gone`; waits for a slow client."""
        with self._lock:
            if self.gone:
                raise Gone
            wake = self._waiter is not None
            self._waits += messages
            self._size += size
            self.done = last
            room = None
            if self._size > _HIGH and not last:
                room = self._room = self._room or threading.Event()
                room.clear()
        if wake:
            self._loop.call_soon_threadsafe(self._wake)
        if room is not None:
            room.wait()
            if self.gone:
                raise Gone

    def fail(self, error: BaseException) -> None:
        """There is no answer, or none to the end: ``error`` is why."""
        with self._lock:
            self._error, self.done = error, True
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    # --- in the loop ----------------------------------------------------------------------------

    @property
    def finished(self) -> bool:
        """Whether all of it was taken."""
        return self.done and not self._waits and self._error is None

    async def take(self) -> Messages:
        """What was put since the last time. Raises what made the answer fail, after what came before."""
        with self._lock:
            waits = not self._waits and not self.done and not self.gone
            self._waiter = waiter = self._loop.create_future() if waits else None
        if waiter is not None:
            await waiter
        with self._lock:
            self._waiter = None
            messages, self._waits = self._waits, []
        if not messages and self._error is not None:
            raise self._error
        return messages

    def taken(self) -> None:
        """What was taken has been sent: the thread may go on."""
        with self._lock:
            self._size = 0
            if self._room is not None:
                self._room.set()

    def leave(self) -> None:
        """Nobody waits for the rest."""
        with self._lock:
            self.gone = True
            if self._room is not None:
                self._room.set()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
