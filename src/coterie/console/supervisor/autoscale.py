"""Scaler: as many instances of a service as its load asks for."""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable
from time import monotonic

from coterie.system import Replicas

from .crew import Crew
from .kept import NotStarted

__all__ = ["Scaler"]

log = logging.getLogger("coterie.console")

_LOOK = 1.0
_LOOKS = 3
_COOL_DOWN = 10.0


class Scaler:
    """Looks once a second at the calls under way in ``crew``, and scales it.

    Up as soon as the mean of the last three looks asks for it; down by one instance at a time, once
    fewer have sufficed for ``cool_down`` seconds.
    """

    def __init__(
        self,
        crew: Crew,
        pool: Replicas,
        *,
        cool_down: float = _COOL_DOWN,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._crew = crew
        self._pool = pool
        self._cool_down = cool_down
        self._clock = clock
        self._looks: deque[int] = deque(maxlen=_LOOKS)
        self._enough_since: float | None = None

    async def run(self) -> None:
        """Look, and scale, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            if self._crew.guest is not None:
                continue
            up = [member for member in self._crew.members if member.up]
            wanted = self.wanted(sum(member.in_flight for member in up))
            if wanted is not None:
                log.info("%s: %d instances for the calls under way", self._crew.name, wanted)
                try:
                    async for told in self._crew.scale(wanted):
                        log.info("%s", told)
                except NotStarted as error:
                    log.warning("%s", error)

    def wanted(self, in_flight: int) -> int | None:
        """How many instances there should be, after one more look; ``None`` for no change."""
        self._looks.append(in_flight)
        have = len(self._crew.members)
        mean = sum(self._looks) / len(self._looks)
        need = max(
            self._pool.min, min(self._pool.max, math.ceil(mean / self._pool.target_in_flight))
        )
        if need > have:
            self._enough_since = None
            return need
        if need == have:
            self._enough_since = None
            return None
        if self._enough_since is None:
            self._enough_since = self._clock()
        if self._clock() - self._enough_since < self._cool_down:
            return None
        self._enough_since = self._clock()
        return have - 1
