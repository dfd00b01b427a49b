"""Lanes: the instances of one service that calls may go to, as the registry tells of them."""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic

from coterie.contract import Operation
from coterie.policy import BreakerState, Breaking
from coterie.registry import Balance, Choose, Hashing, Instance, InstanceState, chooser, eligible

from .lane import Lane, Noticed

__all__ = ["Group", "Lanes"]

log = logging.getLogger("coterie.client")

_FIRST_SHARE = 0.1
"""Of its weight, for an instance that has just come up: enough to be used within few calls."""

_STEP = 0.1
"""Seconds between two steps of a weight that grows."""


class Group:
    """Where the calls of one operation may go, and who decides.

    ``near`` are those to choose from; ``wide`` those of every zone, for when none of the near ones
    will do. ``parameter`` is the one whose value the choice depends on, or empty.
    """

    __slots__ = ("choose", "near", "parameter", "wide")

    def __init__(
        self, near: tuple[Lane, ...], wide: tuple[Lane, ...], choose: Choose, parameter: str
    ) -> None:
        self.near = near
        self.wide = wide
        self.choose = choose
        self.parameter = parameter


class Lanes:
    """One lane for each instance that is up or starts, kept as the registry tells.

    An instance that has come up while others were there begins with a tenth of its weight and has
    all of it after ``slow_start`` seconds. One that is announced anew, after it was gone or was not
    up, is trusted anew: its breaker is closed.

    Source: slow start is that of Envoy and nginx; here the share grows evenly.
    """

    def __init__(
        self,
        *,
        balance: Callable[[Operation], Balance],
        choose: Choose | None,
        breaking: Breaking | None,
        slow_start: float,
        connections: int,
        zone: str,
        noticed: Noticed,
    ) -> None:
        self.instances: tuple[Instance, ...] = ()
        """All that are announced, in every state."""
        self.tripped = 0
        """How many lanes have a breaker that is not closed."""
        self.stopped = False
        self.changed = asyncio.Event()
        """Set, and put in place anew, whenever somebody came, went, or recovered."""
        self._balance = balance
        self._choose = choose
        self._breaking = breaking
        self._slow_start = slow_start
        self._connections = connections
        self._zone = zone
        self._noticed = noticed
        self._lanes: dict[str, Lane] = {}
        self.groups: dict[Operation, Group] = {}
        """What `of` has found since somebody came or went."""
        self._choosers: dict[Operation, tuple[Choose, str]] = {}
        self._fresh: dict[Lane, float] = {}
        self._growing: asyncio.TimerHandle | None = None
        self._told_before = False
        self._closing: set[asyncio.Task[None]] = set()
        self._warned: set[tuple[str, str]] = set()

    def __len__(self) -> int:
        return len(self._lanes)

    def __repr__(self) -> str:
        return ", ".join(self._lanes) or "nobody"

    @property
    def all(self) -> tuple[Lane, ...]:
        """Every lane there is."""
        return tuple(self._lanes.values())

    def of(self, operation: Operation) -> Group:
        """Where calls of ``operation`` may go now."""
        return self.groups.get(operation) or self._group(operation)

    def _group(self, operation: Operation) -> Group:
        serving: list[Instance] = []
        for lane in self._lanes.values():
            if lane.serves(operation):
                serving.append(lane.instance)
            else:
                self._warn(lane.instance, operation)
        near, wide = (
            tuple(self._lanes[one.id] for one in eligible(serving, zone))
            for zone in (self._zone, "")
        )
        found = self.groups[operation] = Group(near, wide, *self._chooser(operation))
        return found

    def recount(self) -> None:
        """Count the breakers that are not closed, after one of them changed."""
        self.tripped = sum(lane.state is not BreakerState.CLOSED for lane in self._lanes.values())

    def wake(self) -> None:
        """Let those who wait for a change look again."""
        self.changed.set()
        self.changed = asyncio.Event()

    def told(self, instances: tuple[Instance, ...]) -> None:
        """Take over what the registry says."""
        self.instances = instances
        before, self._lanes = self._lanes, {}
        for instance in instances:
            if instance.state is InstanceState.DRAINING:
                continue
            lane = before.get(instance.id)
            if lane is None or lane.instance.url != instance.url:
                lane = self._made(instance)
            else:
                self._renewed(lane, instance)
                del before[instance.id]
            self._lanes[instance.id] = lane
        self._told_before = True
        self.groups.clear()
        self.recount()
        self._grow()
        for lane in before.values():
            self._fresh.pop(lane, None)
            if lane.http is not None:
                task = asyncio.create_task(lane.close(drain=True))
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
        self.wake()

    async def stop(self) -> None:
        """Close every connection; nobody is there from here on."""
        self.stopped = True
        if self._growing is not None:
            self._growing.cancel()
        for lane in self._lanes.values():
            await lane.close(drain=False)
        self._lanes.clear()
        self.groups.clear()
        self.tripped = 0
        self.wake()
        for task in self._closing:
            task.cancel()
        if self._closing:
            await asyncio.wait(self._closing)

    def _made(self, instance: Instance) -> Lane:
        lane = Lane(instance, self._connections, self._breaking, self._noticed)
        # Whoever was there when this client came may have been so for long.
        if self._told_before and instance.state is InstanceState.UP:
            self._begins(lane)
        return lane

    def _renewed(self, lane: Lane, instance: Instance) -> None:
        came_up = instance.state is InstanceState.UP is not lane.instance.state
        lane.instance = instance
        lane.weight = instance.weight
        if came_up:
            lane.trust()
            self._begins(lane)

    # --- slow start -----------------------------------------------------------------------------

    def _begins(self, lane: Lane) -> None:
        if self._slow_start > 0:
            self._fresh[lane] = monotonic()

    def _grow(self) -> None:
        """Give every new instance what is its share by now; come again while there are any."""
        if self._growing is not None:
            self._growing.cancel()
            self._growing = None
        now = monotonic()
        for lane, since in list(self._fresh.items()):
            share = (now - since) / self._slow_start
            if share >= 1:
                del self._fresh[lane]
            lane.weight = lane.instance.weight * min(max(share, _FIRST_SHARE), 1.0)
        if self._fresh and not self.stopped:
            self._growing = asyncio.get_running_loop().call_later(_STEP, self._grow)

    # --- choosing -------------------------------------------------------------------------------

    def _chooser(self, operation: Operation) -> tuple[Choose, str]:
        found = self._choosers.get(operation)
        if found is None:
            balance = self._balance(operation)
            parameter = balance.hash if isinstance(balance, Hashing) else ""
            found = self._choosers[operation] = (self._choose or chooser(balance), parameter)
        return found

    def _warn(self, instance: Instance, operation: Operation) -> None:
        what = (instance.id, f"{operation.contract} {operation.major}")
        if what not in self._warned:
            self._warned.add(what)
            log.warning("%s does not offer %s, and is not called for it", *what)
