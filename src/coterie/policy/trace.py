"""What happened: one span for each call, noted when it ends."""

import asyncio
import time
from collections.abc import Callable

from msgspec import Struct

from coterie.call import Call, Failure, Handler, Policy, Reply, Trace
from coterie.contract import Code, Fault

__all__ = ["Span", "trace"]


class Span(Struct, frozen=True):
    """One call as it was served.

    ``operation`` is a name in the whole system (``orders.place``); ``trace`` its place among the
    calls that caused it; ``began`` seconds since 1970, ``seconds`` what it took; ``code`` what
    went wrong, ``None`` where nothing did.
    """

    operation: str
    trace: Trace
    began: float
    seconds: float
    code: Code | None


def trace(record: Callable[[Span], None]) -> Policy:
    """Hand a `Span` of every sampled call to ``record``, however the call ends.

    ``record`` runs on the event loop, after the work and before the answer: it must neither
    wait nor raise. What it keeps, it must bound.
    """

    def policy(handler: Handler) -> Handler:
        async def traced(call: Call) -> Reply:
            if not call.context.trace.sampled:
                return await handler(call)
            began, start = time.time(), time.perf_counter()
            code: Code | None = None
            try:
                return await handler(call)
            except BaseException as error:
                code = _code(error)
                raise
            finally:
                seconds = time.perf_counter() - start
                record(Span(call.operation.id, call.context.trace, began, seconds, code))

        return traced

    return policy


def _code(error: BaseException) -> Code:
    if isinstance(error, Failure | Fault):
        return error.code
    return Code.CANCELLED if isinstance(error, asyncio.CancelledError) else Code.INTERNAL
