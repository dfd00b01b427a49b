"""What a running system can be asked for, by way of its control socket."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing

from msgspec import structs

from coterie.console.control import Catalogue, ControlError, Guest, LogLine, Welcome
from coterie.console.row import OWN, Row
from coterie.policy.inject import Rule
from coterie.registry import Offer
from coterie.system import ContractEntry

from .channel import Faults
from .crew import Crew
from .kept import Kept, NotStarted
from .memory import pss
from .seen import calls_seen
from .service_worker import ServiceWorker
from .supervisor import Supervisor

__all__ = ["SupervisorControls"]


class SupervisorControls:
    """Implements `coterie.console.control.Controls`; ``stop_all`` asks the supervisor to end.

    Changes wait for each other: one at a time.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        own: Callable[[], Sequence[Row]],
        stop_all: Callable[[], None],
        stopped: asyncio.Event,
    ) -> None:
        self._supervisor = supervisor
        self._own = own
        self._stop_all = stop_all
        self._stopped = stopped
        self._turn = asyncio.Lock()

    async def rows(self) -> Sequence[Row]:
        """Every process: the gateway and services, then what they stand on."""
        guests = map(_row, self._supervisor.guests.values())
        rows = (*(kept.row() for kept in self._supervisor.kept()), *guests, *self._own())
        # The kernel walks through all that a process has mapped: milliseconds for a large one.
        memories = await asyncio.to_thread(lambda: [pss(row.pid) for row in rows])
        return tuple(
            structs.replace(row, memory=memory) for row, memory in zip(rows, memories, strict=True)
        )

    async def inventory(self) -> Catalogue:
        """What the system promises, and who was seen to call whom."""
        inventory = self._supervisor.blueprint.inventory
        up = (kept for kept in self._supervisor.kept() if kept.kind == "service" and kept.up)
        pages = [f"{kept.worker.address}{OWN if kept.program else ''}/metrics" for kept in up]
        return Catalogue(inventory, await calls_seen(pages, inventory))

    async def scale(self, service: str, replicas: int) -> AsyncGenerator[str, None]:
        """Run ``replicas`` instances of a service, or of the process it shares."""
        crew = self._free(self._crew(service))
        async with self._turn:
            try:
                async for told in crew.scale(replicas):
                    yield told
            except NotStarted as error:
                raise _not_started(error, crew.name) from error

    async def restart(self, names: Sequence[str]) -> AsyncGenerator[str, None]:
        """Replace processes one by one."""
        everyone = [name for name, crew in self._supervisor.crews.items() if crew.guest is None]
        targets = [self._target(name) for name in names or everyone]
        for crew, _ in targets:
            if crew is not None:
                self._free(crew)
        async with self._turn:
            for crew, kept in targets:
                if crew is not None:
                    try:
                        async for told in crew.restart(kept):
                            yield told
                    except NotStarted as error:
                        raise _not_started(error, crew.name) from error
                elif kept is not None:
                    await _again(kept)
                    yield f"{kept.name} is {kept.state}"

    async def stop(self, names: Sequence[str]) -> AsyncGenerator[str, None]:
        """Stop services, or processes of them; the whole system if none is named."""
        if not names:
            self._stop_all()
            yield f"{self._supervisor.system.name} is stopping"
            await self._stopped.wait()
            return
        targets = [self._target(name) for name in names]
        async with self._turn:
            for crew, kept in targets:
                if crew is not None:
                    await crew.stop(kept)
                elif kept is not None:
                    await kept.stop()
                name = kept.name if kept is not None else crew.name if crew is not None else ""
                yield f"{name} has stopped; `coterie restart {name}` starts it again"

    async def terms(self) -> Welcome:
        """What a guest needs to know before it joins."""
        supervisor = self._supervisor
        order = supervisor.plant.order
        gateway = supervisor.front.kept.worker.address or ""
        return Welcome(order.registry, supervisor.blueprint.inventory, gateway)

    async def join(self, guest: Guest) -> AsyncGenerator[str, None]:
        """Let ``guest`` serve in the place of our own instances until this is closed."""
        supervisor = self._supervisor
        crews = {crew.name: crew for crew in map(self._crew, guest.services)}.values()
        for crew in crews:
            self._check_fits(crew, guest)
        for contract in _contracts(supervisor, guest):
            offered = {offer.name: offer for offer in guest.offers}.get(contract.name)
            if offered is None or offered.major != contract.version.split(".", 1)[0]:
                what = f"{guest.name} offers {_offered(offered)} of {contract.name}"
                what += f", and the running system expects {contract.version}"
                raise ControlError(what, "Start the system again, or join with that version")
        for crew in crews:
            crew.guest = guest.name
        supervisor.welcome(guest)
        try:
            for crew in crews:
                await crew.stop()
            yield f"{guest.name} serves {', '.join(guest.services)} at {guest.url}"
            await self._stopped.wait()
        finally:
            await self._back(guest.name, gone=True)

    async def leave(self, name: str) -> AsyncGenerator[str, None]:
        """Bring our own instances back, and let the guest called ``name`` go."""
        await self._back(name, gone=False)
        yield f"{name} has left"

    async def faults(self, number: int, rules: Sequence[Rule]) -> AsyncGenerator[str, None]:
        """Have calls meet ``rules`` from now on, in the place of those before."""
        plant = self._supervisor.plant
        if plant.order.faults is None:
            what = f"{self._supervisor.system.name} was not started to be harmed"
            raise ControlError(what, "`coterie chaos` starts a system of its own for that")
        faults = Faults(number, tuple(rules))
        plant.order = structs.replace(plant.order, faults=faults)
        for crew in self._supervisor.crews.values():
            for member in crew.members:
                if isinstance(member.worker, ServiceWorker):
                    member.worker.suffer(faults)
        yield f"{len(rules)} rules are in force" if rules else "no rules are in force"

    async def logs(
        self, names: Sequence[str], lines: int, *, follow: bool
    ) -> AsyncGenerator[LogLine, None]:
        """Lines of the log, of services or of processes."""
        wanted: list[str] = []
        for name in names:
            crew, kept = self._target(name)
            if kept is not None:
                wanted.append(kept.name)
            elif crew is not None:
                wanted += [member.name for member in crew.members]
        logs = self._supervisor.plant.logs
        async with aclosing(logs.follow(wanted, lines, follow=follow)) as told:
            async for source, line in told:
                yield LogLine(source, line)

    async def _back(self, guest: str, *, gone: bool) -> None:
        """Start the instances whose place ``guest`` has taken; ``gone``: it answers no more."""
        supervisor = self._supervisor
        crews = [crew for crew in supervisor.crews.values() if crew.guest == guest]
        for crew in crews:
            crew.guest = None
            await crew.begin()
        # Calls wait at ours while these start; a guest that is still there serves until then.
        if gone:
            supervisor.farewell(guest)
        for crew in crews:
            await crew.settled()
        supervisor.farewell(guest)

    def _check_fits(self, crew: Crew, guest: Guest) -> None:
        missing = set(crew.spec.together) - set(guest.services)
        if missing:
            what = f"{crew.name} runs {', '.join(sorted(missing))} too"
            raise ControlError(what, f"Join with {','.join(crew.spec.together)}")
        if crew.guest is not None:
            raise ControlError(f"{crew.guest} has joined for {crew.name}", "Stop that one first")

    def _crew(self, service: str) -> Crew:
        """The crew that runs ``service``."""
        for crew in self._supervisor.crews.values():
            if service == crew.name or service in crew.spec.together:
                return crew
        raise self._unknown(service, list(self._supervisor.crews))

    def _free(self, crew: Crew) -> Crew:
        if crew.guest is not None:
            what = f"{crew.name} is served by {crew.guest}, which has joined"
            raise ControlError(what, "Stop that process first: ours come back by themselves")
        return crew

    def _target(self, name: str) -> tuple[Crew | None, Kept | None]:
        """A service's crew, one process of it, or a process that serves them all."""
        for crew in self._supervisor.crews.values():
            if name == crew.name or name in crew.spec.together:
                return crew, None
            for member in crew.members:
                if member.name == name:
                    return crew, member
        for kept in self._supervisor.kept():
            if kept.name == name:
                return None, kept
        known = [*self._supervisor.crews, *(kept.name for kept in self._supervisor.kept())]
        raise self._unknown(name, known)

    def _unknown(self, name: str, known: list[str]) -> ControlError:
        what = f"{self._supervisor.system.name} runs no {name[:60]!r}"
        return ControlError(what, f"There are {', '.join(dict.fromkeys(known))}")


async def _again(kept: Kept) -> None:
    """Another process in the place of ``kept``'s; where it can, before that one goes."""
    if isinstance(kept.worker, ServiceWorker):
        try:
            await kept.replace()
        except NotStarted as error:
            what = f"{kept.name} does not start: {error}"
            raise ControlError(what, f"See `coterie logs {kept.name}`") from None
        return
    await kept.stop()
    kept.start()
    await kept.settled.wait()


def _not_started(error: NotStarted, name: str) -> ControlError:
    return ControlError(str(error), f"See its log, `coterie logs {name}`, and mend it there")


def _row(guest: Guest) -> Row:
    return Row(
        name=guest.name,
        kind="service",
        services=guest.services,
        state="up",
        pid=guest.pid,
        address=guest.url,
        memory=None,
        age=None,
        note="joined",
    )


def _contracts(supervisor: Supervisor, guest: Guest) -> Iterator[ContractEntry]:
    for service in guest.services:
        yield from supervisor.blueprint.inventory.service(service).contracts


def _offered(offer: Offer | None) -> str:
    return "nothing" if offer is None else f"version {offer.version}"
