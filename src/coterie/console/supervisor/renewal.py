"""renew(): a running system becomes what its files say by now, while it answers."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable
from contextlib import suppress

from msgspec import structs

from coterie.system import Blueprint, ProcessSpec, System

from .crew import Crew
from .inside import inside_of
from .kept import NotStarted
from .supervisor import Supervisor

__all__ = ["renew"]


async def renew(
    supervisor: Supervisor, system: System, blueprint: Blueprint, touched: Collection[str]
) -> AsyncGenerator[str, None]:
    """Have ``supervisor`` run ``system``; a line at each step.

    Crews that are ``touched`` are replaced, and services come and go. What is new answers before
    the gateway leads to it, and what is old stays until nothing does.
    """
    specs = {spec.name: spec for spec in system.groups}
    reshaped = blueprint != supervisor.blueprint
    gone = [crew for crew in supervisor.crews.values() if _other(crew, specs.get(crew.name))]
    old = [crew for crew in supervisor.crews.values() if crew not in gone]
    supervisor.system, supervisor.blueprint = system, blueprint
    plant = supervisor.plant
    inside = inside_of(blueprint.inventory, plant.order.inside)
    plant.order = structs.replace(plant.order, inventory=blueprint.inventory, inside=inside)
    # Whoever comes may be called the same as one that goes, which has to make room then.
    async for told in _dismiss(supervisor, [crew for crew in gone if crew.name in specs]):
        yield told
    async for told in _enlist(supervisor, [s for s in specs.values() if s.name not in _names(old)]):
        yield told
    for crew in old:
        async for told in _follow(supervisor, crew, specs[crew.name], anew=crew.name in touched):
            yield told
    if not supervisor.stopping:
        await supervisor.front.renew(system, blueprint)
    if reshaped and not supervisor.stopping:  # the pages of the console tell what is promised
        with suppress(NotStarted):
            await supervisor.console.replace()
    # Last, for their services may have moved: others serve them by now.
    async for told in _dismiss(supervisor, [crew for crew in gone if crew.name not in specs]):
        yield told


async def _enlist(
    supervisor: Supervisor, specs: Iterable[ProcessSpec]
) -> AsyncGenerator[str, None]:
    new = [supervisor.enlist(spec) for spec in specs]
    await asyncio.sleep(
        0
    )  # each has begun: one that has not counts as stopped, and is not waited for
    for crew in new:
        await crew.settled()
        for member in crew.members:
            yield f"{member.name} is {member.state}"


async def _follow(
    supervisor: Supervisor, crew: Crew, spec: ProcessSpec, *, anew: bool
) -> AsyncGenerator[str, None]:
    reshaped = crew.spec != spec
    try:
        if anew:
            async for told in crew.restart():
                yield told
        if reshaped:
            async for told in crew.renew(spec):
                yield told
    except NotStarted as error:
        yield str(error)
    if reshaped:
        supervisor.follow_load(crew)


async def _dismiss(supervisor: Supervisor, crews: Iterable[Crew]) -> AsyncGenerator[str, None]:
    for crew in crews:
        # Its processes are shown until they are gone, unless its name is another's by now.
        supervisor.ignore_load(crew)
        await crew.stop()
        if supervisor.crews.get(crew.name) is crew:
            del supervisor.crews[crew.name]
        yield f"{crew.name} has stopped"


def _names(crews: Iterable[Crew]) -> set[str]:
    return {crew.name for crew in crews}


def _other(crew: Crew, spec: ProcessSpec | None) -> bool:
    """Whether nothing, or something else, shall run where ``crew`` does."""
    return spec is None or spec.together != crew.spec.together
