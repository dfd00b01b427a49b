"""Blame: what the end of a call says about the instance it went to."""

import asyncio
import enum
from time import monotonic

from coterie.call import Call, Failure, Sent
from coterie.contract import Code, Fault

from .http1 import NotSent, Reason

__all__ = ["Blame", "blame"]

_FAIR = 0.02
"""Seconds that an instance must have had before it can be blamed for not being done."""

_ALMOST = 0.005
"""Seconds before a deadline in which to be cancelled is the deadline's doing: timers are coarse."""


class Blame(enum.Enum):
    """What is to be counted."""

    SERVED = "served"
    """It answered."""
    UNAVAILABLE = "unavailable"
    """It answered that it cannot serve this operation now."""
    FAILED = "failed"
    """It was reached, and did not answer, or not in time."""
    LOST = "lost"
    """It was not reached, or broke off."""
    NOBODY = "nobody"
    """This says nothing about it."""


def blame(error: BaseException, call: Call, seconds: float) -> Blame:
    """What it says that ``call`` ended with ``error``, ``seconds`` after it went to an instance.

    Whoever refuses a call because it is not ready or has too much to do is neither praised nor
    blamed: an overload must not become an outage. Nor does it say anything that a caller no longer
    wants the answer, except where that is because the time was over.
    """
    if isinstance(error, Failure):
        match error.sent:
            case _ if error.code is Code.DEADLINE_EXCEEDED and error.sent is not Sent.ANSWERED:
                return Blame.FAILED if seconds >= _FAIR else Blame.NOBODY
            case Sent.NOT_SENT:
                return _not_sent(error)
            case Sent.UNKNOWN:
                return _UNKNOWN.get(error.code, Blame.FAILED)
            case Sent.ANSWERED:
                return Blame.UNAVAILABLE if error.code is Code.UNAVAILABLE else Blame.SERVED
            case Sent.REFUSED | Sent.SHED:
                return Blame.NOBODY
    if isinstance(error, asyncio.CancelledError):
        # A policy cancels its call in the same moment in which the request's own time is over.
        deadline = call.context.deadline
        late = deadline is not None and monotonic() >= deadline - _ALMOST
        return Blame.FAILED if late and seconds >= _FAIR else Blame.NOBODY
    return Blame.SERVED if isinstance(error, Fault) else Blame.NOBODY


_UNKNOWN = {
    Code.UNAVAILABLE: Blame.LOST,
    Code.CANCELLED: Blame.NOBODY,  # this side stops
    Code.RESOURCE_EXHAUSTED: Blame.SERVED,  # more than this side is willing to hold
}


def _not_sent(failure: Failure) -> Blame:
    if failure.code is not Code.UNAVAILABLE:
        return Blame.NOBODY
    cause = failure.__cause__
    busy = isinstance(cause, NotSent) and cause.reason is Reason.BUSY
    return Blame.NOBODY if busy else Blame.LOST
