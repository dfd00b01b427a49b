"""Starting: says whom a start waits for, and ends what holds up the event loop itself."""

import asyncio
import logging
import signal
import sys
from pathlib import Path
from time import monotonic
from types import FrameType, TracebackType
from typing import Any, Self

from coterie.server import Host, State
from coterie.system import Assembly, Problem, System

__all__ = ["Starting"]

log = logging.getLogger("coterie.console")

_BEAT = 0.25
_LOOK = 0.5
_FIRST = 1.0


class Starting:
    """Watches ``system`` start, for the length of a block in the main thread, or until `end`.

    After one second it logs what is waited for, and again at twice the time: the modules, until
    there is an ``assembly``; then the databases, then each service. Where users' code holds up
    the event loop, it says in which line.

    A hook that awaits too long is the assembly's to end, with a timeout. One that blocks
    (`time.sleep`, a driver without asyncio, a loop without end) stops the event loop and every
    timeout with it; so a timer of the kernel (setitimer, SIGALRM) looks from outside, and after
    ``patience`` seconds without a turn of the loop raises `TimeoutError` in the middle of it;
    ``problem`` then says what it was. In a debugger nothing is raised: somebody is looking.
    """

    def __init__(self, system: System, *, patience: float) -> None:
        self.assembly: Assembly | None = None
        self.problem: Problem | None = None
        self._system = system
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._began = self._beaten = monotonic()
        self._next = _FIRST
        self._beat: asyncio.TimerHandle | None = None
        self._before: Any = None

    def __enter__(self) -> Self:
        self._turn()
        self._before = signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, _LOOK, _LOOK)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """It has started: look no longer."""
        beat, self._beat = self._beat, None
        if beat is not None:
            beat.cancel()
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before)

    def turns(self) -> bool:
        """Whether the event loop turned of late."""
        return monotonic() - self._beaten < 3 * _BEAT

    def _turn(self) -> None:
        self._beaten = monotonic()
        self._beat = self._loop.call_later(_BEAT, self._turn)

    def _look(self, number: int, frame: FrameType | None) -> None:
        if sys.gettrace() is not None:
            return
        now = monotonic()
        if now - self._began >= self._next:
            self._next *= 2
            place = self._place(frame)
            at = "" if place is None else f", at {place[0]}:{place[1]}"
            log.info("%s%s (%.0f s so far)", self._awaited(), at, now - self._began)
        # Importing may take its time: it is all that happens then.
        if self.assembly is not None and now - self._beaten > self._patience:
            self._beaten = now
            self.problem = self._held_up(frame)
            raise TimeoutError(self.problem.what)

    def _held_up(self, frame: FrameType | None) -> Problem:
        file, line = self._place(frame) or (None, None)
        places = self._system.places
        host = self._starting()
        who = "" if host is None else f"service {host.name}: "
        what = f"{who}it was not ready after {self._patience:.0f} s, and let nothing else run"
        remedy = "Await what it waits for, or put it into a thread with asyncio.to_thread()"
        if file is None:
            return Problem(places.file, None, what, remedy)
        return Problem(places.file.parent / file, line, what, remedy)

    def _awaited(self) -> str:
        if self.assembly is None:
            return "importing the services"
        host = self._starting()
        return "waiting for the databases" if host is None else f"waiting for service {host.name}"

    def _starting(self) -> Host | None:
        hosts = () if self.assembly is None else self.assembly.hosts
        return next((host for host in hosts if host.state is State.STARTING), None)

    def _place(self, frame: FrameType | None) -> tuple[Path, int] | None:
        """The users' line that runs at this moment, if one does."""
        while frame is not None:
            file = Path(frame.f_code.co_filename)
            if file.is_relative_to(self._system.folder):
                return file.relative_to(self._system.folder), frame.f_lineno
            frame = frame.f_back
        return None
