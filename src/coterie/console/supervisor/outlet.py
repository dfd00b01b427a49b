"""Outlet: where the lines of all processes leave, so that nobody waits for a slow reader."""

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

__all__ = ["Outlet"]

_MOST = 4 * 2**20
_LAST = 2.0


class Outlet:
    """Writes to the file descriptor ``fd`` from a thread of its own.

    A terminal that is scrolled up, or a pipe that nobody reads, would otherwise hold up whoever
    watches over the processes. At most 4 MiB wait; what does not fit is dropped, and the next
    line, made by ``lost`` of the number of lines, says so.
    """

    def __init__(self, fd: int, lost: Callable[[int], str]) -> None:
        self._fd = fd
        self._lost = lost
        self._texts: deque[str] = deque()
        self._size = 0
        self._dropped = 0
        self._ended = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="coterie-log", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def write(self, text: str) -> None:
        """Whole lines, to be written when their turn comes."""
        with self._news:
            if self._size + len(text) > _MOST:
                self._dropped += text.count("\n")
                return
            if self._dropped:
                text = self._lost(self._dropped) + text
                self._dropped = 0
            self._texts.append(text)
            self._size += len(text)
            self._news.notify()

    def stop(self) -> None:
        """Write what there is, as far as somebody reads it."""
        with self._news:
            self._ended = True
            self._news.notify()
        self._thread.join(_LAST)

    def _run(self) -> None:
        while (text := self._next()) is not None:
            # Past Python's own stream: its lock would be held while we wait for the reader, and
            # an interpreter that ends needs it.
            rest = memoryview(text.encode(errors="replace"))
            with suppress(OSError, ValueError):  # whoever read it is gone
                while rest:
                    rest = rest[self._put(rest) :]

    def _next(self) -> str | None:
        with self._news:
            self._news.wait_for(lambda: self._texts or self._ended)
            if not self._texts:
                return None
            text = self._texts.popleft()
            self._size -= len(text)
            return text

    def _put(self, data: memoryview) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:  # some other program has made the terminal non-blocking
            select.select([], [self._fd], [])
            return 0
