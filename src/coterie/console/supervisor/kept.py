"""Kept: one process of the system, started again whenever it ends."""

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Protocol

from coterie.console.row import Kind, Row

from .process import Process, how_ended

__all__ = ["Kept", "NotStarted", "Worker"]

log = logging.getLogger("coterie.console")


_STEADY = 10.0
"""Seconds after which a process counts as one that runs, however it ended before."""

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 30.0
_SHORT = 1.0
_LAST_LINES = 8


class NotStarted(Exception):
    """It did not come up; the message says why."""


class Worker(Protocol):
    """How one kind of process is started and asked to end."""

    @property
    def address(self) -> str | None:
        """Where it answers."""
        ...

    async def start(self) -> Process:
        """Start it; returns once it answers. Raises `NotStarted`, with nothing left behind."""
        ...

    async def drain(self, process: Process, *, linger: bool) -> None:
        """Ask it to finish what it has and to end; returns when it has ended.

        ``linger``: others still know its address, and must learn that it goes.
        """
        ...

    def hold(self) -> None:
        """Keep its address, so that whoever calls waits instead of being refused."""
        ...

    def let_go(self) -> None:
        """Give its address up for a while: it will not be back soon."""
        ...


class Kept:
    """Runs ``worker``'s process until told to stop; ``changed`` is called at each step of its life.

    A process that ends by itself is started again at once the first time, then after growing
    pauses, up to 30 s, for as long as it ends within 10 s of starting. ``last`` gives the last
    lines of its log; ``program`` says that it is one that joins as it is.
    """

    def __init__(
        self,
        name: str,
        kind: Kind,
        worker: Worker,
        *,
        changed: Callable[["Kept"], None],
        last: Callable[[str, int], list[str]],
        services: tuple[str, ...] = (),
        program: bool = False,
    ) -> None:
        self.name = name
        self.program = program
        self.kind: Kind = kind
        self.services = services
        self.worker = worker
        self.state = "stopped"
        self.note = ""
        self.restarts = 0
        self.in_flight = 0
        self.calls = 0
        self.version = ""
        self.beaten = monotonic()
        """When it last gave a sign of life, where it gives any."""
        self.process: Process | None = None
        self.settled = asyncio.Event()
        """Set once it is up for the first time, or has failed to come up."""
        self._changed = changed
        self._last = last
        self._since: float | None = None
        self._failures = 0
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._stopping = False
        self._swap = asyncio.Lock()
        self._leaving: dict[Process, asyncio.Task[None]] = {}
        """Those that were replaced, until they have ended."""

    @property
    def up(self) -> bool:
        """Whether it answers."""
        return self.state == "up"

    def start(self) -> None:
        """Begin to keep it; `settled` tells when that has led to something."""
        self._stopping = False
        self._failures = 0
        self._wake.clear()
        self.settled.clear()
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    async def stop(self, *, linger: bool = False) -> None:
        """Let it finish and end, and keep it no longer."""
        self._stopping = True
        self._wake.set()
        process = self.process
        if process is not None and process.alive:
            self._enter("draining")
            # From when it takes no more, whoever still comes is refused, and so can go elsewhere:
            # one who waited here would be broken off, and not know what became of the call.
            self.worker.let_go()
            await self.worker.drain(process, linger=linger)
        await asyncio.gather(*self._leaving.values(), return_exceptions=True)
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self.process = None
        self.worker.let_go()
        self._enter("stopped")

    async def replace(self) -> None:
        """Start another process in its place; returns once that one answers.

        The one there was finishes what it has, meanwhile and after. Raises `NotStarted` where the new one does not come up: the old one stays then.
        """
        if self.process is None or self.state not in ("up", "stuck"):
            await self.again()
            return
        async with self._swap:
            old, new = self.process, await self.worker.start()
            if self._stopping:
                await new.end_of(0)
                raise NotStarted("was stopped meanwhile")
            self.process = new
        self._since = monotonic()
        self.restarts += 1
        self._changed(self)
        leaving = asyncio.create_task(self.worker.drain(old, linger=True))
        self._leaving[old] = leaving
        leaving.add_done_callback(lambda _: self._leaving.pop(old, None))

    async def again(self) -> None:
        """Start it now, without a pause that it may be in. Raises `NotStarted`."""
        if self._task is None or self._task.done():
            self.start()
        else:
            self._failures = 0
            self.settled.clear()
            self._wake.set()
        await self.settled.wait()
        if not self.up:
            raise NotStarted(self.note)

    def seem(self, *, stuck: bool) -> None:
        """It gives no sign of life, or does again."""
        if stuck and self.up:
            self._enter("stuck")
        elif not stuck and self.state == "stuck":
            self._enter("up")

    def kill(self) -> None:
        """End it at once, and keep it no longer."""
        self._stopping = True
        if self._task is not None:
            self._task.cancel()
        for process in (*self._leaving, self.process):
            if process is not None:
                process.signal(signal.SIGKILL)

    def row(self) -> Row:
        """What a person sees of it; its memory is left to be read."""
        process = self.process
        alive = process is not None and process.alive
        return Row(
            name=self.name,
            kind=self.kind,
            services=self.services,
            state=self.state,
            pid=process.pid if process is not None and alive else None,
            address=self.worker.address,
            memory=None,
            restarts=self.restarts,
            age=None if self._since is None or not alive else monotonic() - self._since,
            version=self.version,
            in_flight=self.in_flight,
            calls=self.calls,
            note=self.note,
            program=self.program,
        )

    async def _keep(self) -> None:
        began = True
        while not self._stopping:
            self._enter("starting" if began else "restarting")
            began = False
            try:
                self.process = await self.worker.start()
            except NotStarted as error:
                how = str(error)
            except Exception as error:
                # Whatever it is, it must not be the end of being kept.
                log.exception("%s cannot be started", self.name)
                how = f"cannot be started: {type(error).__name__}: {error}"
            else:
                self.note = ""
                self._since = self.beaten = monotonic()
                self._enter("up")
                self.settled.set()
                how = how_ended(await self._end())
                if self._stopping:
                    return
                if monotonic() - self._since >= _STEADY:
                    self._failures = 0
            self.in_flight = 0
            self.restarts += 1
            await self._pause(how)

    async def _end(self) -> int:
        """Wait until the process ends that is current then."""
        while True:
            process = self.process
            if process is None:
                return 0
            code = await process.wait()
            async with self._swap:  # the next one may be on its way already
                if process is self.process:
                    return code

    async def _pause(self, how: str) -> None:
        self._failures += 1
        how = how.rstrip(".")
        seconds = 0.0
        if self._failures > 1:
            seconds = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (self._failures - 2))
        if self._failures <= 1 and self.settled.is_set():
            log.warning("%s %s; starting it again", self.name, how)
            self._enter("restarting")
            return
        self.note = how
        if self._failures <= 1:
            log.error("%s %s; trying once more", self.name, how)
            return
        tail = "".join(f"\n    {line}" for line in self._last(self.name, _LAST_LINES))
        times = f"{self._failures} times in a row"
        log.error(
            "%s %s, %s; next try in %g s%s",
            self.name,
            how,
            times,
            seconds,
            f". The last lines of its log:{tail}" if tail else "",
        )
        if seconds > _SHORT:
            self.worker.let_go()
            self._enter("crashed")
        else:
            self._enter("restarting")
        self.settled.set()
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    def _enter(self, state: str) -> None:
        if state in ("starting", "restarting") and not self._stopping:
            try:
                self.worker.hold()
            except OSError as error:
                self.note = f"its address cannot be taken: {error}"
        if state != self.state:
            self.state = state
            self._changed(self)
