"""Discovered: calls to a service wherever it is, and to another instance where that is safe."""

import asyncio
import contextlib
import logging
import os
import random
from collections.abc import Callable
from time import monotonic

from coterie.call import Call, Failure, Reply, Sent
from coterie.contract import Code, Operation
from coterie.policy import Breaker, BreakerState, Breaking, Tally, untold
from coterie.registry import Balance, Choose, InstanceState, Registry, Watch

from .lane import Lane
from .lanes import Group, Lanes

__all__ = ["Discovered"]

log = logging.getLogger("coterie.client")

_MORE_TRIES = 2
"""Tries beyond one for each instance."""

_RESTING = 1.0
"""Seconds that a call waits for a breaker to let it through, where no instance is trusted."""

_BREAKING = Breaking()

# As in traces: a generator of our own, drawn anew in forked processes.
_random = random.Random()  # noqa: S311  # not for secrets
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


def _usual(_: Operation) -> Balance:
    return "two-choices"


class Discovered:
    """Sends calls to the instances of ``service`` that ``registry`` knows.

    A component, and its `handle` a handler.

    ``balance`` says by which rule one is picked for the calls of an operation, among those of
    ``zone`` if there are any; ``choose`` is one rule for all instead. Each instance has up to
    ``connections`` of its own, and a breaker by the numbers of ``breaking``: one that keeps failing
    is not called for a while, and one that answers an operation with ``unavailable`` not for that. One that has just come up gets its share within ``slow_start``
    seconds. ``tally`` is told what breakers do.

    A call is sent to another instance where it was not sent, or where the instance is not ready and
    began nothing; never once the body of a request streams, and never past the call's deadline or
    ``patience`` seconds. So long a call also waits where there is no instance at all. What may have
    had an effect is raised: to try that again is for `coterie.policy.retry`.

    An instance that drains or is withdrawn gets no new calls; what is under way there finishes.

    Raises `ValueError` for a slow start that is no time.
    """

    def __init__(
        self,
        service: str,
        registry: Registry,
        *,
        balance: Callable[[Operation], Balance] = _usual,
        choose: Choose | None = None,
        breaking: Breaking | None = _BREAKING,
        slow_start: float = 5.0,
        tally: Tally = untold,
        connections: int = 100,
        patience: float = 5.0,
        zone: str = "",
    ) -> None:
        if not 0 <= slow_start < float("inf"):
            raise ValueError(f"slow_start={slow_start}: take a number of seconds, or 0 for none")
        self.service = service
        self._registry = registry
        self._patience = patience
        self._tally = tally
        self._watch: Watch | None = None
        self._lanes = Lanes(
            balance=balance,
            choose=choose,
            breaking=breaking,
            slow_start=slow_start,
            connections=connections,
            zone=zone,
            noticed=self._noticed,
        )

    def __repr__(self) -> str:
        return f"<Discovered {self.service}: {self._lanes!r}>"

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The ways to the instances there are, each with its breaker and how busy it is."""
        return self._lanes.all

    async def start(self) -> None:
        """Watch the service. Connections are opened when calls need them."""
        self._watch = await self._registry.watch(self.service, self._lanes.told)

    async def stop(self) -> None:
        """Watch no longer, close every connection."""
        if self._watch is not None:
            self._watch.close()
        await self._lanes.stop()

    async def handle(self, call: Call) -> Reply:
        """Send one call and wait for its answer.

        Raises what `Http.handle` raises, each `Failure` with the instance it came from; and
        `Failure` (``unavailable``, not sent) where no instance comes up in time, or all there are
        keep failing.
        """
        began = monotonic()
        lanes = self._lanes
        group = lanes.groups.get(call.operation) or lanes.of(call.operation)
        near = group.near
        if lanes.tripped or not near or call.avoid:
            return await self._persist(call, began)
        if len(near) == 1:
            lane = near[0]
        else:
            lane = group.choose(near, _key(group, call) if group.parameter else None)
        try:
            return await lane.send(call, began)
        except Failure as error:
            failure = error
        if not self._may_pass_on(call.operation, failure):
            raise failure
        return await self._persist(call, began, lane, failure)

    # --- when it is not that easy ---------------------------------------------------------------

    async def _persist(
        self, call: Call, began: float, lane: Lane | None = None, failure: Failure | None = None
    ) -> Reply:
        """The same call again, to whom has not failed it yet, while there is time."""
        deadline = call.context.deadline
        end = began + self._patience
        if deadline is not None and deadline < end:
            end = deadline
        failed = set() if lane is None else {lane}
        tries = len(failed)
        while failure is None or tries < len(self._lanes) + _MORE_TRIES:
            lane = await self._next(call, failed, failure, end)
            failed.add(lane)
            tries += 1
            try:
                return await lane.send(call, monotonic())
            except Failure as error:
                failure = error
                if not self._may_pass_on(call.operation, error):
                    raise
        raise failure

    async def _next(
        self, call: Call, failed: set[Lane], failure: Failure | None, end: float
    ) -> Lane:
        """Who is asked next. Waits for somebody; raises ``failure`` where that would take too long.

        ``failed`` is emptied where another round begins.
        """
        rested = end  # until when to wait for breakers, once it comes to that
        while True:
            group = self._lanes.of(call.operation)
            if not group.wide:
                group = await self._somebody(call.operation, end, failure)
            if failure is not None and monotonic() >= end:
                raise failure
            free = _free(group, call, failed)
            if free:
                lane = group.choose(free, _key(group, call))
                if lane.enter(call.operation):
                    self._tally("breaker", "probed", call, lane.instance.id)
                return lane
            resting = min(lane.resting(call.operation) for lane in group.wide)
            if resting:
                rested = min(rested, monotonic() + _RESTING)
                if not await self._change(resting, rested):
                    raise failure or self._all_fail(call, group)
            else:  # all have failed this call: give them a moment
                if not await self._change(_random.uniform(0.02, 0.1), end):
                    raise failure or self._nobody(call.operation)
                failed.clear()

    def _may_pass_on(self, operation: Operation, failure: Failure) -> bool:
        if self._lanes.stopped:
            return False
        if failure.sent is Sent.NOT_SENT:
            # Cancelled: its lane closed under it. Other codes speak of the call, not the instance.
            return failure.code in (Code.UNAVAILABLE, Code.CANCELLED)
        if any(parameter.stream for parameter in operation.parameters):
            return False  # what was read of the body is gone
        return failure.sent is Sent.REFUSED

    async def _change(self, seconds: float, end: float) -> bool:
        """Wait, at most until somebody comes, goes or recovers; not if that lasted until ``end``."""
        if monotonic() + seconds >= end:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._lanes.changed.wait()
        return True

    async def _somebody(self, operation: Operation, end: float, failure: Failure | None) -> Group:
        """Wait until there is an instance to call."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(end - monotonic()):
                while not self._lanes.stopped:
                    await self._lanes.changed.wait()
                    group = self._lanes.of(operation)
                    if group.wide:
                        return group
        raise failure or self._nobody(operation)

    # --- breakers -------------------------------------------------------------------------------

    def _noticed(self, lane: Lane, breaker: Breaker, before: BreakerState, call: Call) -> None:
        if breaker.state is before:
            if before is BreakerState.HALF_OPEN and not breaker.opens_in:
                self._lanes.wake()  # the call that was to find out did not: another may
            return
        self._lanes.recount()
        name = lane.instance.id
        what = name if breaker is lane.breaker else f"{name}, asked for {call.operation.id},"
        if breaker.state is BreakerState.OPEN:
            self._tally("breaker", "opened", call, name)
            if before is BreakerState.CLOSED:
                seconds = breaker.opens_in
                told = "%s keeps failing and is left alone for %.2f s (see `coterie logs %s`)"
                log.warning(told, what, seconds, self.service)
        else:
            self._tally("breaker", "closed", call, name)
            log.info("%s answers again", what)
            self._lanes.wake()

    def _all_fail(self, call: Call, group: Group) -> Failure:
        self._tally("breaker", "refused", call)
        who = ", ".join(sorted(lane.instance.id for lane in group.wide))
        what = (
            f"{call.operation.id}: every instance of {self.service} keeps failing, so none is called"
            f" for a while: {who}; see `coterie logs {self.service}`"
        )
        seconds = min(lane.resting(call.operation) for lane in group.wide)
        return Failure(Code.UNAVAILABLE, what, retry_after=seconds, sent=Sent.NOT_SENT)

    def _nobody(self, operation: Operation) -> Failure:
        if self._lanes.stopped:
            what = f"{operation.id}: this client of {self.service} is stopped"
            return Failure(Code.CANCELLED, what, sent=Sent.NOT_SENT)
        instances = self._lanes.instances
        if not instances:
            why = "none is announced; see `coterie ps`, and whether it runs under this name"
        elif all(i.state is InstanceState.DRAINING for i in instances):
            why = f"all {len(instances)} are draining; start another"
        else:
            there = {f"{o.name} {o.version}" for i in instances for o in i.offers}
            why = (
                f"those there offer {', '.join(sorted(there))}; start one that offers"
                f" {operation.contract} {operation.major}, or update this client's contract"
            )
        what = f"{operation.id}: no instance of {self.service} is up: {why}"
        return Failure(Code.UNAVAILABLE, what, retry_after=1.0, sent=Sent.NOT_SENT)


def _free(group: Group, call: Call, failed: set[Lane]) -> list[Lane]:
    """Whom a call may go to now: the near before the far, those it avoids where there are no others."""
    spare: list[Lane] = []
    for lanes in (group.near, group.wide):
        free = [one for one in lanes if one not in failed and not one.resting(call.operation)]
        wanted = [lane for lane in free if lane.instance.id not in call.avoid]
        if wanted:
            return wanted
        spare = spare or free
    return spare


def _key(group: Group, call: Call) -> str | None:
    """What the call is about, if the choice depends on it."""
    if not group.parameter:
        return None
    value = call.arguments.get(group.parameter)
    return None if value is None else str(value)
