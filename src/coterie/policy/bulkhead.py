"""So many at a time: calls to one service wait for each other, and never fill the whole process."""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Annotated, Any, Self

from msgspec import Meta, Struct, structs

from coterie.call import Call, Failure, Handler, Policy, Reply, Sent
from coterie.contract import Code

from .tally import Tally, untold

__all__ = ["Bulk", "Bulkhead", "bulkhead"]


class Bulk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many calls may be under way to one service, and how many may wait for how long.

    Raises `ValueError` for values that contradict each other.
    """

    calls: Annotated[
        int,
        Meta(
            title="a whole number, 1 or more",
            description="How many calls to the service may be under way at a time.",
            examples=[100],
        ),
    ] = 100
    queue: Annotated[
        int,
        Meta(
            title="a whole number, 0 or more",
            description="How many calls more may wait for their turn.",
            examples=[100],
        ),
    ] = 100
    wait: Annotated[
        float,
        Meta(
            title="seconds, 0 or more",
            description="How long a call waits for its turn at most.",
            examples=[1.0],
        ),
    ] = 1.0

    def __post_init__(self) -> None:
        if self.calls < 1:
            raise ValueError(f"calls = {self.calls}: take a number of calls, such as 100")
        if self.queue < 0:
            raise ValueError(f"queue = {self.queue}: take a number of calls; 0 lets none wait")
        if not 0 <= self.wait < math.inf:
            raise ValueError(f"wait = {self.wait}: take a number of seconds, such as 1.0")
        if self.queue and not self.wait:
            raise ValueError("wait = 0: nobody can queue without waiting; say queue = 0 as well")


class Bulkhead:
    """The places for calls to one service: taken, free, and the line of those who wait for one.

    One for all operations of a service, in each process that calls it; held by one event loop.

    Source: M. Nygard, *Release It!* (bulkheads).
    """

    __slots__ = ("_line", "free", "settings")

    def __init__(self, settings: Bulk) -> None:
        self.settings = settings
        self.free = settings.calls
        """How many calls more could begin now. Above zero only while nobody waits."""
        self._line: deque[asyncio.Future[None]] = deque()

    def __repr__(self) -> str:
        return f"<Bulkhead: {self.taken} of {self.settings.calls} taken, {self.waiting} waiting>"

    @property
    def taken(self) -> int:
        """How many calls are under way."""
        return self.settings.calls - self.free

    @property
    def waiting(self) -> int:
        """How many calls wait for a place."""
        return len(self._line)

    async def enter(self, call: Call) -> None:
        """Wait in line for a place, and take it; give it back with `leave`.

        Raises `Failure`, not sent: ``resource_exhausted`` where the line is full or the wait was too
        long, ``deadline_exceeded`` where the call's time was over first.
        """
        if len(self._line) >= self.settings.queue:
            raise self._full(call, f"{len(self._line)} more wait")
        seconds, deadline = self.settings.wait, call.context.deadline
        left = math.inf if deadline is None else deadline - monotonic()
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._line.append(turn)
        alarm = loop.call_later(min(seconds, left), self._give_up, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._forget(turn)
            elif turn.exception() is None:
                self.leave()  # given a place and cancelled at once: the next one takes it
            raise
        except TimeoutError:
            if left > seconds:
                raise self._full(call, f"it waited {seconds} s for its turn") from None
            what = (
                f"The deadline of {call.operation.id} passed while it waited for its turn; it was"
                " not sent"
            )
            raise Failure(Code.DEADLINE_EXCEEDED, what, sent=Sent.NOT_SENT) from None
        finally:
            alarm.cancel()

    def leave(self) -> None:
        """Give a place back: whoever has waited longest takes it."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        if not turn.done():
            self._forget(turn)
            turn.set_exception(TimeoutError())

    def _forget(self, turn: asyncio.Future[None]) -> None:
        if turn in self._line:
            self._line.remove(turn)

    def _full(self, call: Call, why: str) -> Failure:
        operation, settings = call.operation, self.settings
        what = (
            f"{operation.id} was not sent: {settings.calls} calls to {operation.contract} are under"
            f" way from here, and {why}. Call less often; or raise `calls` of its bulkhead, if it"
            " can take more"
        )
        after = settings.wait or 1.0
        return Failure(Code.RESOURCE_EXHAUSTED, what, sent=Sent.NOT_SENT, retry_after=after)


def bulkhead(places: Bulkhead, tally: Tally = untold) -> Policy:
    """Let so many calls be under way at a time as there are ``places``; the others wait in line.

    First come, first served, for as long as `Bulk.wait` and never past the deadline. So a service
    that answers slowly costs its callers a bounded number of tasks and connections, and the calls to
    other services go on.

    A streamed answer keeps its place until it was read to its end, closed or dropped: up to then it
    keeps a connection too.

    Tells ``tally``: ``waited``, where a call got its turn after waiting; ``refused``.
    """

    def policy(handler: Handler) -> Handler:
        async def limited(call: Call) -> Reply:
            if places.free > 0:
                places.free -= 1
            else:
                await _turn(places, call, tally)
            stays = False
            try:
                reply = await handler(call)
                if call.operation.result.stream:
                    # The place goes along with the stream, which gives it back.
                    stays = True
                    return structs.replace(reply, value=_Occupying(reply.value, places.leave))
                return reply
            finally:
                if not stays:
                    places.leave()

        return limited

    return policy


async def _turn(places: Bulkhead, call: Call, tally: Tally) -> None:
    began = monotonic()
    try:
        await places.enter(call)
    except Failure as failure:
        tally("bulkhead", "refused", call, f"{failure.code.value}: {places!r}")
        raise
    tally("bulkhead", "waited", call, f"{monotonic() - began:.3f} s")


class _Occupying:
    """A streamed answer, and the place that it takes."""

    __slots__ = ("_leave", "_loop", "_parts")

    def __init__(self, parts: Any, leave: Callable[[], None]) -> None:
        self._parts = parts
        self._leave: Callable[[], None] | None = leave
        self._loop = asyncio.get_running_loop()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            part: bytes = await anext(self._parts)
        except BaseException:
            self._go()
            raise
        return part

    async def aclose(self) -> None:
        """Let go of the rest."""
        try:
            close = getattr(self._parts, "aclose", None)
            if close is not None:
                await close()
        finally:
            self._go()

    def __del__(self) -> None:
        # The collector may run in any thread.
        if self._leave is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._leave)

    def _go(self) -> None:
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()
