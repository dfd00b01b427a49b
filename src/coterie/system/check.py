"""Everything about a system that its file alone does not show: classes, contracts, connections.

`plan` looks at all of it once, for those who check a system and for those who build it.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import structs

from coterie.contract import Contract, ContractError, contracts_of, describe

from .engines import databases, scheme_problem
from .folder import shown_path
from .implementation import find_contracts, find_implementation, note_contract_error
from .model import System
from .part import Part
from .plan import Plan, Planned, ProgramPlan, ServicePlan, choose_providers
from .policy_check import check_policies_of
from .problem import Problem, Report, SystemProblems
from .program_place import check_place
from .recipe import Client, Given, Misfit, Signing, Verifying, recipe_of
from .routes import check_routes, check_rules
from .settings import fill_settings
from .specs import ServiceSpec
from .workload import find_workload

__all__ = ["check", "plan", "resolve"]


def check(system: System) -> tuple[Problem, ...]:
    """Every problem of ``system`` that can be found without starting it; none, if it is right.

    Imports the modules of its services, as starting it would.
    """
    problems: list[Problem] = []
    try:
        plan(system)
    except SystemProblems as found:
        problems += found.problems
    if system.chaos is not None:
        try:
            find_workload(system)
        except SystemProblems as found:
            problems += found.problems
    return SystemProblems(problems).problems


def resolve(system: System) -> tuple[Planned, ...]:
    """The services of ``system`` with what they promise, in the order of its file.

    Raises `SystemProblems` with every problem of the system.
    """
    return plan(system).everyone


def plan(
    system: System,
    replaced: Iterable[type] = (),
    *,
    migrations: bool = True,
    part: Part | None = None,
) -> Plan:
    """``system`` with every class found and every need met; only a ``part`` of it, if one is given.

    ``replaced`` are contracts and classes of which something else will be handed in; a service
    whose contracts are all replaced is left out. Without ``migrations`` their folders need not
    be there yet.

    Raises `SystemProblems` with every problem, and `LookupError` for a replacement of nothing.
    """
    report = Report(system.places)
    given = frozenset(replaced)
    found: list[ServicePlan] = []
    programs: list[ProgramPlan] = []
    complete = True
    used: set[type] = set()
    for spec in system.services if part is None else map(system.service, part.services):
        if spec.kind != "implements":
            check_place(system, spec, report)
            promised = find_contracts(system, spec, report)
            complete = complete and promised is not None
            programs.append(ProgramPlan(spec, promised or ()))
            used.update(description.contract for description in promised or ())
            continue
        cls = find_implementation(system, spec, report)
        if cls is None:
            complete = False
            continue
        used.update(contracts_of(cls))
        if not given or not given.issuperset(contracts_of(cls)):
            found.append(_service(system, spec, cls, given, report))
            used.update(_asked(found[-1]))

    services = tuple(
        structs.replace(
            service,
            providers=(
                choose_providers(
                    service, (*found, *programs), report, replaced=given, complete=complete
                )
                if part is None
                else {c: part.provider(service.name, c) for c in _clients(service)}
            ),
            settings=fill_settings(system, service, report),
        )
        for service in found
    )
    check_routes(system, (*services, *programs), report)
    if system.identity is None:
        check_rules(services, report)
        _check_tokens(services, report)
    _check_databases(system, services, report)
    check_policies_of(system, (*services, *programs), report)
    if migrations:
        _check_migrations(system, services, report)
    if report.problems:
        raise SystemProblems(report.problems)
    for cls in given - used:
        raise LookupError(f"nothing in {system.name} implements or asks for {cls.__name__}")
    return Plan(system, services, tuple(programs))


def _service(
    system: System, spec: ServiceSpec, cls: type, given: frozenset[type], report: Report
) -> ServicePlan:
    recipe, misfits = recipe_of(cls, given)
    for misfit in misfits:
        _note(system, spec, misfit, report)
    for argument in recipe.wants():
        if isinstance(argument.want, Client):
            try:
                describe(argument.want.contract)
            except ContractError as error:
                note_contract_error(system, spec, error, report)
    descriptions = tuple(describe(contract) for contract in contracts_of(cls))
    service = ServicePlan(spec, recipe, descriptions)
    return structs.replace(service, home=_home(system, service))


def _home(system: System, service: ServicePlan) -> Path | None:
    """Where the migrations of ``service`` belong: beside its module, unless it says."""
    if service.spec.migrations is not None:
        return system.folder / service.spec.migrations
    file = getattr(sys.modules.get(_module(service)), "__file__", None)
    if file is None or not service.keeps:
        return None
    return Path(file).resolve().parent / "migrations"


def _module(service: ServicePlan) -> str:
    return service.spec.target.partition(":")[0]


def _clients(service: ServicePlan) -> Iterator[type[Contract]]:
    wants = (argument.want for argument in service.recipe.wants())
    return (want.contract for want in wants if isinstance(want, Client))


def _asked(service: ServicePlan) -> Iterator[type]:
    for argument in service.recipe.wants():
        if isinstance(argument.want, Client):
            yield argument.want.contract
        elif isinstance(argument.want, Given):
            yield argument.want.cls


def _note(system: System, spec: ServiceSpec, misfit: Misfit, report: Report) -> None:
    what = f"service {spec.name}: {misfit.what}"
    if misfit.file is None:
        report.complain(("service", spec.name, "implements"), what, misfit.remedy)
    else:
        where = shown_path(system, misfit.file)
        report.add(Problem(where, misfit.line, what, misfit.remedy))


def _check_tokens(services: Iterable[ServicePlan], report: Report) -> None:
    for service in services:
        for argument in service.recipe.wants():
            if argument.required and isinstance(argument.want, Signing | Verifying):
                what = f"service {service.name}: {argument.cls.__name__} asks for {argument.name}"
                remedy = "Add a line [identity], so that the system has keys"
                report.complain(("service", service.name), f"{what}, which needs keys", remedy)


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
            remedy = (
                "Make the first one with"
                f" `coterie migrate --service {service.name} --new 'first tables'`"
            )
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
