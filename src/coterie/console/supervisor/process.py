"""Process: a child of the supervisor, its number and its end."""

import asyncio
import os
import signal
from contextlib import suppress

__all__ = ["Process", "how_ended"]

_NOT_YET = 0.01
_TRIES = 100


class Process:
    """A process of the system: its number, and its end."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._tries = 0
        # A number may be given to another process once this one is reaped; this cannot.
        self._handle = os.pidfd_open(pid)
        self._loop.add_reader(self._handle, self._reap)

    @property
    def alive(self) -> bool:
        """Whether it runs, as far as is known."""
        return not self._ended.done()

    async def wait(self) -> int:
        """Wait for its end; its exit code, or below zero the signal that ended it."""
        return await asyncio.shield(self._ended)

    async def end_of(self, seconds: float) -> int:
        """Its exit code, as `wait`; SIGKILL where it has not ended by itself after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                return await self.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            return await self.wait()

    def signal(self, number: int) -> None:
        """Send it a signal; one that has ended hears nothing."""
        if self.alive:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    async def end(self, seconds: float) -> None:
        """SIGTERM; after ``seconds`` SIGKILL."""
        self.signal(signal.SIGTERM)
        await self.end_of(seconds)

    def _reap(self) -> None:
        if self._ended.done():
            return
        try:
            found, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            # Killed before it was ours: its parent ends in a moment, and then it is.
            self._tries += 1
            if self._tries < _TRIES:
                self._loop.remove_reader(self._handle)
                self._loop.call_later(_NOT_YET, self._reap)
                return
            found, status = self.pid, 0
        if found:
            self._loop.remove_reader(self._handle)
            os.close(self._handle)
            self._ended.set_result(os.waitstatus_to_exitcode(status))


def how_ended(code: int) -> str:
    """What ended with ``code``, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    return f"was ended by {name}"
