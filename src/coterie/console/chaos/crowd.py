"""Crowd: those who use a system while it is harmed."""

import asyncio
import itertools
from contextlib import suppress

from .port import Outcome, Workload
from .report import Tries

__all__ = ["Crowd"]

_MOST_BROKEN = 20
_PATIENCE = 75.0
_BREATH = 0.05


class Crowd:
    """Makes attempts, ``parallel`` at a time, until it is told to go; ``tries`` counts them."""

    def __init__(self, workload: Workload, parallel: int) -> None:
        self.tries = Tries()
        self._workload = workload
        self._numbers = itertools.count()
        self._going = False
        self._tasks = [asyncio.create_task(self._use()) for _ in range(parallel)]

    async def go(self) -> None:
        """Begin no more, and wait until those under way have ended.

        One that does not end is cancelled: nobody knows what became of it.
        """
        self._going = True
        _, late = await asyncio.wait(self._tasks, timeout=_PATIENCE)
        for task in late:
            task.cancel()
            self.tries.unknown += 1
            self._broken(f"an attempt did not end within {_PATIENCE:g} s")
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def leave(self) -> None:
        """Drop everything."""
        for task in self._tasks:
            task.cancel()

    async def _use(self) -> None:
        while not self._going:
            number = next(self._numbers)
            self.tries.attempted += 1
            try:
                self.tries.note(await self._workload.attempt(number))
            except Exception as error:  # noqa: BLE001  # it is the user's, and is reported
                self.tries.note(Outcome.UNKNOWN)
                self._broken(f"attempt {number} raised {type(error).__name__}: {error}")
                with suppress(TimeoutError):
                    await asyncio.sleep(_BREATH)

    def _broken(self, what: str) -> None:
        if len(self.tries.broken) < _MOST_BROKEN:
            self.tries.broken.append(what)
