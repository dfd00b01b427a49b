"""Breaker: an instance that keeps failing is left alone for a while, then tried with one call."""

import enum
import math
import os
import random
from collections.abc import Callable
from time import monotonic
from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["Breaker", "BreakerState", "Breaking"]

_SLICES = 10
_IN_A_ROW = 5
"""Calls lost one after the other: whatever else is counted, nobody is there."""

# As in traces: a generator of our own, drawn anew in forked processes.
_random = random.Random()  # noqa: S311  # not for secrets
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


class BreakerState(enum.Enum):
    """Where a breaker is."""

    CLOSED = "closed"
    """Calls go through, and their outcomes are counted."""
    OPEN = "open"
    """No call goes through."""
    HALF_OPEN = "half-open"
    """One call is under way to find out."""


_CLOSED = BreakerState.CLOSED


class Breaking(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an instance is left alone, and for how long.

    Raises `ValueError` for values that contradict each other.
    """

    failures: Annotated[
        float,
        Meta(
            title="a share, above 0, up to 1",
            description="The share of failed calls from which on an instance is left alone.",
            examples=[0.5],
        ),
    ] = 0.5
    calls: Annotated[
        int,
        Meta(
            title="a whole number, 1 or more",
            description="How many calls there must be in the window before a share says anything.",
            examples=[10],
        ),
    ] = 10
    window: Annotated[
        float,
        Meta(
            title="seconds, above 0",
            description="Seconds that a call is remembered.",
            examples=[10.0],
        ),
    ] = 10.0
    open: Annotated[
        float,
        Meta(
            title="seconds, above 0",
            description="Seconds until the first try; after each that fails, twice as long.",
            examples=[0.25],
        ),
    ] = 0.25
    longest: Annotated[
        float,
        Meta(
            title="seconds, open or more",
            description="Seconds that no pause exceeds.",
            examples=[30.0],
        ),
    ] = 30.0

    def __post_init__(self) -> None:
        if not 0 < self.failures <= 1:
            raise ValueError(
                f"failures = {self.failures}: take a share of calls above 0 and up to 1, such as"
                " 0.5; breaker = false switches breakers off"
            )
        if self.calls < 1:
            raise ValueError(f"calls = {self.calls}: take at least one call")
        if not 0 < self.window < math.inf:
            raise ValueError(f"window = {self.window}: take a number of seconds, such as 10.0")
        if not 0 < self.open < math.inf:
            raise ValueError(f"open = {self.open}: take a number of seconds, such as 0.25")
        if not self.open <= self.longest < math.inf:
            raise ValueError(
                f"longest = {self.longest}: the longest pause is no shorter than the first,"
                f" which takes open = {self.open} seconds"
            )


class Breaker:
    """Counts how the calls to one instance end, and says whether the next may go there.

    It opens when the share of failures in the window reaches ``failures``, of at least ``calls``;
    or after five calls in a row that were lost on their way. After a pause one call is let through.
    If that succeeds it closes and has forgotten everything; if not, the next pause is twice as long.
    A try that takes longer than the pause before it does not keep others from trying.

    Ask `allows` before a call; then say exactly one of `succeeded`, `failed` and `released`.
    ``began`` is when the call began, by ``clock``: one that began before the breaker's last change
    tells nothing new, and is not counted. ``draw`` gives numbers from 0 to 1, for pauses that
    differ by a quarter up and down: callers shall not all come back at once.

    Source: M. Nygard, *Release It!* (circuit breaker); M. Fowler, *CircuitBreaker* (2014); the
    share over a window is Hystrix's.
    """

    __slots__ = (
        "_clock",
        "_draw",
        "_failed",
        "_head",
        "_next",
        "_pause",
        "_row",
        "_since",
        "_succeeded",
        "_turns",
        "_width",
        "settings",
        "state",
    )

    def __init__(
        self,
        settings: Breaking,
        *,
        clock: Callable[[], float] = monotonic,
        draw: Callable[[], float] = _random.random,
    ) -> None:
        self.settings = settings
        self.state = BreakerState.CLOSED
        self._clock = clock
        self._draw = draw
        self._width = settings.window / _SLICES
        self._since = -math.inf
        self._pause = settings.open
        self._next = 0.0
        self._forget(clock())

    def __repr__(self) -> str:
        return f"<Breaker {self.state.value}>"

    @property
    def opens_in(self) -> float:
        """Seconds until the next call is let through; 0 where it would be now."""
        if self.state is _CLOSED:
            return 0.0
        return max(self._next - self._clock(), 0.0)

    @property
    def counted(self) -> tuple[int, int]:
        """The calls of the window: all of them, and those that failed."""
        failed = sum(self._failed)
        return sum(self._succeeded) + failed, failed

    def allows(self) -> bool:
        """Whether a call may go through now. While it is not closed, a yes is for one call."""
        if self.state is _CLOSED:
            return True
        now = self._clock()
        if now < self._next:
            return False
        if self.state is BreakerState.OPEN:
            self.state = BreakerState.HALF_OPEN
            self._since = now
        self._next = now + self._pause
        return True

    def succeeded(self, began: float = math.inf) -> None:
        """A call was answered. It is counted where it began: that saves a look at the clock."""
        if self.state is _CLOSED:
            if began >= self._turns:
                self._turn(self._clock())
            self._succeeded[self._head] += 1
            self._row = 0
        elif self.state is BreakerState.HALF_OPEN and began >= self._since:
            self.state = BreakerState.CLOSED
            self._since = now = self._clock()
            self._pause = self.settings.open
            self._forget(now)

    def failed(self, began: float = math.inf, *, lost: bool = True) -> None:
        """A call failed; ``lost`` unless something was heard from the other side, or not waited for."""
        if began < self._since or self.state is BreakerState.OPEN:
            return
        now = self._clock()
        if self.state is BreakerState.HALF_OPEN:
            self._pause = min(self._pause * 2, self.settings.longest)
            self._open(now)
            return
        if now >= self._turns:
            self._turn(now)
        self._failed[self._head] += 1
        self._row = self._row + 1 if lost else 0
        calls, failed = self.counted
        enough = calls >= self.settings.calls and failed >= self.settings.failures * calls
        if enough or self._row >= _IN_A_ROW:
            self._open(now)

    def released(self, began: float = math.inf) -> None:
        """A call ended in a way that says nothing: if it was to find out, another one is."""
        if self.state is BreakerState.HALF_OPEN and began >= self._since:
            self._next = 0.0

    def _open(self, now: float) -> None:
        self.state = BreakerState.OPEN
        self._since = now
        longest = self.settings.longest
        self._next = now + min(self._pause * (0.75 + 0.5 * self._draw()), longest)

    def _forget(self, now: float) -> None:
        self._succeeded = [0] * _SLICES
        self._failed = [0] * _SLICES
        self._head = 0
        self._turns = now + self._width
        self._row = 0

    def _turn(self, now: float) -> None:
        """Go on to the slice of the window that it is now, and empty those on the way."""
        if now < self._turns:
            return
        passed = 1 + int((now - self._turns) / self._width)
        if passed >= _SLICES:
            row = self._row
            self._forget(now)
            self._row = row
            return
        for _ in range(passed):
            self._head = (self._head + 1) % _SLICES
            self._succeeded[self._head] = self._failed[self._head] = 0
        self._turns += passed * self._width
