"""traced(): each call that leaves is counted, and leaves its caller's span."""

import asyncio
from time import perf_counter

from coterie.call import Call, Failure, Handler, Policy, Reply
from coterie.contract import Code, Fault

from .meter import Meter

__all__ = ["traced"]


def traced(meter: Meter) -> Policy:
    """Note every call in ``meter``, as its caller saw it: what it took, waiting included.

    For handlers that reach over a network, outside of everything that tries again: the span it
    keeps is the parent of the one that the other side records, of each attempt. A call within a
    process needs none: its server span hangs below the caller's own.

    Of a streamed reply the time until it begins counts.
    """
    note = meter.note_made

    def policy(handler: Handler) -> Handler:
        async def noted(call: Call) -> Reply:
            code: Code | None = None
            began = perf_counter()
            try:
                return await handler(call)
            except BaseException as error:
                code = _code(error)
                raise
            finally:
                note(call, code, perf_counter() - began)

        return noted

    return policy


def _code(error: BaseException) -> Code:
    if isinstance(error, Failure | Fault):
        return error.code
    return Code.CANCELLED if isinstance(error, asyncio.CancelledError) else Code.INTERNAL
