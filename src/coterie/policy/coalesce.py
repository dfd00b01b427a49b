"""Together: equal calls that are under way at the same time are one call."""

import asyncio
import copy
from collections.abc import Hashable
from time import monotonic

from msgspec import structs

from coterie.call import Call, Failure, Handler, Policy, Reply, Sent
from coterie.contract import Code, Fault

from .copies import own
from .question import question
from .tally import Tally, untold

__all__ = ["coalesce"]


def coalesce(tally: Tally = untold) -> Policy:
    """Let equal calls of a safe operation share one answer, if they are under way at a time.

    Equal are calls of the same operation, with the same arguments, for the same caller: see
    `question`. Each gets a copy of its own of what can be changed, or of the error.

    Who is cancelled, or whose deadline passes, leaves alone; the call itself goes on for the others,
    and is cancelled when nobody is left. It has the deadline of whoever began it: where that was too
    early for the others, one of them begins anew.

    A caller that joins gets what was asked for before it came. Whoever has just written something
    and reads it back may therefore read what was there before, if somebody else's equal call was
    under way during the write. So this is off unless asked for; do not ask for it where a caller must
    read its own writes.

    Streamed answers have one reader, and are not shared; neither are calls that change something.

    Tells ``tally``: ``joined``.

    Source: Go, *golang.org/x/sync/singleflight*; nginx, ``proxy_cache_lock``.
    """

    def policy(handler: Handler) -> Handler:
        return _Together(handler, tally).handle

    return policy


class _Flight:
    """One call, and how many wait for it."""

    __slots__ = ("shared", "task", "waiting")

    def __init__(self, task: "asyncio.Task[Reply]") -> None:
        self.task = task
        self.waiting = 0
        self.shared = False


class _Together:
    """One handler, and the calls to it that are under way."""

    def __init__(self, handler: Handler, tally: Tally) -> None:
        self._handler = handler
        self._tally = tally
        self._flights: dict[Hashable, _Flight] = {}

    async def handle(self, call: Call) -> Reply:
        operation = call.operation
        if not operation.safe or operation.result.stream:
            return await self._handler(call)
        asked = question(call)
        if asked is None:
            return await self._handler(call)
        key = (asked, call.validator)
        while True:
            flight = self._flights.get(key)
            if flight is None:
                flight = self._begin(key, call)
                await self._wait(key, flight, None)
                first = flight.task.result()
                # Whoever joined copies it later than this caller has it, who may change it.
                return structs.replace(first, value=own(first.value)) if flight.shared else first
            self._tally("coalesce", "joined", call)
            flight.shared = True
            reply = await self._join(key, flight, call)
            if reply is not None:
                return reply

    async def _join(self, key: Hashable, flight: _Flight, call: Call) -> Reply | None:
        """What the other call was answered; ``None`` where its time was over, and ours is not."""
        deadline = call.context.deadline
        await self._wait(key, flight, deadline)
        if flight.task.done():
            try:
                reply = flight.task.result()
            except (Failure, Fault) as error:
                if not (isinstance(error, Failure) and error.code is Code.DEADLINE_EXCEEDED):
                    # Each has its own: whoever catches an error may write on it.
                    raise copy.copy(error) from error
            else:
                return structs.replace(reply, value=own(reply.value))
        if deadline is None or deadline > monotonic():
            return None
        what = (
            f"The deadline of {call.operation.id} passed while it waited for the answer to an equal"
            " call"
        )
        raise Failure(Code.DEADLINE_EXCEEDED, what, sent=Sent.UNKNOWN)

    def _begin(self, key: Hashable, call: Call) -> _Flight:
        # `ensure_future` takes what any handler returns; a coroutine becomes a task of its own.
        task: asyncio.Task[Reply] = asyncio.ensure_future(_asked(self._handler, call))
        flight = self._flights[key] = _Flight(task)
        task.add_done_callback(lambda _: self._end(key, flight))
        return flight

    def _end(self, key: Hashable, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    async def _wait(self, key: Hashable, flight: _Flight, deadline: float | None) -> None:
        """Until the call has ended, or ``deadline`` has passed."""
        task = flight.task
        flight.waiting += 1
        try:
            left = None if deadline is None else max(deadline - monotonic(), 0.0)
            await asyncio.wait([task], timeout=left)
        finally:
            flight.waiting -= 1
            if flight.waiting == 0 and not task.done():
                # Nobody wants it any more: what it holds is given back before we go.
                self._end(key, flight)
                task.cancel()
                await asyncio.wait([task])


async def _asked(handler: Handler, call: Call) -> Reply:
    return await handler(call)
