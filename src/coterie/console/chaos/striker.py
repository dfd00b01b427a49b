"""Striker: does to a system what a plan says, when it says so."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from coterie.console.control import ControlClient
from coterie.console.row import Row
from coterie.policy.inject import Rule

from .plan import Plan, Strike
from .recovery import recovery
from .report import Recovery

__all__ = ["Striker"]

_WAIT = 5.0
_PAUSE = 0.02
_CALM = 60.0


class Striker:
    """Carries out ``plan``; ``told`` hears of each strike that was made.

    ``done`` are those made, ``missed`` those whose process did not come back in time to be struck.
    """

    def __init__(self, plan: Plan, control: ControlClient, told: Callable[[Strike], None]) -> None:
        self.done: list[Strike] = []
        self.missed: list[Strike] = []
        self._plan = plan
        self._control = control
        self._told = told
        self._rules: list[Rule] = []
        self._changing = asyncio.Lock()
        self._lasting: set[asyncio.Task[None]] = set()
        self._recovering: list[asyncio.Task[Recovery]] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Strike until the plan's time is over, or ``stop`` is set; then nothing lasts any longer."""
        began = monotonic()
        try:
            for strike in self._plan.strikes:
                if await _until(stop, began + strike.at):
                    return
                task = asyncio.create_task(self._strike(strike))
                self._lasting.add(task)
                task.add_done_callback(self._ended)
            await _until(stop, began + self._plan.seconds)
        finally:
            for task in list(self._lasting):
                task.cancel()  # each undoes itself
            await asyncio.gather(*self._lasting, return_exceptions=True)

    async def calm(self) -> list[Recovery]:
        """Once no rule is in force and every process is up again: how long each took."""
        await self._enforce()
        found = await asyncio.gather(*self._recovering)
        until = monotonic() + _CALM
        while monotonic() < until:
            rows = await self._control.rows()
            if all(row.state == "up" for row in rows):
                break
            await asyncio.sleep(_PAUSE)
        return list(found)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._lasting.discard(task)
        if not task.cancelled():
            task.exception()  # a system that is gone is noticed by whoever uses it

    async def _strike(self, strike: Strike) -> None:
        if strike.rule is not None:
            await self._for_a_while(strike, strike.rule)
            return
        row = await self._present(strike.target)
        if row is None or row.pid is None:
            self.missed.append(strike)
            return
        if strike.kind == "pause":
            await self._pause(strike, row.pid)
            return
        os.kill(row.pid, signal.SIGKILL)
        self._note(strike)
        watching = recovery(row, self._control, monotonic())
        self._recovering.append(asyncio.create_task(watching))

    async def _pause(self, strike: Strike, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        try:
            self._note(strike)
            await asyncio.sleep(strike.seconds)
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    async def _for_a_while(self, strike: Strike, rule: Rule) -> None:
        self._rules.append(rule)
        try:
            await self._enforce()
            self._note(strike)
            await asyncio.sleep(strike.seconds)
        finally:
            self._rules.remove(rule)
            await self._enforce()

    async def _enforce(self) -> None:
        async with self._changing:
            async for _ in self._control.faults(self._plan.number, tuple(self._rules)):
                pass

    async def _present(self, name: str) -> Row | None:
        """The process called ``name``, once it is there."""
        until = monotonic() + _WAIT
        while monotonic() < until:
            rows = {row.name: row for row in await self._control.rows()}
            if name in rows and rows[name].pid is not None:
                return rows[name]
            await asyncio.sleep(_PAUSE)
        return None

    def _note(self, strike: Strike) -> None:
        self.done.append(strike)
        self._told(strike)


async def _until(stop: asyncio.Event, moment: float) -> bool:
    """Wait for ``moment``; whether ``stop`` came first."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, moment - monotonic())):
            await stop.wait()
    return stop.is_set()
