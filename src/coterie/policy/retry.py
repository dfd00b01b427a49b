"""Again: a call that failed in a way that may pass is made anew, where that does no harm."""

import asyncio
import math
import os
import random
from time import monotonic
from typing import Annotated

from msgspec import Meta, Struct, structs

from coterie.call import Call, Failure, Handler, Policy, Reply, Sent
from coterie.contract import Code, Fault

from .budget import Budget
from .tally import Tally, untold

__all__ = ["Budget", "Retry", "retry"]

_DAY = 86_400.0
"""Seconds: who asks for more patience than this does not mean it."""

_MOST = 10

_NO_DEADLINE = 30.0
"""Seconds that a call without a deadline may wait for its next attempt."""

_PASSING = (Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED)
_NOT_BEGUN = (Sent.NOT_SENT, Sent.REFUSED, Sent.SHED)

# As in traces: a generator of our own, drawn anew in forked processes.
_random = random.Random()  # noqa: S311  # not for secrets
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


class Retry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a call is made anew, and how long that waits.

    Raises `ValueError` for values that contradict each other.
    """

    attempts: Annotated[
        int,
        Meta(
            title="a whole number, 1 to 10",
            description="How often a call is made at most, the first time counted.",
            examples=[3],
        ),
    ] = 3
    base: Annotated[
        float,
        Meta(
            title="seconds, above 0",
            description="Seconds that the first wait takes at most; each next one twice as long.",
            examples=[0.05],
        ),
    ] = 0.05
    cap: Annotated[
        float,
        Meta(
            title="seconds, base or more",
            description="Seconds that no wait exceeds, unless the service asks for more.",
            examples=[1.0],
        ),
    ] = 1.0
    budget: Annotated[
        float,
        Meta(
            title="a share, 0 to 1",
            description="The share of a service's calls that may be retries, from 0 to 1.",
            examples=[0.1],
        ),
    ] = 0.1

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(
                f"attempts = {self.attempts}: the first attempt counts, so take 1 or more;"
                " retry = false switches retries off"
            )
        if self.attempts > _MOST:
            raise ValueError(
                f"attempts = {self.attempts}: what failed {_MOST} times does not pass by itself, so"
                f" take {_MOST} or fewer"
            )
        if not 0 < self.base < math.inf:
            raise ValueError(f"base = {self.base}: take a number of seconds, such as 0.05")
        if not self.base <= self.cap < math.inf:
            raise ValueError(
                f"cap = {self.cap}: the longest wait is no shorter than the first, which takes"
                f" base = {self.base} seconds"
            )
        if not 0 <= self.budget <= 1:
            raise ValueError(
                f"budget = {self.budget}: say which share of calls may be retries, such as 0.1"
            )


def retry(settings: Retry, budget: Budget, tally: Tally = untold, *, keyed: bool = False) -> Policy:
    """Make a call anew that failed in a way that may pass, where a second effect is harmless.

    Again goes what the service had too much to do for and did not begin (`Sent.SHED`), whatever
    the operation; and of operations that are safe or idempotent, what was answered with
    ``unavailable`` or ``resource_exhausted``, and what was lost on its way. ``keyed`` says that the
    service keeps idempotency keys for these operations: calls that carry one count as idempotent.

    At most ``settings.attempts`` attempts, each after a random wait (full jitter) and no earlier
    than the service's ``Retry-After``; only while ``budget`` allows; never where the wait would
    outlast the deadline, and never once the body of a request streams. Then the failure is raised
    as it is. One whose outcome is unknown stays so, if a later attempt was not even begun, or was
    told that the one with the same key is under way.

    What was never sent, or met an instance that is not ready, is not for this policy:
    `Discovered` has asked the others already, which costs nobody anything.

    Tells ``tally``: ``retried``; ``withheld``, for want of budget; ``late``, for want of time.

    Source: M. Brooker, *Exponential backoff and jitter* and *Timeouts, retries, and backoff with
    jitter* (Amazon Builders' Library); Google, *Site Reliability Engineering*, ch. 22; RFC 9110,
    9.2.2 and 10.2.3.
    """

    def policy(handler: Handler) -> Handler:
        return _Retrying(handler, settings, budget, tally, keyed=keyed).handle

    return policy


class _Retrying:
    """One handler, asked again."""

    def __init__(
        self, handler: Handler, settings: Retry, budget: Budget, tally: Tally, *, keyed: bool
    ) -> None:
        self._handler = handler
        self._settings = settings
        self._budget = budget
        self._full = budget.full
        self._tally = tally
        self._keyed = keyed

    async def handle(self, call: Call) -> Reply:
        budget = self._budget
        try:
            reply = await self._handler(call)
        except Failure as error:
            failure = error
        except Fault:
            budget.succeeded()  # it works, and says no
            raise
        else:
            if budget.tokens < self._full:
                budget.succeeded()
            return reply
        return await self._again(call, failure)

    async def _again(self, call: Call, failure: Failure) -> Reply:
        attempt, told = 1, failure
        while True:
            seconds = self._pause(call, failure, attempt, told)
            if seconds is None:
                raise told
            await asyncio.sleep(seconds)
            attempt += 1
            self._tally("retry", "retried", call, _words(failure))
            if failure.instance is not None:
                call = structs.replace(call, avoid=call.avoid | {failure.instance})
            try:
                reply = await self._handler(call)
            except Failure as error:
                failure, told = error, self._of_both(call, told, error)
            except Fault:
                self._budget.succeeded()
                raise
            else:
                self._budget.succeeded()
                return reply

    def _pause(self, call: Call, failure: Failure, attempt: int, told: Failure) -> float | None:
        """Seconds until the next attempt; ``None`` where there is to be none."""
        budget, settings = self._budget, self._settings
        if _counts(failure):
            budget.failed()
        if attempt >= settings.attempts:
            return None
        if not self._may_pass(call, failure) and not self._still_runs(call, told, failure):
            return None
        if not budget.may_retry():
            self._tally("retry", "withheld", call, _words(failure))
            return None
        seconds = _wait(settings, attempt, failure.retry_after)
        deadline = call.context.deadline
        left = _NO_DEADLINE if deadline is None else deadline - monotonic()
        if seconds >= left:
            self._tally("retry", "late", call, f"{seconds:.3f} s to wait, {left:.3f} s left")
            return None
        return seconds

    def _has_key(self, call: Call) -> bool:
        return self._keyed and call.context.idempotency_key is not None

    def _may_pass(self, call: Call, failure: Failure) -> bool:
        """Whether another attempt may fare better, and does no harm."""
        operation, sent = call.operation, failure.sent
        if any(parameter.stream for parameter in operation.parameters):
            return False  # what was read of the body is gone
        if sent is Sent.SHED:
            return True
        if not (operation.safe or operation.idempotent or self._has_key(call)):
            return False
        if sent is Sent.ANSWERED:
            return failure.code in _PASSING
        return sent is Sent.UNKNOWN and failure.code is Code.UNAVAILABLE

    def _still_runs(self, call: Call, before: Failure, last: Failure) -> bool:
        """Whether the service says that an attempt which got lost is under way there (409)."""
        return (
            before.sent is Sent.UNKNOWN
            and last.sent is Sent.ANSWERED
            and last.code is Code.ABORTED
            and last.retry_after is not None
            and self._has_key(call)
        )

    def _of_both(self, call: Call, before: Failure, last: Failure) -> Failure:
        """What to say of a call that failed twice: what was not begun undoes no unknown outcome."""
        lost = before.sent is Sent.UNKNOWN and last.sent in _NOT_BEGUN
        return before if lost or self._still_runs(call, before, last) else last


def _counts(failure: Failure) -> bool:
    """Whether it speaks against the service: what never reached it does not."""
    if failure.sent is Sent.ANSWERED:
        return failure.code in _PASSING
    return failure.sent in (Sent.SHED, Sent.UNKNOWN) and failure.code is not Code.CANCELLED


def _wait(settings: Retry, attempt: int, retry_after: float | None) -> float:
    """Seconds until the next attempt: all of it random, on top of what the service asks for."""
    # Capped before it is raised: 2 ** attempt may be larger than any float.
    doubled = settings.base * 2.0 ** min(attempt - 1, 60)
    seconds = _random.uniform(0.0, min(settings.cap, doubled))
    if retry_after is not None and 0 <= retry_after <= _DAY:  # false for NaN too
        seconds += retry_after
    return seconds


def _words(failure: Failure) -> str:
    where = "" if failure.instance is None else f" by {failure.instance}"
    return f"{failure.code.value}, {failure.sent.value}{where}"
