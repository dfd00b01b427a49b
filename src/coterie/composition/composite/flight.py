"""Flight: one piece of work that several wait for, and that ends with the last of them."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context as Variables
from copy import copy
from time import monotonic
from typing import Any, Generic, TypeVar

from coterie.call import Context, Failure, Sent, current, current_context, held
from coterie.contract import Code, Fault

from .asker import time_left
from .scope import cut_off, too_late

__all__ = ["Flight", "own_copy", "ready_to_call"]

T = TypeVar("T")


class Flight(Generic[T]):
    """Runs ``work`` in a task of its own, for as long as somebody waits.

    It sees ``context`` and no other variable of whoever came first: not that one's unit of work,
    which ends when that one is done. ``gone`` is called when nobody may join any more: when the
    work has ended, or when the last who waited has left, before it is cancelled.
    """

    def __init__(
        self,
        name: str,
        work: Coroutine[Any, Any, T],
        context: Context,
        gone: Callable[["Flight[T]"], None],
    ) -> None:
        self._name = name
        self._gone = gone
        self._waiting: set[asyncio.Future[None]] = set()
        variables = Variables()
        variables.run(current_context.set, context)
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(work, name=name, context=variables)
        self._task.add_done_callback(self._landed)

    async def join(self) -> T:
        """What the work gives; raises what it raises, each who waits a copy of its own.

        Waits no longer than the caller's deadline: then `Failure` (``deadline_exceeded``).
        """
        if not self._task.done():
            await self._wait(current().deadline)
        if not self._task.done():
            raise too_late(self._name)
        if self._task.cancelled():
            raise cut_off(self._name)
        error = self._task.exception()
        if error is not None:
            raise own_copy(error)
        return self._task.result()

    async def _wait(self, deadline: float | None) -> None:
        loop = asyncio.get_running_loop()
        landed: asyncio.Future[None] = loop.create_future()
        self._waiting.add(landed)
        timer = None
        if deadline is not None:
            timer = loop.call_later(max(0.0, deadline - monotonic()), _release, landed)
        try:
            await landed
        finally:
            if timer is not None:
                timer.cancel()
            self._waiting.discard(landed)
            if not self._waiting and not self._task.done():
                await self._end()

    async def _end(self) -> None:
        self._gone(self)
        self._task.cancel()
        interrupted = False
        while not self._task.done():
            try:
                await asyncio.wait((self._task,))
            except asyncio.CancelledError:
                interrupted = True
        if interrupted:
            raise asyncio.CancelledError

    def _landed(self, task: asyncio.Task[T]) -> None:
        self._gone(self)
        if not task.cancelled():
            task.exception()  # seen, should nobody wait any more
        for landed in self._waiting:
            _release(landed)


def own_copy(error: BaseException) -> BaseException:
    """One exception raised in many places would grow by the stack of each."""
    return copy(error) if isinstance(error, Failure | Fault) else error


def ready_to_call(what: str) -> None:
    """Refuse what a client refuses: a call while a unit of work holds locks, or begun too late."""
    reason = held()
    if reason is not None:
        raise Failure(
            Code.INTERNAL,
            f"{what} was called while {reason}: call first, then write. Waiting now would hold the"
            " database's locks for as long as another service takes",
            sent=Sent.NOT_SENT,
        )
    if not time_left():
        raise Failure(
            Code.DEADLINE_EXCEEDED,
            f"The deadline had passed before {what} began; nothing was done",
            sent=Sent.NOT_SENT,
        )


def _release(landed: "asyncio.Future[None]") -> None:
    if not landed.done():
        landed.set_result(None)
