"""How a call that raised has ended, and what its caller is told of it."""

import asyncio
import logging

from coterie.call import Call, Failure, Sent
from coterie.contract import Code, Fault

__all__ = ["outcome"]

log = logging.getLogger("coterie.server")

# What failed one step further in means the same to those further out; the other codes blame a
# caller for arguments it never gave, or speak of things it never named.
_PASSES = frozenset(
    {
        Code.UNAVAILABLE,
        Code.DEADLINE_EXCEEDED,
        Code.RESOURCE_EXHAUSTED,
        Code.CANCELLED,
        Code.ABORTED,
        Code.UNAUTHENTICATED,
        Code.PERMISSION_DENIED,
    }
)


def outcome(call: Call, error: BaseException) -> tuple[Code, BaseException]:
    """How a call that raised has ended, and what its caller is told of it."""
    told = error
    if isinstance(error, Fault):
        if not isinstance(error, call.operation.faults):
            told = _undeclared(call, error)
    elif isinstance(error, Failure):
        if error.origin is not None or error.sent is not Sent.ANSWERED:
            told = _passed_on(call, error)
    elif isinstance(error, asyncio.CancelledError):
        return Code.CANCELLED, error
    elif isinstance(error, Exception):
        told = _defect(call, error)
    return told.code if isinstance(told, Fault | Failure) else Code.INTERNAL, told


def _passed_on(call: Call, failure: Failure) -> Failure:
    """What a caller learns of a failure that this service met when it called another.

    The code, where it means the same one step further out; else that this service failed.
    Which service it was, and in what words it refused, stays in the log.
    """
    if failure.code not in _PASSES:
        return _defect(call, failure)
    log.warning(
        "%s: %s failed: %s (trace %s)",
        call.operation.id,
        failure.origin,
        failure,
        call.context.trace.trace_id,
    )
    what = f"{call.operation.id} could not be finished: another service answered"
    return Failure(failure.code, f"{what} {failure.code.value}", retry_after=failure.retry_after)


def _undeclared(call: Call, fault: Fault) -> Failure:
    log.error(
        "%s raised %r, which its contract does not declare: add %s to faults=[...] (trace %s)",
        call.operation.id,
        fault,
        type(fault).__name__,
        call.context.trace.trace_id,
        exc_info=fault,
    )
    return _internal(call)


def _defect(call: Call, error: Exception) -> Failure:
    log.error(
        "%s failed (trace %s)", call.operation.id, call.context.trace.trace_id, exc_info=error
    )
    return _internal(call)


def _internal(call: Call) -> Failure:
    trace_id = call.context.trace.trace_id
    return Failure(
        Code.INTERNAL,
        f"{call.operation.id} failed; its log tells why under trace {trace_id}",
    )
