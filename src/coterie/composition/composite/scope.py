"""Scope: tasks that cannot outlive the one who started them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Coroutine, Iterable
from time import monotonic
from typing import Any, TypeVar, cast

from msgspec import structs

from coterie.call import Failure, current, current_context
from coterie.contract import Code

__all__ = ["Running", "Scope", "checked", "cut_off", "dismiss", "name_of", "named", "too_late"]

T = TypeVar("T")

Running = asyncio.Task[Any]


class Scope:
    """Runs parts side by side, each a task, until one deadline; `close` leaves none behind.

    The deadline is ``within`` seconds from now, or the present call's where that is nearer. Every
    part sees it as its own, so whatever it calls knows it too. All share the present trace.
    """

    def __init__(self, within: float | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._context = context = current()
        deadline = context.deadline
        if within is not None:
            latest = monotonic() + within
            deadline = latest if deadline is None or latest < deadline else deadline
        self.deadline = deadline
        self.over = False
        """Whether the time for all of it has come to its end."""
        self._timers: dict[Running, asyncio.TimerHandle | None] = {}
        self._late: set[Running] = set()
        self._done: deque[Running] = deque()
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        if deadline is not None:
            self._alarm = self._loop.call_later(max(0.0, deadline - monotonic()), self._ring)

    def start(self, work: Awaitable[Any], until: float | None = None) -> Running:
        """Begin ``work``; at ``until``, a moment of `time.monotonic`, it is cancelled."""
        nearer = until is not None and (self.deadline is None or until < self.deadline)
        end = until if nearer else self.deadline
        context = self._context
        if end != context.deadline:
            context = structs.replace(context, deadline=end)
        before = current_context.set(context)
        try:
            # A coroutine has its end in its task; any other awaitable is awaited by one of ours.
            task = self._loop.create_task(work if asyncio.iscoroutine(work) else _awaited(work))
        finally:
            current_context.reset(before)
        timer = None
        if nearer and until is not None:
            after = max(0.0, until - monotonic())
            timer = self._loop.call_later(after, self._too_late, task)
        self._timers[task] = timer
        task.add_done_callback(self._ended)
        return task

    async def next(self, after: float | None = None) -> Running | None:
        """The next part that ended; ``None`` when ``after`` seconds or the time of all are over."""
        self._paused = False
        pause = None if after is None else self._loop.call_later(after, self._pause)
        try:
            while not (self._done or self.over or self._paused):
                self._waiter = self._loop.create_future()
                await self._waiter
        finally:
            if pause is not None:
                pause.cancel()
        return self._done.popleft() if self._done else None

    def error(self, task: Running, name: str) -> BaseException | None:
        """What ``task``, which has ended, ended with: its exception, or that it was stopped."""
        if not task.cancelled():
            return task.exception()
        if task in self._late:
            return too_late(name)
        # Its own doing: raised on as it is, it would look as if the caller had been cancelled.
        return cut_off(name)

    async def close(self) -> None:
        """Cancel what still runs, and wait until it has ended, whoever cancels meanwhile."""
        if self._alarm is not None:
            self._alarm.cancel()
        for task, timer in self._timers.items():
            if timer is not None:
                timer.cancel()
            task.cancel()
        interrupted = False
        while self._timers:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            except asyncio.CancelledError:
                interrupted = True
        for task in self._done:
            if not task.cancelled():
                task.exception()  # seen: nobody needs it any more, and asyncio need not say so
        if interrupted:
            raise asyncio.CancelledError

    def _ended(self, task: Running) -> None:
        timer = self._timers.pop(task)
        if timer is not None:
            timer.cancel()
        self._done.append(task)
        self._wake()

    def _too_late(self, task: Running) -> None:
        self._late.add(task)
        task.cancel()

    def _ring(self) -> None:
        self.over = True
        self._wake()

    def _pause(self) -> None:
        self._paused = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work


def too_late(what: str) -> Failure:
    """The failure of what was not done by its deadline."""
    message = f"{what} was not done by its deadline and was stopped; what it did before may remain"
    return _met(what, Failure(Code.DEADLINE_EXCEEDED, message))


def cut_off(what: str) -> Failure:
    """The failure of what was cancelled, and not by whoever waits for it."""
    return _met(what, Failure(Code.CANCELLED, f"{what} was cancelled from elsewhere; ask again"))


def _met(what: str, failure: Failure) -> Failure:
    # As a client does: a service that lets it pass does not tell its callers whom it has asked.
    failure.origin = what
    return failure


def name_of(work: object) -> str:
    """What a part is called: the operation for a client's call, else the function.

    A method is ``Class.method``. Where it was defined is left out: a function is called the same
    within ``main()`` as outside.
    """
    if isinstance(work, asyncio.Task):
        work = work.get_coro()
    name: str = getattr(work, "__qualname__", "") or type(work).__name__
    return name.rpartition("<locals>.")[2]


def named(work: Coroutine[Any, None, T], name: str) -> Coroutine[object, None, T]:
    """``work``, called ``name`` where it is a part of something.

    Typed without `Any`, which makes mypy unsure which overload of `together` is meant.
    """
    cast("Any", work).__qualname__ = name
    return work


def checked(work: Iterable[Awaitable[Any]], **seconds: float | None) -> None:
    """Refuse what cannot be awaited, and times that are none; nothing has begun then.

    Raises `TypeError` and `ValueError`.
    """
    work = tuple(work)
    wrong: Exception | None = None
    for part in work:
        if not hasattr(part, "__await__"):
            wrong = TypeError(
                f"{type(part).__name__} cannot be awaited: pass the call itself, as in"
                " together(self.hotels.hotel(id)), without `await` before it"
            )
    for name, value in seconds.items():
        if value is not None and not 0 <= value < float("inf"):
            wrong = ValueError(f"{name}={value}: take a number of seconds, such as 0.5")
    if wrong is not None:
        dismiss(work)
        raise wrong


def dismiss(work: Iterable[Any]) -> None:
    """Close calls that will not be made, so that Python does not warn of each."""
    for part in work:
        close = getattr(part, "close", None)  # of coroutines; a task is its owner's to end
        if close is not None:
            close()
