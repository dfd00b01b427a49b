"""Supervisor: keeps every process of a system running."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic

from coterie.console.control import Guest
from coterie.registry import Instance, InstanceState, Registry
from coterie.system import Blueprint, Inventory, ProcessSpec, Replicas, System

from .autoscale import Scaler
from .crew import Crew
from .directory import Directory
from .front import Front
from .kept import Kept
from .listener import Listener
from .plant import PROGRAM, Plant
from .service_worker import ServiceWorker

__all__ = ["Supervisor"]

log = logging.getLogger("coterie.console")

_LOOK = 1.0
_STUCK = 4.0
"""Seconds without a beat after which others are called instead: four have not come."""

_DEAD = 60.0
"""Seconds without a beat after which a process is ended: nothing it does is worth that."""

_STATES = {
    "starting": InstanceState.STARTING,
    "restarting": InstanceState.STARTING,
    "up": InstanceState.UP,
    "stuck": InstanceState.STARTING,
    "draining": InstanceState.DRAINING,
}


class Supervisor:
    """The processes of ``system``: services, console, gateway, and the broker under them."""

    def __init__(
        self,
        system: System,
        blueprint: Blueprint,
        plant: Plant,
        *,
        front: Front,
        console: Kept,
        broker: Kept | None,
        registry: Registry,
    ) -> None:
        self.system = system
        self.blueprint = blueprint
        self.plant = plant
        self.front = front
        self.console = console
        self.broker = broker
        self.directory = Directory(registry, front.endpoints)
        self.crews = {spec.name: Crew(spec, self._maker(spec)) for spec in system.groups}
        self.guests: dict[str, Guest] = {}
        self.stopping = False
        """Whether nothing is started any more."""
        self._tasks: list[asyncio.Task[None]] = []
        self._scaling: dict[str, asyncio.Task[None]] = {}
        plant.changed = self._changed

    def kept(self) -> Iterator[Kept]:
        """Every process but the supervisor, in the order in which a person wants to read them."""
        yield self.front.kept
        for crew in self.crews.values():
            yield from crew.members
        yield self.console
        if self.broker is not None:
            yield self.broker

    async def start(self) -> None:
        """Start everything; returns once each process answers, or has failed to."""
        await self.directory.start()
        self.console.start()
        for crew in self.crews.values():
            crew.start()
        self.front.kept.start()
        for kept in self.kept():
            await kept.settled.wait()
        up = {name for crew in self.crews.values() if crew.up for name in crew.spec.together}
        await self.front.routed(up)
        self._tasks.append(asyncio.create_task(self._watch_beats()))
        self._tasks.append(asyncio.create_task(self.front.tend()))
        for crew in self.crews.values():
            self.follow_load(crew)

    async def stop(self) -> None:
        """Let all calls end, callers before those they call; then everything else."""
        self.stopping = True
        for task in (*self._tasks, *self._scaling.values()):
            task.cancel()
        await self.front.kept.stop()
        for level in _levels(self.crews, self.blueprint.inventory):
            await asyncio.gather(*(crew.end() for crew in level))
        await self.console.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self.directory.settled()
        await self.directory.stop()

    def welcome(self, guest: Guest) -> None:
        """Have ``guest`` called."""
        self.guests[guest.name] = guest
        for service in guest.services:
            self.directory.put(
                Instance(service=service, id=guest.name, url=guest.url, offers=guest.offers)
            )

    def farewell(self, name: str) -> None:
        """Have the guest called ``name`` called no longer."""
        guest = self.guests.pop(name, None)
        for service in () if guest is None else guest.services:
            self.directory.drop(service, name)

    def kill(self) -> None:
        """End every process at once."""
        for kept in self.kept():
            kept.kill()

    def enlist(self, spec: ProcessSpec) -> Crew:
        """Start the instances of ``spec``, which is new."""
        crew = Crew(spec, self._maker(spec))
        if not self.stopping:
            self.crews[spec.name] = crew
            crew.start()
            self.follow_load(crew)
        return crew

    def follow_load(self, crew: Crew) -> None:
        """Scale ``crew`` by its load from now on, where its file says so."""
        self.ignore_load(crew)
        if isinstance(crew.spec.replicas, Replicas) and not self.stopping:
            scaler = Scaler(crew, crew.spec.replicas)
            self._scaling[crew.name] = asyncio.create_task(scaler.run())

    def ignore_load(self, crew: Crew) -> None:
        """Scale ``crew`` by its load no longer."""
        task = self._scaling.pop(crew.name, None)
        if task is not None:
            task.cancel()

    def _maker(self, spec: ProcessSpec) -> Callable[[str], Kept]:
        def make(name: str) -> Kept:
            def work() -> str:  # asked at each start: a class may take a program's place
                one = self.system.service(spec.together[0])
                return "instance" if one.kind == "implements" else PROGRAM

            made = self.plant.make(name, "service", work, Listener(), spec.together)
            services = (self.blueprint.inventory.service(s) for s in spec.together)
            versions = {c.version: None for service in services for c in service.contracts}
            made.version = ", ".join(versions)
            return made

        return make

    async def _watch_beats(self) -> None:
        """Whoever does not beat is called only where nobody else can be, and ended in the end."""
        while True:
            await asyncio.sleep(_LOOK)
            for kept in self.kept():
                silent = monotonic() - kept.beaten
                if kept.kind != "service" or kept.state not in ("up", "stuck"):
                    continue
                if silent > _DEAD and kept.process is not None:
                    log.error("%s gave no sign of life for %.0f s; ending it", kept.name, silent)
                    kept.process.signal(signal.SIGKILL)
                elif (silent > _STUCK) is not (kept.state == "stuck"):
                    kept.seem(stuck=silent > _STUCK)
                    if silent > _STUCK:
                        log.warning(
                            "%s gives no sign of life; is something blocking it?", kept.name
                        )

    def _changed(self, kept: Kept) -> None:
        """Tell the registry and the gateway what became of an instance."""
        if kept.kind != "service" or not isinstance(kept.worker, ServiceWorker):
            return
        state = _STATES.get(kept.state)
        for service in kept.services:
            if state is None:
                self.directory.drop(service, kept.name)
            else:
                instance = Instance(
                    service=service,
                    id=kept.name,
                    url=kept.worker.address,
                    offers=kept.worker.offers,
                    state=state,
                )
                self.directory.put(instance)


def _levels(crews: dict[str, Crew], inventory: Inventory) -> list[list[Crew]]:
    """Who calls before who is called; those that call each other, together."""
    home = {service: crew.name for crew in crews.values() for service in crew.spec.together}
    calls: dict[str, set[str]] = {name: set() for name in crews}
    for entry in inventory.services:
        caller = home.get(entry.name)
        for dependency in entry.calls:
            callee = home.get(dependency.service or "")
            if caller and callee and caller != callee:
                calls[caller].add(callee)
    left = dict(crews)
    levels = []
    while left:
        called = {callee for name in left for callee in calls[name] if callee in left}
        first = [name for name in left if name not in called] or list(left)
        levels.append([left.pop(name) for name in first])
    return levels
