"""How long: every call ends by its deadline, and calls made from within it know theirs."""

import asyncio
from collections.abc import Generator
from time import monotonic
from typing import Any

from msgspec import structs

from coterie.call import Call, Failure, Handler, Policy, Reply, current_context
from coterie.contract import Code

from .tally import Tally, untold

__all__ = ["deadline"]


def deadline(default: float = 30.0, tally: Tally = untold, *, fixed: bool = False) -> Policy:
    """Let no call take longer than its operation's ``timeout``, or ``default`` seconds.

    ``fixed`` says that ``default`` counts whatever the operation's contract says.

    The caller's own deadline counts where it is nearer. Calls made from within inherit what is
    left. When the time is over the method is cancelled where it waits, and the caller gets a
    `Failure` (``deadline_exceeded``); a call that arrives too late is not begun.

    The reply is what is limited, not the reading of a body that it streams.

    Tells ``tally``: ``late``, where a call was not begun; ``exceeded``, where it was stopped.
    """
    if not 0 < default < float("inf"):
        raise ValueError(f"default={default}: take a number of seconds, such as 30.0")

    def policy(handler: Handler) -> Handler:
        async def limited(call: Call) -> Reply:
            now = monotonic()
            timeout = None if fixed else call.operation.timeout
            end = now + (default if timeout is None else timeout)
            nearer = call.context.deadline
            if nearer is not None and nearer <= end:
                if nearer <= now:
                    tally("deadline", "late", call)
                    raise Failure(
                        Code.DEADLINE_EXCEEDED,
                        f"The deadline had passed before {call.operation.id} began; nothing was done",
                    )
                return await _Limited(handler, call, nearer, tally)
            context = structs.replace(call.context, deadline=end)
            before = current_context.set(context)
            try:
                call = structs.replace(call, context=context)
                return await _Limited(handler, call, end, tally)
            finally:
                current_context.reset(before)

        return limited

    return policy


class _Limited:
    """Awaits ``handler``, and cancels it where it waits at ``end``.

    A timer can only act on a task that waits. So none is set before the handler waits for the
    first time: many calls within a process never do, and a timer would cost more than they.
    """

    __slots__ = ("_call", "_end", "_handler", "_tally")

    def __init__(self, handler: Handler, call: Call, end: float, tally: Tally) -> None:
        self._handler = handler
        self._call = call
        self._end = end
        self._tally = tally

    def __await__(self) -> Generator[Any, Any, Reply]:
        running = self._handler(self._call).__await__()
        try:
            waits_for = next(running)
        except StopIteration as done:
            reply: Reply = done.value
            return reply
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("calls are made by asyncio tasks: use asyncio.run()")
        alarm = _Alarm(task)
        cancelling = task.cancelling()
        timer = asyncio.get_running_loop().call_later(self._end - monotonic(), alarm)
        try:
            return (yield from _resume(running, waits_for))
        except asyncio.CancelledError:
            # Somebody else may have cancelled the task as well: then that is what counts.
            if alarm.rang and task.cancelling() - 1 <= cancelling:
                self._tally("deadline", "exceeded", self._call)
                raise Failure(
                    Code.DEADLINE_EXCEEDED,
                    f"{self._call.operation.id} was not done by its deadline and was stopped;"
                    " what it did before may remain",
                ) from None
            raise
        finally:
            timer.cancel()
            if alarm.rang:
                task.uncancel()


class _Alarm:
    """Cancels a task, and remembers that it did."""

    __slots__ = ("_task", "rang")

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task = task
        self.rang = False

    def __call__(self) -> None:
        self.rang = True
        self._task.cancel()


def _resume(running: Generator[Any, Any, Reply], waits_for: Any) -> Generator[Any, Any, Reply]:
    """Go on with ``running``, which was left waiting, as if it had been awaited all the time."""
    while True:
        try:
            yield waits_for
        except GeneratorExit:
            running.close()
            raise
        except BaseException as error:  # noqa: BLE001  # thrown in: the handler answers it
            try:
                waits_for = running.throw(error)
            except StopIteration as done:
                reply: Reply = done.value
                return reply
        else:
            return (yield from running)
