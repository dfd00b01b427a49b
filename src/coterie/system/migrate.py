"""Migrations of a whole system, apart from starting it."""

import sys
from collections.abc import Iterable
from pathlib import Path

from .check import plan
from .engines import Unfit, databases
from .model import System
from .plan import ServicePlan
from .problem import Problem, SystemProblems
from .recipe import Recipe

__all__ = ["migrate", "write_migration"]


async def migrate(
    system: System, *, services: Iterable[str] | None = None
) -> dict[str, tuple[str, ...]]:
    """Bring the databases of ``services`` (all, unless given) up to their code.

    Gives the migrations applied now by service, oldest first. Raises `SystemProblems`.
    """
    found = plan(system)
    wanted = set(services) if services is not None else {s.name for s in found.services}
    done: dict[str, tuple[str, ...]] = {}
    keeping = [service for service in found.services if service.keeps and service.name in wanted]
    if not keeping:
        return done
    shelf = databases()
    try:
        for service in keeping:
            url = system.database(service.spec)
            try:
                done[service.name] = await shelf.migrate(url, service.name, service.migrations)
            except Unfit as error:
                raise unfit(system, service, error) from error
    finally:
        await shelf.stop()
    return done


async def write_migration(system: System, service: str, message: str) -> Path | None:
    """Write the next migration of ``service``: from where its migrations lead to its tables.

    Its tables are those of the models that its classes' modules name. Gives the new file, or
    ``None`` where nothing changed. Raises `SystemProblems`, and `LookupError` for no service.
    """
    spec = system.service(service)
    found = next(s for s in plan(system, migrations=False).services if s.name == spec.name)
    if not found.keeps or found.home is None:
        what = f"service {service}: nothing in it asks for a Database"
        line = system.places.line("service", service)
        raise SystemProblems(
            [Problem(system.places.file, line, what, "Let a constructor ask for one")]
        )
    shelf = databases()
    try:
        url = system.database(spec)
        modules = [sys.modules[name] for name in _modules(found.recipe)]
        return await shelf.write(url, service, found.home, message, modules)
    except Unfit as error:
        raise unfit(system, found, error) from error
    finally:
        await shelf.stop()


def unfit(system: System, service: ServicePlan, error: Unfit) -> SystemProblems:
    """A database that cannot be used, as a problem of the service that asks for it."""
    own = service.spec.database is not None
    path = ("service", service.name, "database") if own else ("engines", "database")
    line = system.places.line(*path) or system.places.line("service", service.name)
    what = f"service {service.name} cannot use its database"
    return SystemProblems([Problem(system.places.file, line, what, str(error))])


def _modules(recipe: Recipe) -> dict[str, None]:
    parts = [argument.want for argument in recipe.wants() if isinstance(argument.want, Recipe)]
    return {part.cls.__module__: None for part in (recipe, *parts)}
