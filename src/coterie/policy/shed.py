"""Gate: how much a process begins while it has more to do than it can.

What a process of asyncio shares among its calls is the event loop. One that burns processor time
never has many calls in its methods at once: they queue before they begin, as ready tasks and in the
buffers of sockets. So the gate does not look at how long calls take (a method may well wait five
seconds for somebody else) but at how long they wait for their *first turn*: the time in queue of
CoDel, which is nought while the loop keeps up, whatever the calls do then.

From it follows how many may stand in the queue (Little's law): at most as many as begin within
``wait``, given what each has lately taken of the loop. A queue that a burst has left behind is good,
one that stands is not: while the loop keeps up, several times as much is let in, and first when
waiting has gone on for a tenth of a second the gate is *pressed* and holds to ``wait``. The limit
clocks itself, since nothing is let in but by turns of the loop: it cannot leave the processor idle
while somebody asks, as a limit of the rate could, and it needs no idea of a normal latency, as the
gradient of latencies does, which mistakes another mix of calls for a jam.

Sources: Nichols and Jacobson, *Controlling Queue Delay* (2012), and RFC 8289; Little, *A Proof for
the Queuing Formula L = λW* (1961); *Site Reliability Engineering* (2016), 21, for who goes first.
"""

from collections.abc import Callable
from time import monotonic
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

__all__ = ["Gate", "Priority", "Shedding"]

Priority: TypeAlias = Literal["high", "normal", "low"]

_INTERVAL = 0.1
"""Seconds of waiting after which a queue stands (RFC 8289, 4.3: 100 ms)."""

_BURST = 5.0
"""How many times ``wait`` a queue may hold that does not stand."""

_AFTER = 0.5
"""Seconds that the gate stays pressed after it last refused."""

_OFTEN = 16
_FORGET = 0.5
"""What is left of what calls were seen to take, after so many of which none had to wait."""

_SHARES: dict[Priority, float] = {"high": 4.0, "normal": 1.0, "low": 0.5}
_LOWEST = _SHARES["low"]


class Shedding(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long calls may wait for their turn, and how many may be under way.

    Raises `ValueError` for values that contradict each other.
    """

    wait: Annotated[
        float,
        Meta(
            title="seconds, above 0, 10 at most",
            description=(
                "How long a call may wait for its turn while there is too much to do, in seconds."
            ),
            gt=0,
            le=10,
            examples=[0.02],
        ),
    ] = 0.02
    least: Annotated[
        int,
        Meta(
            title="a whole number, 1 or more",
            description="How many calls may always wait for their turn.",
            ge=1,
            examples=[1],
        ),
    ] = 1
    most: Annotated[
        int,
        Meta(
            title="a whole number, 1 or more",
            description="How many calls a process answers at a time at most; streams do not count.",
            ge=1,
            examples=[1000],
        ),
    ] = 1000

    def __post_init__(self) -> None:
        if not 0 < self.wait <= 10:
            raise ValueError(f"wait = {self.wait}: take seconds, such as 0.02")
        if self.least < 1:
            raise ValueError(f"least = {self.least}: take a number of calls, such as 1")
        if self.most < self.least:
            raise ValueError(f"most = {self.most}: take no less than least = {self.least}")


class Gate:
    """Lets calls in, or not; one for a process. Pure: it is told what happens, and asks the clock.

    Each call that was let in is told once more, by `begun` or by `left`. ``waiting`` are those let
    in and not begun, ``limit`` how many they may be now, ``refused`` counts by priority.
    """

    def __init__(
        self, settings: Shedding | None = None, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self.settings = settings or Shedding()
        self.waiting = 0
        self.refused: dict[Priority, int] = {"high": 0, "normal": 0, "low": 0}
        self._clock = clock
        self._since = 0.0
        self._begun = 0
        self._each = 0.0
        """Seconds of the loop that a call which begins takes, with all that goes on beside."""
        self._quiet = 0  # so many calls that waited alone are not looked at
        self._above: float | None = None
        self._pressed = 0.0
        self.limit = float(self.settings.most)
        self._below = self.limit * _LOWEST
        self._few = self.settings.most * _LOWEST
        self._wait = self.settings.wait

    @property
    def pressed(self) -> bool:
        """Whether there is, or was a moment ago, too much to do."""
        return self._clock() < self._pressed

    def enters(self, under_way: int) -> bool:
        """Let a call in if there is nothing to decide, whatever its priority.

        ``under_way`` is how many there are already. If not, ask `takes`.
        """
        waiting = self.waiting
        if waiting >= self._below or under_way >= self._few:
            return False
        if not waiting:
            self._since = self._clock()
        self.waiting = waiting + 1
        return True

    def takes(self, priority: Priority, under_way: int) -> bool:
        """Let a call of this priority in, or refuse it."""
        share = _SHARES[priority]
        waiting = self.waiting
        if waiting < self.limit * share and under_way < self.settings.most * share:
            if not waiting:
                self._since = self._clock()
            self.waiting = waiting + 1
            return True
        self.refused[priority] += 1
        if waiting >= self.limit * share:
            now = self._clock()
            # What refusing takes is not held against those who wait, or each refusal led to more.
            self._since = now
            self._pressed = now + _AFTER
            self._adjust(now)
        return False

    def begun(self) -> None:
        """A call that was let in has its first turn."""
        self._begun += 1
        waiting = self.waiting = self.waiting - 1
        if waiting:
            return
        now = self._clock()
        if self._begun == 1 and self._quiet and now - self._since <= self._wait:
            # The plain case, which is nearly every one: nobody else was waiting.
            self._quiet -= 1
            self._begun = 0
            return
        self._look(now)

    def left(self) -> None:
        """A call that was let in will never have its turn: whoever made it is gone."""
        self.waiting -= 1
        if not self.waiting:
            self._look(self._clock())

    def _look(self, now: float) -> None:
        """The queue is empty: how long did it take?"""
        waited, begun = now - self._since, self._begun
        self._begun = 0
        wait = self.settings.wait
        if begun > 1:
            each = waited / (begun - 1)  # the last one's own turn is still to come
            self._each += (each - self._each) * (0.5 if each > self._each else 0.1)
        elif waited <= wait:
            self._each *= _FORGET
        elif now < self._pressed:
            self._each += (waited - self._each) * 0.5
        if waited <= wait:
            self._above = None
        elif self._above is None:
            # One that waited alone may have met no more than a pause of the whole process.
            self._above = self._since if begun > 1 else now
        if self._above is not None and now - self._above >= _INTERVAL:
            self._pressed = now + _AFTER
        if not self._above and now >= self._pressed:
            self._quiet = _OFTEN
        self._adjust(now)

    def _adjust(self, now: float) -> None:
        settings = self.settings
        allowed = settings.wait if now < self._pressed else settings.wait * _BURST
        limit = allowed / self._each if self._each else settings.most
        self.limit = min(max(limit, settings.least), settings.most)
        self._below = self.limit * _LOWEST
