"""Discovered: calls to a service wherever it is, and to another instance where that is safe."""

import asyncio
import contextlib
import logging
import os
import random
from time import monotonic

from coterie.call import Call, Failure, Reply, Sent
from coterie.contract import Code, Operation
from coterie.registry import (
    Choose,
    Instance,
    InstanceState,
    Registry,
    Watch,
    eligible,
    two_choices,
)

from .lane import Lane

__all__ = ["Discovered"]

log = logging.getLogger("coterie.client")

_MORE_TRIES = 2
"""Tries beyond one for each instance."""

# As in traces: a generator of our own, drawn anew in forked processes.
_random = random.Random()  # noqa: S311  # not for secrets
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


class Discovered:
    """Sends calls to the instances of ``service`` that ``registry`` knows.

    A component, and its `handle` a handler.

    ``choose`` picks one for each call, among those of ``zone`` if there are any; each has up to
    ``connections`` of its own. A call is sent to another instance where that is harmless: it was
    not sent, or the instance is not ready and began nothing; or its outcome is unknown and the
    operation is idempotent. Never once the body of a request streams, and never past the call's
    deadline or ``patience`` seconds. So long a call also waits where there is no instance at all.

    An instance that drains or is withdrawn gets no new calls; what is under way there finishes.
    """

    def __init__(
        self,
        service: str,
        registry: Registry,
        *,
        choose: Choose = two_choices,
        connections: int = 100,
        patience: float = 5.0,
        zone: str = "",
    ) -> None:
        self.service = service
        self._registry = registry
        self._choose = choose
        self._connections = connections
        self._patience = patience
        self._zone = zone
        self._watch: Watch | None = None
        self._stopped = False
        self._instances: tuple[Instance, ...] = ()
        self._lanes: dict[str, Lane] = {}
        self._ready: dict[Operation, tuple[Lane, ...]] = {}
        self._changed = asyncio.Event()
        self._closing: set[asyncio.Task[None]] = set()
        self._warned: set[tuple[str, str]] = set()

    def __repr__(self) -> str:
        return f"<Discovered {self.service}: {', '.join(self._lanes) or 'nobody'}>"

    async def start(self) -> None:
        """Watch the service. Connections are opened when calls need them."""
        self._watch = await self._registry.watch(self.service, self._told)

    async def stop(self) -> None:
        """Watch no longer, close every connection."""
        self._stopped = True
        if self._watch is not None:
            self._watch.close()
        for lane in self._lanes.values():
            await lane.close(drain=False)
        self._lanes.clear()
        self._ready.clear()
        self._wake()
        for task in self._closing:
            task.cancel()
        if self._closing:
            await asyncio.wait(self._closing)

    async def handle(self, call: Call) -> Reply:
        """Send one call and wait for its answer.

        Raises what `Http.handle` raises, and `Failure` (``unavailable``, not sent) where no instance
        comes up in time.
        """
        began = monotonic()
        lanes = self._ready.get(call.operation) or self._find(call.operation)
        if not lanes:
            return await self._persist(call, began)
        lane = lanes[0] if len(lanes) == 1 else self._choose(lanes)
        lane.in_flight += 1
        try:
            http = lane.http
            return await (await lane.open() if http is None else http).handle(call)
        except Failure as error:
            failure = error
        finally:
            lane.in_flight -= 1
        if not self._may_repeat(call.operation, failure):
            raise failure
        return await self._persist(call, began, lane, failure)

    # --- when it is not that easy ---------------------------------------------------------------

    async def _persist(
        self, call: Call, began: float, lane: Lane | None = None, failure: Failure | None = None
    ) -> Reply:
        """The same call again, to whom has not failed it yet, while there is time."""
        operation, deadline = call.operation, call.context.deadline
        end = began + self._patience
        if deadline is not None and deadline < end:
            end = deadline
        failed = set() if lane is None else {lane}
        tries = 0 if lane is None else 1
        while True:
            lanes = self._find(operation) or await self._somebody(operation, end, failure)
            fresh = tuple(lane for lane in lanes if lane not in failed)
            if failure is not None:
                if tries >= len(self._lanes) + _MORE_TRIES or monotonic() >= end:
                    raise failure
                if not fresh:
                    if not await self._pause(end):
                        raise failure
                    failed.clear()  # another round, of whoever is there by now
                    continue
            lane = self._choose(fresh)
            failed.add(lane)
            tries += 1
            lane.in_flight += 1
            try:
                return await (lane.http or await lane.open()).handle(call)
            except Failure as error:
                failure = _of_both(failure, error)
                if not self._may_repeat(operation, error):
                    raise failure  # noqa: B904  # it is this one, or what it leaves unknown
            finally:
                lane.in_flight -= 1

    def _may_repeat(self, operation: Operation, failure: Failure) -> bool:
        if self._stopped:
            return False
        sent = failure.sent
        if sent is Sent.NOT_SENT:
            # Cancelled: its lane closed under it. Other codes speak of the call, not the instance.
            return failure.code in (Code.UNAVAILABLE, Code.CANCELLED)
        if any(parameter.stream for parameter in operation.parameters):
            return False  # what was read of the body is gone
        if sent is Sent.UNKNOWN:
            return failure.code is Code.UNAVAILABLE and (operation.idempotent or operation.safe)
        return sent is Sent.REFUSED

    async def _pause(self, end: float) -> bool:
        """Give those who failed a moment, unless the time is over before it is."""
        seconds = _random.uniform(0.02, 0.1)
        if monotonic() + seconds >= end:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()  # somebody new, or somebody gone
        return True

    async def _somebody(
        self, operation: Operation, end: float, failure: Failure | None
    ) -> tuple[Lane, ...]:
        """Wait until there is an instance to call."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(end - monotonic()):
                while not self._stopped:
                    await self._changed.wait()
                    lanes = self._find(operation)
                    if lanes:
                        return lanes
        raise failure or self._nobody(operation)

    def _nobody(self, operation: Operation) -> Failure:
        if self._stopped:
            what = f"{operation.id}: this client of {self.service} is stopped"
            return Failure(Code.CANCELLED, what, sent=Sent.NOT_SENT)
        if not self._instances:
            why = "none is announced; see `coterie ps`, and whether it runs under this name"
        elif all(i.state is InstanceState.DRAINING for i in self._instances):
            why = f"all {len(self._instances)} are draining; start another"
        else:
            there = {f"{o.name} {o.version}" for i in self._instances for o in i.offers}
            why = (
                f"those there offer {', '.join(sorted(there))}; start one that offers"
                f" {operation.contract} {operation.major}, or update this client's contract"
            )
        what = f"{operation.id}: no instance of {self.service} is up: {why}"
        return Failure(Code.UNAVAILABLE, what, retry_after=1.0, sent=Sent.NOT_SENT)

    # --- who is there ---------------------------------------------------------------------------

    def _find(self, operation: Operation) -> tuple[Lane, ...]:
        """The lanes a call of ``operation`` may take now."""
        found = self._ready.get(operation)
        if found is None:
            serving: list[Instance] = []
            for lane in self._lanes.values():
                if lane.serves(operation):
                    serving.append(lane.instance)
                else:
                    self._warn(lane.instance, operation)
            chosen = eligible(serving, self._zone)
            found = self._ready[operation] = tuple(self._lanes[i.id] for i in chosen)
        return found

    def _warn(self, instance: Instance, operation: Operation) -> None:
        what = (instance.id, f"{operation.contract} {operation.major}")
        if what not in self._warned:
            self._warned.add(what)
            log.warning("%s does not offer %s, and is not called for it", *what)

    def _told(self, instances: tuple[Instance, ...]) -> None:
        self._instances = instances
        before, self._lanes = self._lanes, {}
        for instance in instances:
            if instance.state is InstanceState.DRAINING:
                continue
            lane = before.get(instance.id)
            if lane is None or lane.instance.url != instance.url:
                lane = Lane(instance, self._connections)
            else:
                lane.instance = instance
                del before[instance.id]
            self._lanes[instance.id] = lane
        self._ready.clear()
        for lane in before.values():
            if lane.http is not None:
                task = asyncio.create_task(lane.close(drain=True))
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _of_both(before: Failure | None, last: Failure) -> Failure:
    """What to say of a call that failed twice: one that never left undoes no unknown outcome."""
    if before is None or before.sent is not Sent.UNKNOWN:
        return last
    return before if last.sent in (Sent.NOT_SENT, Sent.REFUSED) else last
