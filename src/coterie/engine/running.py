"""Running: one program from start to end, with what it said last if it ends badly."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from .port import Failed, Launch, Process

__all__ = ["Running", "private"]

T = TypeVar("T")

_LOOK = 0.003  # seconds between two looks whether it is ready
_LINES = 12
_TAIL = 16_384


class Running:
    """A program that runs, or ran; it may be started again.

    ``log`` is the file that its outputs are added to. ``causes`` are words of its log that tell
    what went wrong, each with the remedy.
    """

    def __init__(
        self, name: str, log: Path, launch: Launch, causes: Mapping[str, tuple[str, str]]
    ) -> None:
        self.name = name
        self.log = log
        self._launch = launch
        self._causes = causes
        self._process: Process | None = None
        self._ended: asyncio.Task[int] | None = None
        self._from = 0  # where in the log this start begins

    @property
    def pid(self) -> int | None:
        """The process's number, while it runs."""
        return self._process.pid if self._process is not None and self.alive else None

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._ended is not None and not self._ended.done()

    async def start(
        self, command: Sequence[str], ready: Callable[[int], Awaitable[T | None]], limit: float
    ) -> T:
        """Start it and wait until ``ready(pid)`` gives something, which is returned.

        Raises `Failed` if it ends before, or after ``limit`` seconds; then nothing is left running.
        """
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._from = os.fstat(log).st_size
            process = await self._launch(command, environment={}, log=log)
        except OSError as error:
            why = f"{command[0]} cannot be started: {error.strerror or error}"
            raise Failed(self.name, why, "Install it anew") from error
        finally:
            os.close(log)
        self._process = process
        self._ended = asyncio.create_task(process.wait())
        try:
            return await asyncio.wait_for(self._until(ready, process.pid, self._ended), limit)
        except TimeoutError:
            await self.stop(0)
            why = f"not ready after {limit:g} s"
            raise self.failed(why, "The machine may be overloaded; see its log") from None
        except BaseException:
            await self.stop(0)
            raise

    async def _until(
        self, ready: Callable[[int], Awaitable[T | None]], pid: int, ended: asyncio.Task[int]
    ) -> T:
        while True:
            if ended.done():
                raise self.failed(f"ended at once, {_told(ended.result())}", "See its log")
            if (found := await ready(pid)) is not None:
                return found
            await asyncio.sleep(_LOOK)

    async def wait(self) -> int:
        """Wait for the end of the process: its exit code, or minus the signal's number."""
        if self._ended is None:
            raise Failed(self.name, "was not started", "Start it first")
        return await asyncio.shield(self._ended)

    async def stop(self, limit: float) -> None:
        """End it with SIGTERM, and with SIGKILL after ``limit`` seconds, or if this is cancelled."""
        if self._process is None or self._ended is None:
            return
        try:
            if limit > 0 and self.alive:
                self._process.signal(signal.SIGTERM)
                await asyncio.wait([self._ended], timeout=limit)
        finally:
            if self.alive:
                self._process.signal(signal.SIGKILL)
        await asyncio.wait([self._ended])

    def failed(self, why: str, remedy: str) -> Failed:
        """What went wrong, with the end of the log, and with its cause if the log tells one."""
        lines = self.tail()
        text = "\n".join(lines).lower()
        for words, told in self._causes.items():
            if words in text:
                why, remedy = told
                break
        return Failed(self.name, why, remedy, lines)

    def tail(self) -> tuple[str, ...]:
        """The last lines of its log since it was started, a dozen at most."""
        try:
            with self.log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                begin = self._from if self._from <= size else 0  # it may have been cut short since
                file.seek(max(begin, size - _TAIL))
                text = file.read().decode(errors="replace")
        except OSError:
            return ()
        return tuple(line[:400] for line in text.splitlines() if line.strip())[-_LINES:]


def private(name: str, folder: Path) -> None:
    """Make ``folder`` if it is missing, and its owner's alone. Raises `Failed`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        why = f"the folder {folder} cannot be used: {error.strerror}"
        raise Failed(name, why, "Make it writable, or name another: [engines] state") from error


def _told(code: int) -> str:
    return f"by signal {-code}" if code < 0 else f"with exit code {code}"
