"""Inventory: every service of a system and what it promises, as plain data that travels."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from coterie.contract import Description, Operation, promise_of

from .model import System
from .plan import Planned, ProgramPlan, ServicePlan
from .policies import Policies, policies_of
from .program_specs import Kind, Mount

__all__ = [
    "ContractEntry",
    "Dependency",
    "Inventory",
    "OperationEntry",
    "ServiceEntry",
    "digest_of",
    "inventory_of",
]


class OperationEntry(Struct, frozen=True, kw_only=True):
    """One operation: ``path`` is ``None`` where only other services reach it, at ``route``.

    ``timeout`` is in seconds, where it is not that of the whole system; ``stream`` says that its
    result or its body is read while it is written. ``attempts`` is how often a call of it may be
    made where its outcome is unknown; more than once only if that does no harm.
    """

    id: str
    method: str
    path: str | None
    route: str
    summary: str = ""
    timeout: float | None = None
    safe: bool = False
    idempotent: bool = False
    stream: bool = False
    attempts: int = 1


class ContractEntry(Struct, frozen=True, kw_only=True):
    """A contract as one version promises it; ``digest`` changes when its shape does."""

    name: str
    version: str
    digest: str
    summary: str = ""
    operations: tuple[OperationEntry, ...] = ()
    events: tuple[str, ...] = ()


class Dependency(Struct, frozen=True):
    """A contract that a service asks for, and the service that answers for it."""

    contract: str
    version: str
    service: str | None


class ServiceEntry(Struct, frozen=True, kw_only=True):
    """One service: what it is, who answers for it, what it promises and whom it calls.

    ``target`` is its class, or where it is no class of ours the application or the command that
    joins as it is. ``mounts`` are where the gateway has such a program, besides or instead of
    the paths of its contracts; ``openapi`` is where it describes itself. ``database`` names where it keeps its data, without credentials, if it keeps any.
    ``slow_start`` are the seconds in which a new instance of it gets its whole share.
    """

    name: str
    target: str
    kind: Kind = "implements"
    owner: str = ""
    public: bool = True
    database: str = ""
    contracts: tuple[ContractEntry, ...] = ()
    calls: tuple[Dependency, ...] = ()
    slow_start: float = 0.0
    mounts: tuple[Mount, ...] = ()
    openapi: str | None = None
    timeout: float | None = None

    @property
    def program(self) -> bool:
        """Whether it is a program that knows nothing of Coterie."""
        return self.kind != "implements"


class Inventory(Struct, frozen=True, kw_only=True):
    """The catalogue of a system's services and contracts."""

    system: str
    version: str = ""
    services: tuple[ServiceEntry, ...] = ()

    def service(self, name: str) -> ServiceEntry:
        """The service called ``name``. Raises `LookupError`, naming those there are."""
        for service in self.services:
            if service.name == name:
                return service
        known = ", ".join(service.name for service in self.services)
        raise LookupError(f"{self.system} has no service {name!r}; it has {known}")

    def provider(self, contract: str, major: str) -> str | None:
        """The first service that implements a contract, by name and major version."""
        return next(
            (
                service.name
                for service in self.services
                for entry in service.contracts
                if entry.name == contract and entry.version.split(".", 1)[0] == major
            ),
            None,
        )


def inventory_of(system: System, services: Sequence[Planned]) -> Inventory:
    """The inventory of ``system``, whose services have been found."""
    entries = (
        _service(system, one) if isinstance(one, ServicePlan) else _program(system, one)
        for one in services
    )
    return Inventory(system=system.name, version=system.version or "", services=tuple(entries))


def _service(system: System, plan: ServicePlan) -> ServiceEntry:
    calls = []
    for contract, provider in plan.providers.items():
        promise = promise_of(contract)
        calls.append(Dependency(promise.name, promise.version, provider))
    known = _policies(system, plan)
    return ServiceEntry(
        name=plan.name,
        target=plan.spec.target,
        owner=plan.spec.owner or system.owner or "",
        public=plan.spec.public,
        database=_database(system.database(plan.spec)) if plan.keeps else "",
        contracts=tuple(_contract(system, d, known) for d in plan.descriptions),
        calls=tuple(calls),
        slow_start=next((found.slow_start for found in known.values()), 0.0),
    )


def _program(system: System, plan: ProgramPlan) -> ServiceEntry:
    known = _policies(system, plan)
    return ServiceEntry(
        name=plan.name,
        target=plan.spec.target,
        kind=plan.spec.kind,
        owner=plan.spec.owner or system.owner or "",
        public=plan.spec.public,
        contracts=tuple(_contract(system, d, known) for d in plan.descriptions),
        slow_start=next((found.slow_start for found in known.values()), 0.0),
        mounts=plan.spec.mounts(plan.name),
        openapi=plan.spec.openapi,
        timeout=plan.spec.policy.timeout,
    )


def _policies(system: System, plan: Planned) -> dict[Operation, Policies]:
    return {
        operation: policies_of(system, plan.name, operation, keeps=plan.keeps)
        for description in plan.descriptions
        for operation in description.operations
    }


def _database(url: str) -> str:
    parts = urlsplit(url)
    name = PurePath(parts.path).name
    return name if not parts.hostname else f"{parts.hostname}/{name}"


def _contract(
    system: System, description: Description, known: Mapping[Operation, Policies]
) -> ContractEntry:
    return ContractEntry(
        name=description.name,
        version=description.version,
        digest=digest_of(description),
        summary=description.summary,
        operations=tuple(_operation(system, o, known[o]) for o in description.operations),
        events=tuple(str(event) for event in description.events),
    )


def _operation(system: System, operation: Operation, policies: Policies) -> OperationEntry:
    timeout, retry = policies.timeout, policies.retry
    harmless = operation.safe or operation.idempotent
    return OperationEntry(
        id=operation.id,
        method=operation.method,
        path=operation.path,
        route=operation.route,
        summary=operation.summary,
        timeout=None if timeout == system.policy.timeout else timeout,
        safe=operation.safe,
        idempotent=operation.idempotent,
        stream=operation.result.stream or any(p.stream for p in operation.parameters),
        attempts=retry.attempts if retry is not None and harmless else 1,
    )


def digest_of(description: Description) -> str:
    """Twelve hexadecimal digits that change when an operation or an event does."""
    shape = [
        [
            operation.id,
            operation.method,
            operation.route,
            operation.status,
            [[p.name, repr(p.type), p.required] for p in operation.parameters],
            repr(operation.result.type),
            [fault.__name__ for fault in operation.faults],
        ]
        for operation in description.operations
    ]
    events = [[str(event), repr(event.payload)] for event in description.events]
    body = msgspec.json.encode([description.name, description.version, shape, events])
    return hashlib.sha256(body).hexdigest()[:12]
