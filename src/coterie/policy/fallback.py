"""Instead: a value known beforehand, where a service is away or too slow."""

from typing import Any

from coterie.call import Call, Failure, Handler, Policy, Reply
from coterie.contract import Code

from .copies import own
from .tally import Tally, untold

__all__ = ["fallback"]

_AWAY = (Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED)


def fallback(value: Any, tally: Tally = untold) -> Policy:
    """Answer with ``value`` where a call fails because its service is away, too slow or too busy.

    That is what ``unavailable``, ``deadline_exceeded`` and ``resource_exhausted`` say. Declared
    faults are answers, and so is every other failure: a caller who is not allowed, or asks for what
    is not there, must be told so. ``value`` has the type of the operation's result, and each caller
    gets a copy of its own.

    Meant for operations that only read. One that changes something reports success that nobody
    knows of.

    Tells ``tally``: ``answered``.

    Source: M. Nygard, *Release It!*; Netflix, *Hystrix*, "Fallback: static".
    """

    def policy(handler: Handler) -> Handler:
        async def covered(call: Call) -> Reply:
            try:
                return await handler(call)
            except Failure as failure:
                # A fault that this side does not know is an answer as well.
                if failure.code not in _AWAY or failure.fault is not None:
                    raise
                tally("fallback", "answered", call, failure.code.value)
            return Reply(own(value))

        return covered

    return policy
