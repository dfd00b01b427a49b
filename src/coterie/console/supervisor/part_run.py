"""PartRun: some services of a system, running in this process on a socket that is given."""

import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from coterie.call import Handler
from coterie.client import Discovered
from coterie.console.signals import Signals
from coterie.console.starting import Starting
from coterie.policy import BreakerState, Injector
from coterie.registry import Offer, Registry
from coterie.server import HttpServer
from coterie.system import (
    Assembly,
    Inventory,
    Part,
    System,
    SystemProblems,
    Way,
    assemble,
    digest_of,
)

from .preload import imported_since

__all__ = ["LINGER", "PartRun", "files_of", "part_run"]

LINGER = 3.0
"""Seconds for which a silent connection is left open after nothing new is wanted: longer than
any caller of ours keeps an unused one, so that it is the caller who closes it."""

_STATES = {BreakerState.CLOSED: 0.0, BreakerState.HALF_OPEN: 0.5, BreakerState.OPEN: 1.0}


class PartRun:
    """Services that answer."""

    def __init__(self, assembly: Assembly, server: HttpServer) -> None:
        self.assembly = assembly
        self.server = server

    @property
    def in_flight(self) -> int:
        """Calls being answered at this moment."""
        return sum(host.in_flight for host in self.assembly.hosts)

    @property
    def calls(self) -> int:
        """Calls answered so far."""
        return sum(host.meter.total for host in self.assembly.hosts)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """What the code that runs here promises, whatever the inventory says."""
        return tuple(
            Offer(description.name, description.version, digest_of(description))
            for host in self.assembly.hosts
            for description in host.descriptions
        )

    async def stop(self, *, linger: bool, seconds: float) -> None:
        """Finish what there is, within ``seconds``, and end.

        With ``linger`` those who keep a connection learn that it ends before it does.
        """
        await self.server.drain(LINGER if linger else 0)
        await self.server.stop()
        await self.assembly.stop(drain=seconds)


@asynccontextmanager
async def part_run(
    system: System,
    services: Sequence[str],
    inventory: Inventory,
    registry: Registry,
    listener: socket.socket,
    signals: Signals,
    *,
    name: str,
    access_json: bool,
    patience: float,
    injector: Injector | None = None,
) -> AsyncGenerator[PartRun]:
    """Run ``services`` of ``system`` for the length of the block; the others are discovered.

    ``name`` is this process's; ``injector`` has the faults that its calls meet on purpose.

    Raises `SystemProblems` where they cannot start, with nothing left behind.
    """
    ways: dict[str, Discovered] = {}

    def reach(way: Way) -> Handler:
        found = ways[way.service] = Discovered(
            way.service,
            registry,
            balance=way.balance,
            breaking=way.breaking,
            slow_start=way.slow_start,
            tally=way.tally,
        )
        way.watch(lambda: _breakers(found))
        return found.handle

    with Starting(system, patience=patience) as starting:
        part = Part(tuple(services), inventory, reach)
        assembly = assemble(
            system, part=part, access_json=access_json, instance=name, injector=injector
        )
        assembly.patience = patience
        starting.assembly = assembly
        signals.hears = starting.turns
        run = PartRun(assembly, HttpServer(assembly.app, listener=listener))
        try:
            try:
                for way in ways.values():
                    await way.start()
                await assembly.start()
                await run.server.start()
            except SystemProblems as error:
                if starting.problem is not None:
                    raise SystemProblems([starting.problem]) from error
                raise
            starting.end()
            signals.hears = _always
            yield run
        finally:
            await run.server.stop()
            await assembly.stop(drain=0)
            for way in ways.values():
                await way.stop()


def _breakers(way: Discovered) -> dict[str, float]:
    """The state of each breaker: 0 closed, 0.5 half-open, 1 open."""
    return {lane.instance.id: _STATES[lane.state] for lane in way.lanes if lane.breaker is not None}


def _always() -> bool:
    return True


def files_of(system: System) -> tuple[str, ...]:
    """The modules of the user's that were loaded here."""
    found = (getattr(module, "__file__", None) for module in imported_since())
    return tuple(
        sorted(file for file in found if file and Path(file).is_relative_to(system.folder))
    )
