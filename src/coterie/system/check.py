"""Everything about a system that its file alone does not show: classes, contracts, connections.

`plan` looks at all of it once, for those who check a system and for those who build it.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from msgspec import structs

from coterie.contract import contracts_of, describe

from .engines import databases, scheme_problem
from .implementation import find_implementation, shown_path
from .model import ServiceSpec, System
from .plan import Plan, ServicePlan, choose_providers
from .problem import Problem, Report, SystemProblems
from .recipe import Misfit, recipe_of
from .routes import check_routes, check_rules
from .settings import fill_settings

__all__ = ["check", "plan"]


def check(system: System) -> tuple[Problem, ...]:
    """Every problem of ``system`` that can be found without starting it; none, if it is right.

    Imports the modules of its services, as starting it would.
    """
    try:
        plan(system)
    except SystemProblems as found:
        return found.problems
    return ()


def plan(system: System, replaced: Iterable[type] = ()) -> Plan:
    """``system`` with every class found and every need met.

    ``replaced`` are contracts and classes of which something else will be handed in; a service
    whose contracts are all replaced is left out. Raises `SystemProblems` with every problem.
    """
    report = Report(system.places)
    given = frozenset(replaced)
    found: list[ServicePlan] = []
    complete = True
    for spec in system.services:
        cls = find_implementation(system, spec, report)
        if cls is None:
            complete = False
        elif not given or not given.issuperset(contracts_of(cls)):
            found.append(_service(system, spec, cls, given, report))
    services = tuple(
        structs.replace(
            service,
            providers=choose_providers(service, found, report, replaced=given, complete=complete),
            settings=fill_settings(system, service, report),
        )
        for service in found
    )
    check_routes(services, report)
    if system.identity is None:
        check_rules(services, report)
    _check_databases(system, services, report)
    _check_migrations(system, services, report)
    if report.problems:
        raise SystemProblems(report.problems)
    return Plan(system, services)


def _service(
    system: System, spec: ServiceSpec, cls: type, given: frozenset[type], report: Report
) -> ServicePlan:
    recipe, misfits = recipe_of(cls, given)
    for misfit in misfits:
        _note(system, spec, misfit, report)
    descriptions = tuple(describe(contract) for contract in contracts_of(cls))
    service = ServicePlan(spec, recipe, descriptions)
    return structs.replace(service, migrations=_migrations(system, service))


def _migrations(system: System, service: ServicePlan) -> Path | None:
    """Where the migrations of ``service`` are, if it has any."""
    if service.spec.migrations is not None:
        return system.folder / service.spec.migrations
    file = getattr(sys.modules.get(_module(service)), "__file__", None)
    beside = None if file is None else Path(file).resolve().parent / "migrations"
    return beside if service.keeps and beside is not None and beside.is_dir() else None


def _module(service: ServicePlan) -> str:
    return service.spec.implements.partition(":")[0]


def _note(system: System, spec: ServiceSpec, misfit: Misfit, report: Report) -> None:
    what = f"service {spec.name}: {misfit.what}"
    if misfit.file is None:
        report.complain(("service", spec.name, "implements"), what, misfit.remedy)
    else:
        where = shown_path(system, misfit.file)
        report.add(Problem(where, misfit.line, what, misfit.remedy))


def _check_databases(system: System, services: Iterable[ServicePlan], report: Report) -> None:
    for service in services:
        if not service.keeps:
            continue
        url = system.database(service.spec)
        path: tuple[str, ...] = ("engines", "database")
        source = "database"
        if service.spec.database is not None:
            path = ("service", service.name, "database")
        elif system.database_url is not None:
            path, source = (), "DATABASE_URL"
        wrong = scheme_problem(url)
        if wrong is None:
            refusal = databases().refusal(url)
            wrong = None if refusal is None else ("it cannot be used", refusal)
        if wrong is not None:
            report.complain(path, f"service {service.name}: {source}: {wrong[0]}", wrong[1])


def _check_migrations(system: System, services: Iterable[ServicePlan], report: Report) -> None:
    homes: dict[Path, ServicePlan] = {}
    for service in services:
        path = ("service", service.name, "migrations")
        named = service.spec.migrations
        if named is not None and not (system.folder / named).is_dir():
            remedy = f"Make the first one with `coterie migrate --new {service.name}`"
            report.complain(path, f"service {service.name}: there is no folder {named}", remedy)
        elif named is not None and not service.keeps:
            what = (
                f"service {service.name}: it has migrations, and nothing in it asks for a Database"
            )
            report.complain(path, what, "Let a constructor ask for one, or drop the migrations")
        elif named is None and service.migrations is not None:
            other = homes.setdefault(service.migrations, service)
            if _module(other) != _module(service):
                what = (
                    f"service {service.name}: it would share {service.migrations} with {other.name}"
                )
                remedy = 'Say which is whose: migrations = "folder" for each'
                report.complain(path, what, remedy)
