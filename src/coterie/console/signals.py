"""Signals: what Ctrl-C, SIGTERM and the end of the terminal mean to a process that runs a system."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["Signals"]

_LOOK = 0.5


class Signals:
    """SIGINT, SIGTERM and SIGHUP of this process, for the length of a block in its main thread.

    The first asks to stop: ``asked`` is set. The second insists: the task that entered the block
    is cancelled. A third, one that comes while the first still is not heard because some code
    holds up the event loop, and any that comes while ``hears()`` is false, raises
    `KeyboardInterrupt` where the process stands.

    With ``follower``, SIGTERM never insists: whoever started this process passes on as SIGTERM
    what a terminal has sent to both as SIGINT.
    """

    def __init__(self, *, follower: bool = False) -> None:
        self.asked = asyncio.Event()
        self._follower = follower
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._before: dict[signal.Signals, Any] = {}
        self._came = 0
        self._heard = 0
        self.hears: Callable[[], bool] = _deaf

    def __enter__(self) -> Self:
        # Not the loop's own handlers: those wait for a loop that may never turn again.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) == signal.SIG_DFL:  # nohup(1)
                self._before[number] = signal.signal(number, self._come)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    async def wait(self) -> None:
        """Wait until somebody asks."""
        while not self.asked.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await self.asked.wait()
            # A debugger that is told to continue keeps SIGINT for itself: breakpoint() in a
            # service would take Ctrl-C away for good.
            if signal.getsignal(signal.SIGINT) != self._come:
                signal.signal(signal.SIGINT, self._come)

    def _come(self, number: int, frame: FrameType | None) -> None:
        if self._follower and number == signal.SIGTERM and self._came:
            return
        self._came += 1
        if not self.hears() or self._came > 2 or self._came > self._heard + 1:
            raise KeyboardInterrupt
        self._loop.call_soon_threadsafe(self._hear)

    def _hear(self) -> None:
        self._heard += 1
        if self._heard == 1:
            self.asked.set()
        elif self._task is not None:
            self._task.cancel()


def _deaf() -> bool:
    # While users' modules are imported no event loop turns.
    return False
