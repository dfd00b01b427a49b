"""Once more, before it has failed: a second, equal call where the first takes long."""

import asyncio
import math
from collections import deque
from time import monotonic
from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from coterie.call import Call, Failure, Handler, Policy, Reply
from coterie.contract import Code

from .budget import Budget
from .tally import Tally, untold

__all__ = ["Hedge", "hedge"]

_REMEMBERED = 256
_ENOUGH = 32
"""Answers that must have been seen before one can say how long they take."""


class Hedge(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a call may take before it is made a second time.

    Raises `ValueError` for values that make no sense.
    """

    after: Annotated[
        float | Literal["p95"],
        Meta(
            title='seconds, above 0, or "p95"',
            description=(
                "How long to wait for the answer before the second call is made;"
                ' "p95": longer than nineteen of twenty calls took.'
            ),
            examples=[0.1, "p95"],
        ),
    ] = 0.1
    most: Annotated[
        int,
        Meta(
            title="a whole number, 2 or more",
            description="How many equal calls may be under way, the first counted.",
            examples=[2],
        ),
    ] = 2

    def __post_init__(self) -> None:
        if isinstance(self.after, str):
            if self.after != "p95":
                raise ValueError(f'after = {self.after!r}: take seconds, such as 0.1, or "p95"')
        elif not 0 < self.after < math.inf:
            raise ValueError(f"after = {self.after}: take a number of seconds, such as 0.1")
        if self.most < 2:
            raise ValueError(
                f"most = {self.most}: the first call counts, so take 2 or more; hedge = false"
                " switches hedging off"
            )


def hedge(settings: Hedge, budget: Budget, tally: Tally = untold, *, earns: bool = False) -> Policy:
    """Make a call of a safe operation again when its answer takes long; the first answer counts.

    Each goes to another instance, where there is one. The calls that lost are cancelled, and have let
    go of everything before this one returns. Each call more costs ``budget`` what a failure costs,
    and none is made while the budget is low: where everybody waits for a service that has too much
    to do, more calls are the last thing it needs.
    ``earns`` gives back to the budget what a success is worth: say so where no `retry` does it.

    An error that a call met is raised if no other is under way, or at once where another would fare
    no better: a declared fault, and what the service itself said no to. Streamed answers are not
    hedged, and neither is anything that changes something.

    Tells ``tally``: ``hedged``, where another call was made; ``won``, where it was the one that
    answered; ``withheld``, for want of budget.

    Source: J. Dean, L. A. Barroso, *The Tail at Scale*, CACM 56(2), 2013.
    """

    def policy(handler: Handler) -> Handler:
        usual = _Usual() if isinstance(settings.after, str) else _Chosen(settings.after)

        async def hedged(call: Call) -> Reply:
            operation = call.operation
            if not operation.safe or operation.result.stream:
                return await handler(call)
            began = monotonic()
            race = _Race(handler, call, settings.most, budget, tally)
            reply = await race.run(usual.seconds)
            usual.took(monotonic() - began)
            if earns:
                budget.succeeded()
            return reply

        return hedged

    return policy


class _Chosen:
    """Seconds that were chosen beforehand."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def took(self, seconds: float) -> None:
        """What calls take changes nothing."""


class _Usual:
    """How long calls take: the 95th percentile of the last ones.

    A call that was hedged and took longer than that still did so: cutting the tail off does not move
    the point where it begins.
    """

    __slots__ = ("_last", "_since", "seconds")

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=_REMEMBERED)
        self._since = 0
        self.seconds = math.inf
        """Seconds; infinite until enough was seen."""

    def took(self, seconds: float) -> None:
        """One more call was answered."""
        self._last.append(seconds)
        self._since += 1
        # Sorting costs as much as a call every now and then, and next to nothing on the whole.
        if self._since >= _ENOUGH:
            self._since = 0
            ordered = sorted(self._last)
            self.seconds = ordered[int(len(ordered) * 0.95)]


class _Race:
    """Equal calls, of which the first that is answered wins."""

    __slots__ = ("_budget", "_call", "_handler", "_most", "_running", "_tally", "_went")

    def __init__(
        self, handler: Handler, call: Call, most: int, budget: Budget, tally: Tally
    ) -> None:
        self._handler = handler
        self._call = call
        self._most = most
        self._budget = budget
        self._tally = tally
        self._running: list[asyncio.Task[Reply]] = []
        self._went: list[str] = []

    async def run(self, after: float) -> Reply:
        first = self._start()
        self._running.append(first)
        left = self._most - 1
        try:
            while True:
                wait = after if left and after < math.inf else None
                done, _ = await asyncio.wait(
                    self._running, timeout=wait, return_when=asyncio.FIRST_COMPLETED
                )
                if done:
                    winner = self._answered(done)
                    if winner is not None:
                        if winner is not first:
                            self._tally("hedge", "won", self._call)
                        return winner.result()
                elif self._budget.may_retry():
                    left -= 1
                    self._budget.failed()
                    self._tally("hedge", "hedged", self._call, f"after {after:.3f} s")
                    self._running.append(self._start())
                else:
                    left = 0
                    self._tally("hedge", "withheld", self._call)
        finally:
            await self._stop()

    def _start(self) -> "asyncio.Task[Reply]":
        # Where the others went, this one had better not go: it may be the instance that is slow.
        avoid = self._call.avoid.union(self._went)
        call = structs.replace(self._call, avoid=avoid, chosen=self._went.append)
        return asyncio.ensure_future(_asked(self._handler, call))

    def _answered(self, done: "set[asyncio.Task[Reply]]") -> "asyncio.Task[Reply] | None":
        """One that was answered, if any was; raises where there is no hope of one."""
        for task in self._running:
            if task in done and not task.cancelled() and task.exception() is None:
                return task
        for task in done:
            self._running.remove(task)
            error = None if task.cancelled() else task.exception()
            if not self._running or not _may_pass(error):
                task.result()  # raises it
        return None

    async def _stop(self) -> None:
        losers = [task for task in self._running if not task.done()]
        for task in losers:
            task.cancel()
        if losers:
            await asyncio.wait(losers)
        for task in self._running:
            if not task.cancelled():
                task.exception()  # seen: what a loser met besides is nobody's concern


def _may_pass(error: BaseException | None) -> bool:
    """Whether another call, already under way, may fare better."""
    return isinstance(error, Failure) and (
        error.retryable or error.code in (Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED)
    )


async def _asked(handler: Handler, call: Call) -> Reply:
    return await handler(call)
