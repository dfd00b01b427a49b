"""Gate: how much a process begins while it has more to do than it can.

What a process of asyncio shares among its calls is the event loop. One that burns processor time
never has many calls in its methods at once: they queue before they begin. So the gate does not look
at how long calls take (a method may well wait five seconds for somebody else) but at how long they
wait for their *first turn*: the time in queue of CoDel, which is nought while the loop keeps up,
whatever the calls do then.

A queue that a burst has left behind is good, and a hundred at once are let in. One that stands is
not: when calls have waited longer than ``wait`` for half a second without a break, the gate is
*pressed*, and lets in as many as begin within ``wait`` (Little's law), given what each has lately
taken of the loop; yet never fewer than ``least``, since so few callers, each of whom waits for its
answer, are no flood. The limit clocks itself, since nothing is let in but by turns of the loop: it
cannot leave the processor idle while somebody asks, as a limit of the rate could, and it needs no
idea of a normal latency, as the gradient of latencies does, which mistakes another mix of calls for a
jam.

So that who is refused hears of it at once, no more may begin in one turn of the loop than take a
hundredth of a second: that is ``batch``, and whoever starts calls keeps to it.

Sources: Nichols and Jacobson, *Controlling Queue Delay* (2012), and RFC 8289; Little, *A Proof for
the Queuing Formula L = λW* (1961); *Site Reliability Engineering* (2016), 21, for who goes first.
"""

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

__all__ = ["Gate", "Priority", "Shedding"]

Priority: TypeAlias = Literal["high", "normal", "low"]

_INTERVAL = 0.5
"""Seconds of waiting after which a queue stands. Longer than the 0.1 of RFC 8289, 4.3: what a router
drops comes again by itself, and who is refused here has to be told so."""

_BURST = 0.5
"""Seconds of work that a queue may hold which does not stand."""

_FEW, _LONGEST = 4, 2.0
"""How many times ``least`` may wait in such a queue, and up to how many seconds."""

_LEAST = 1.0
"""Seconds up to which ``least`` may wait while a queue stands."""

_AFTER = 0.5
"""Seconds that the gate stays pressed after it last refused."""

_TURN = 0.01
"""Seconds of one turn of the loop that calls may begin in."""

_WEIGHT = 0.2
"""Of the latest in the average of what calls take."""

_NOTHING = 50e-6
"""Seconds that are not worth being remembered."""

_SHARES: dict[Priority, float] = {"high": 4.0, "normal": 1.0, "low": 0.5}
_LOWEST = _SHARES["low"]


class Shedding(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long calls may wait for their turn, and how many may be under way.

    ``most`` counts where it is below ``least``. Raises `ValueError` for senseless values.
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
            examples=[0.1],
        ),
    ] = 0.1
    least: Annotated[
        int,
        Meta(
            title="a whole number, 1 or more",
            description="How many calls may wait for their turn whatever that takes, up to 1 s.",
            ge=1,
            examples=[32],
        ),
    ] = 32
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
            raise ValueError(f"wait = {self.wait}: take seconds, such as 0.1")
        if self.least < 1:
            raise ValueError(f"least = {self.least}: take a number of calls, such as 32")
        if self.most < 1:
            raise ValueError(f"most = {self.most}: take a number of calls, such as 1000")


class Gate:
    """Lets calls in, or not; one for a process. Pure: it is told what happens, and asks the clock.

    Each call that was let in is told once more, by `begun` or by `left`, in the order they came in.
    ``waiting`` are those let in and not begun, ``limit`` how many they may be now, ``batch`` how many
    may begin in one turn of the loop, ``refused`` counts by priority.
    """

    def __init__(
        self, settings: Shedding | None = None, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self.settings = settings or Shedding()
        self.waiting = 0
        self.refused: dict[Priority, int] = {"high": 0, "normal": 0, "low": 0}
        self._clock = clock
        self._came: deque[float] = deque()
        self._each = 0.0
        """Seconds of the loop that a call which begins takes, with all that goes on beside."""
        self._last: float | None = None  # when one began while more were waiting
        self._above: float | None = None
        self._pressed = 0.0
        self.limit = float(self.settings.most)
        self.batch = self.settings.most
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
        if self.waiting >= self._below or under_way >= self._few:
            return False
        self.waiting += 1
        self._came.append(self._clock())
        return True

    def takes(self, priority: Priority, under_way: int) -> bool:
        """Let a call of this priority in, or refuse it."""
        share = _SHARES[priority]
        full = self.waiting >= self.limit * share
        if not full and under_way < self.settings.most * share:
            self.waiting += 1
            self._came.append(self._clock())
            return True
        self.refused[priority] += 1
        if full and share >= 1:
            now = self._clock()
            self._pressed = now + _AFTER
            self._adjust(now)
        return False

    def begun(self) -> None:
        """A call that was let in has its first turn."""
        now = self._clock()
        waited = now - self._came.popleft()
        waiting = self.waiting = self.waiting - 1
        last = self._last
        if last is not None:
            self._each += (now - last - self._each) * _WEIGHT
        elif not waiting and waited <= self._wait and self._above is None and now >= self._pressed:
            # The plain case, which is nearly every one: nobody else is waiting.
            if self._each:
                self._forget(now)
            return
        self._last = now if waiting else None
        if waited <= self._wait:
            self._above = None
        elif self._above is None:
            self._above = now
        elif now - self._above >= _INTERVAL:
            self._pressed = now + _AFTER
        self._adjust(now)

    def withdrawn(self) -> None:
        """The call that was let in last was none."""
        self._came.pop()
        self.waiting -= 1

    def left(self) -> None:
        """A call that was let in will never have its turn: whoever made it is gone."""
        self._came.popleft()
        self.waiting -= 1
        if not self.waiting:
            self._last = None

    def _forget(self, now: float) -> None:
        """What calls took in a jam, or when the process was new, must not bind the next burst."""
        self._each *= 1 - _WEIGHT
        if self._each < _NOTHING:
            self._each, self.batch = 0.0, self.settings.most
            self.limit = float(self.settings.most)
            self._below = self.limit * _LOWEST
        else:
            self._adjust(now)

    def _adjust(self, now: float) -> None:
        settings, each = self.settings, self._each
        if each <= 0:
            return
        few = settings.least
        if now < self._pressed:
            limit = max(settings.wait / each, min(few, _LEAST / each))
        else:
            limit = max(_BURST / each, min(_FEW * few, _LONGEST / each))
        self.limit = min(max(limit, 1.0), settings.most)
        self._below = self.limit * _LOWEST
        self.batch = min(max(int(_TURN / each), 1), settings.most)
