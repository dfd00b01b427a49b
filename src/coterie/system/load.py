"""coterie.toml -> System: the whole file read and every problem found, or no system at all."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, structs

from coterie.contract import kebab
from coterie.telemetry import destination

from .document import Document, too_deep
from .interpolate import Interpolation
from .model import System
from .places import Places, TomlPath
from .policy_load import check_policies, operations_of, policy_of
from .policy_specs import PolicySpec, ServicePolicySpec
from .problem import Problem, SystemProblems
from .program_check import check_keys, check_kind
from .program_specs import KINDS
from .specs import (
    TABLES,
    ChaosSpec,
    ConsoleSpec,
    EnginesSpec,
    GatewaySpec,
    IdentitySpec,
    Label,
    ProcessSpec,
    ServiceSpec,
    SystemSpec,
)
from .tables import Tables, near

__all__ = ["load"]

S = TypeVar("S", bound=Struct)

_PLACEHOLDER = re.compile(r"(?<!\$)\{(\w*)\}")


def load(
    path: Path | str,
    *,
    profile: str | None = None,
    state: Path | str | None = None,
    environment: Mapping[str, str] | None = None,
) -> System:
    """The system described at ``path``: a folder with a ``coterie.toml``, or such a file.

    ``profile`` lays the tables ``[profile.NAME.*]`` over the others; ``state`` is another folder
    for what the system keeps. ``environment`` is the process's own unless given: it fills in
    ``${NAME}``, and its ``DATABASE_URL`` takes the place of ``database`` in ``[engines]``. A
    service that names a database of its own keeps that.

    Raises `SystemProblems` with every problem of the file, and nothing else.
    """
    variables = os.environ if environment is None else environment
    document = Document.read(Path(path))
    try:
        return _load(document, profile, None if state is None else Path(state), variables)
    except RecursionError:
        raise too_deep(document.file) from None


def _load(
    document: Document, profile: str | None, state: Path | None, environment: Mapping[str, str]
) -> System:
    plain = Tables(Places(document.file, document.lines))
    profiles = _profiles(plain, document, profile)
    problems = list(plain.problems)
    found: System | None = None
    if profile is None or profile in profiles:
        found, wrong = _under(document, profile, state, environment)
        problems += wrong
    for name in profiles:
        if name != profile:
            # A profile that was not chosen is judged by its own lines alone.
            own = document.lines_within("profile", name)
            _, wrong = _under(document, name, state, environment, absent=True)
            problems += [problem for problem in wrong if problem.line in own]
    if found is None or problems:
        raise SystemProblems(problems)
    return found


def _profiles(plain: Tables, document: Document, profile: str | None) -> tuple[str, ...]:
    """The names of all profiles that are well formed."""
    tables = plain.tables(document.values.get("profile", {}), ("profile",), "[profile.NAME]")
    names = []
    for name, members in tables.items():
        if isinstance(members, dict):
            names.append(name)
        else:
            what = f"[profile] {name} is no profile"
            plain.complain(("profile", name), what, "Write tables, such as [profile.NAME.gateway]")
    if profile is not None and profile not in tables:
        meant = near(profile, names)
        remedy = f"There are {', '.join(names)}" if names else "Write a [profile.NAME.*] table"
        remedy = f"Did you mean {meant}?" if meant else remedy
        plain.complain((), f"there is no profile {profile!r}", remedy)
    return tuple(names)


def _under(
    document: Document,
    profile: str | None,
    state: Path | None,
    environment: Mapping[str, str],
    *,
    absent: bool = False,
) -> tuple[System | None, tuple[Problem, ...]]:
    """The system under one profile, and what is wrong with it.

    ``absent`` says that this is not the environment of that profile: its variables are missing
    here and need not be there.
    """
    merged = document.under(profile)
    gaps: list[tuple[TomlPath, str, str]] = []
    filler = Interpolation(environment, lambda *gap: gaps.append(gap))
    values = filler.fill(dict(merged.values))
    places = Places(document.file, merged.lines, frozenset(filler.filled))
    tables = Tables(places, filler.missing)
    for gap in [] if absent else gaps:
        tables.complain(*gap)
    system = _system(tables, values, state, environment)
    return system and structs.replace(system, profile=profile), tables.problems


def _system(
    tables: Tables, values: dict[str, Any], state: Path | None, environment: Mapping[str, str]
) -> System | None:
    for key, value in values.items():
        if key not in TABLES:
            _unknown(tables, key, value)
    head = tables.read(SystemSpec, values.get("system", {}), ("system",))
    gateway = tables.read(GatewaySpec, values.get("gateway", {}), ("gateway",))
    engines = tables.read(EnginesSpec, values.get("engines", {}), ("engines",))
    policy = policy_of(tables, PolicySpec, values.get("policy", {}), ("policy",))
    console = tables.read(ConsoleSpec, values.get("console", {}), ("console",))
    chaos = _optional(tables, ChaosSpec, values, "chaos")
    identity = _optional(tables, IdentitySpec, values, "identity")
    services = _services(tables, values.get("service", {}))
    processes = _processes(tables, values.get("process", {}), values.get("service", {}))
    if gateway is not None:
        _check_cors(tables, gateway)
    if engines is not None:
        _placeholders(tables, engines.database, ("engines", "database"))
    check_policies(policy, services, tables)
    if head is None or gateway is None or engines is None or console is None:
        return None
    if tables.problems:
        return None
    if identity is not None:
        issuer, audience = identity.issuer or head.name, identity.audience or head.name
        identity = structs.replace(identity, issuer=issuer, audience=audience)
    try:
        telemetry = destination(environment)
    except ValueError as error:
        what, _, remedy = str(error).partition(": ")
        tables.complain((), what, remedy[:1].upper() + remedy[1:])
        return None
    folder = tables.places.file.resolve().parent
    return System(
        name=head.name,
        version=head.version,
        owner=head.owner,
        folder=folder,
        state=folder / engines.state if state is None else state.resolve(),
        services=services,
        processes=processes,
        gateway=gateway,
        console=console,
        engines=engines,
        identity=identity,
        policy=policy,
        chaos=chaos,
        database_url=environment.get("DATABASE_URL") or None,
        telemetry=telemetry,
        places=tables.places,
    )


def _optional(tables: Tables, struct: type[S], values: Mapping[str, Any], name: str) -> S | None:
    """The table ``name``, whose presence says something."""
    return tables.read(struct, values[name], (name,)) if name in values else None


def _check_cors(tables: Tables, gateway: GatewaySpec) -> None:
    if "*" in gateway.cors and len(gateway.cors) > 1:
        remedy = 'Write cors = ["*"] alone, or name every origin'
        tables.complain(("gateway", "cors"), '[gateway] cors: "*" already is every origin', remedy)


def _services(tables: Tables, values: Any) -> tuple[ServiceSpec, ...]:
    if values == {}:
        remedy = 'Write [service.NAME] and below it implements = "package.module:Class"'
        tables.complain((), "there is no service", remedy)
    found: list[ServiceSpec] = []
    for name, members in tables.tables(values, ("service",), "[service.NAME]").items():
        path = ("service", name)
        if not isinstance(members, dict):
            what = f"[service] {name} is no service"
            tables.complain(path, what, "Give each service a table of its own: [service.NAME]")
            continue
        _check_name(tables, name, path)
        whole = check_kind(tables, name, members.keys())
        given: dict[str, Any] = {"name": name}
        if isinstance(members.get("policy"), dict):
            own = (*path, "policy")
            given["policy"] = policy_of(tables, ServicePolicySpec, members["policy"], own)
        if isinstance(members.get("operation"), dict):
            own = (*path, "operation")
            given["operation"] = operations_of(tables, members["operation"], own)
        spec = tables.read(ServiceSpec, members, path, **given)
        if spec is not None and whole and check_keys(tables, spec, members.keys()):
            _placeholders(tables, spec.database or "", (*path, "database"))
            found.append(spec)
    return tuple(found)


def _processes(tables: Tables, values: Any, services: Any) -> tuple[ProcessSpec, ...]:
    known = services if isinstance(services, dict) else {}
    found: list[ProcessSpec] = []
    homes: dict[str, str] = {}
    for name, members in tables.tables(values, ("process",), "[process.NAME]").items():
        path = ("process", name)
        if not isinstance(members, dict):
            what = f"[process] {name} is no process"
            tables.complain(path, what, "Give each process a table of its own: [process.NAME]")
            continue
        _check_name(tables, name, path)
        spec = tables.read(ProcessSpec, members, path, name=name)
        if spec is None:
            continue
        found.append(spec)
        if name in known and name not in spec.together:
            what = f"[process.{name}] has the name of a service that runs elsewhere"
            tables.complain(path, what, "Give it another name")
        for service in spec.together:
            _check_member(tables, spec, service, known, homes)
    return tuple(found)


def _check_member(
    tables: Tables,
    spec: ProcessSpec,
    service: str,
    known: Mapping[str, Any],
    homes: dict[str, str],
) -> None:
    path = ("process", spec.name, "together")
    if service not in known:
        meant = near(service, known)
        remedy = f"Did you mean {meant}?" if meant else f"There are {', '.join(known)}"
        tables.complain(path, f"there is no service {service}", remedy)
    elif isinstance(known[service], dict) and known[service].keys() & set(KINDS[1:]):
        what = f"service {service} is a program, which has a process of its own"
        tables.complain(path, what, "Take it out of the list")
    elif homes.setdefault(service, spec.name) != spec.name:
        what = f"service {service} is in [process.{homes[service]}] already"
        tables.complain(path, what, "Name each service once")
    elif isinstance(known[service], dict) and "replicas" in known[service]:
        what = f"service {service} says replicas, and runs in [process.{spec.name}]"
        remedy = f"Say replicas in [process.{spec.name}]: they start and stop together"
        tables.complain(("service", service, "replicas"), what, remedy)


def _check_name(tables: Tables, name: str, path: TomlPath) -> None:
    try:
        msgspec.convert(name, Label)
    except msgspec.ValidationError:
        fitting = re.sub(r"[^a-z0-9]+", "-", kebab(name[:60])).strip("-")
        what = f"the name {name[:80]!r} is none that hosts and files can have too"
        remedy = f"Write lowercase letters, digits and hyphens: [{path[0]}.{fitting or 'orders'}]"
        tables.complain(path, what, remedy)


def _placeholders(tables: Tables, url: str, path: TomlPath) -> None:
    # What a variable filled in may be a password, which may hold braces and is never quoted.
    named = [] if tables.places.varies(*path) else _PLACEHOLDER.findall(url)
    for name in named:
        if name not in ("state", "service"):
            what = f"{path[-1]} has a place {{{name[:40]}}} that nothing fills in"
            tables.complain(path, what, "There are {state} and {service}")


def _unknown(tables: Tables, key: str, value: Any) -> None:
    meant = near(key, TABLES)
    table = isinstance(value, dict | list)
    if meant is not None:
        remedy = f"Did you mean [{meant}]?"
    elif table:
        remedy = f"There are {', '.join(f'[{name}]' for name in (*TABLES, 'profile'))}"
    else:
        remedy = "Put it below the table it belongs to, such as [system]"
    what = f"there is no table [{key[:40]}]" if table else f"{key[:40]} stands outside of any table"
    tables.complain((key,), what, remedy)
