"""System -> running parts. The only composition root: nothing else builds a service."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from coterie.call import Call, Handler, Reply
from coterie.client import Collector, Telemetry, proxy
from coterie.contract import Contract, anyone, authenticated, hooks, promise_of
from coterie.policy import Gate, Injector, Priority
from coterie.server import AccessLog, App, Cors, Host, Page
from coterie.telemetry import Meter, Resource, Spans

from .assembly import Assembly, Reached, Seed
from .build import Workshop
from .check import plan
from .client_steps import Callee
from .engines import Databases, Identity, Unfit, databases, identity
from .folder import place_of_error
from .model import System
from .pages import documentation, jwks_page
from .part import Part
from .plan import ServicePlan
from .problem import Problem, SystemProblems
from .protection import Protection, shedding
from .recipe import Argument, Client, Given, Kept, Settings, Signing
from .server_steps import Served

__all__ = ["assemble"]

_LOOPBACK = ("127.0.0.1", "::1", "localhost")

_WATCHED = ("/health/live", "/health/ready", "/metrics", "/telemetry")

_KEPT = 8192
"""Spans that are kept where they are sent somewhere: what comes between two sendings."""


def assemble(
    system: System,
    *,
    replace: Mapping[type, object] | None = None,
    access: bool = True,
    access_json: bool = False,
    part: Part | None = None,
    instance: str = "",
    injector: Injector | None = None,
) -> Assembly:
    """Build every service of ``system`` in this process, and the gateway in front of them.

    With ``part``, only its services, without a gateway: every operation has a route then, those
    for other services too. ``instance`` is the process's name in logs and telemetry.

    Each constructor parameter is filled by its type: a contract gets a client, ``Database`` the
    service's database, ``TokenIssuer`` and ``TokenVerifier`` the system's, a struct the
    service's settings; any other class is built the same way, one instance a service.

    ``replace`` puts something else in the place of a contract (an instance that implements it,
    or a `Handler`) or of a class (an instance): a service whose contracts are all replaced is
    not built. ``access`` writes a line for each request, ``access_json`` an object. ``injector``
    makes calls go wrong on purpose, on both sides.

    Nothing runs before ``await assembly.start()``. Raises `SystemProblems` with every problem.
    """
    assembler = _Assembler(system, dict(replace or {}), part, instance, injector)
    who = {"instance": instance} if instance else {}
    log = AccessLog(json=access_json, who=who, untold=_WATCHED) if access else None
    return assembler.assembly(log)


def _tell_of(gate: Gate, meter: Meter) -> None:
    meter.follow("shed", lambda: {"refused": sum(gate.refused.values())})
    meter.watch(
        "shed",
        "this process",
        lambda: {"limit": gate.limit, "waiting": gate.waiting, "pressed": float(gate.pressed)},
    )


class _Assembler:
    def __init__(
        self,
        system: System,
        replace: dict[type, object],
        part: Part | None,
        instance: str,
        injector: Injector | None,
    ) -> None:
        self.system = system
        self.replace = replace
        self.part = part
        self.plan = plan(system, replace, part=part)
        self.services = {service.name: service for service in self.plan.services}
        self.hosts: dict[str, Host] = {}
        self.building: list[str] = []
        self.stand_ins: dict[type[Contract], Host | Handler] = {}
        self.clients: dict[tuple[type[Contract], str, str], Contract] = {}
        self.instance = instance
        self.injector = injector
        self.protections: dict[str, Protection] = {}
        self.callees: dict[tuple[str, str], Callee] = {}
        self.ways: dict[str, Handler] = {}
        self.spans = Spans() if system.telemetry is None else Spans(_KEPT)
        self.meters = {name: Meter(name, self.spans) for name in self.services}
        self.seeds: list[Seed] = []
        keeps = any(service.keeps for service in self.plan.services)
        self.databases: Databases | None = databases() if keeps else None
        if keeps or system.identity is not None:
            # Hashes, keys and whatever else services keep is nobody else's to read. Where the
            # folder cannot be made, whoever needs it says so with the place that asks for it.
            with suppress(OSError):
                system.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.identity = self.opened_identity()

    def assembly(self, access: AccessLog | None) -> Assembly:
        for contract in self.replace:
            if issubclass(contract, Contract):
                self.stand_in(contract)
        for name in self.services:
            self.host(name)
        fakes = [stand_in for stand_in in self.stand_ins.values() if isinstance(stand_in, Host)]
        edge = self.part is None
        shown = [
            host for name, host in self.hosts.items() if self.services[name].spec.public or not edge
        ]
        shown += [fake for fake in fakes if not self.shadowed(fake)]
        origins = self.system.gateway.cors if edge else ()
        app = App(
            shown,
            public=edge,
            cors=Cors(origins) if origins else None,
            body_limit=self.system.policy.body_limit,
            access=access,
            pages=self.pages(shown) if edge else (),
            # Outside of this machine they are nobody's business.
            metrics=not edge or self.system.gateway.host in _LOOPBACK,
            spans=self.spans,
            shed=shedding(self.system, self.services),
            priorities=self.priorities(shown),
            rule=None if self.identity is None else authenticated,
            beside=[host for host in (*fakes, *self.hosts.values()) if host not in shown],
        )
        if app.door is not None and self.meters:
            # One queue for all services of a process: the first of them tells of it.
            _tell_of(app.door.gate, next(iter(self.meters.values())))
        return Assembly(
            plan=self.plan,
            app=app,
            hosts=(*fakes, *self.hosts.values()),
            handlers=self.reached,
            databases=self.databases,
            spans=self.spans,
            collector=self.collector(),
            seeds=tuple(self.seeds),
        )

    def collector(self) -> Collector | None:
        """What sends telemetry to where the environment wants it."""
        if self.system.telemetry is None:
            return None
        resource = Resource(self.system.name, self.instance, self.system.version or "")
        source = Telemetry(resource, self.spans, tuple(self.meters.values()))
        return Collector(self.system.telemetry, source)

    def pages(self, shown: list[Host]) -> list[Page]:
        """What the gateway answers beside operations."""
        pages = []
        if self.system.gateway.docs:
            described = {host.name: host.descriptions for host in shown}
            pages.append(documentation(self.system, described))
        if self.identity is not None:
            pages.append(jwks_page(self.identity.jwks()))
        return pages

    def opened_identity(self) -> Identity | None:
        if self.system.identity is None:
            return None
        try:
            return identity(self.system.identity, self.system.state / "identity")
        except Unfit as error:
            places = self.system.places
            what = "[identity] has no keys to work with"
            problem = Problem(places.file, places.line("identity"), what, str(error))
            raise SystemProblems([problem]) from error

    def host(self, name: str) -> Host:
        if name in self.hosts:
            return self.hosts[name]
        service = self.services[name]
        self.building.append(name)
        workshop = Workshop(lambda argument: self.provided(service, argument))
        try:
            instance = workshop.build(service.recipe)
        except SystemProblems:
            raise
        except Exception as error:
            file, line = place_of_error(self.system, service.spec, error)
            what = f"service {name}: building it raised {type(error).__name__}: {error}"
            remedy = "Let constructors only keep what they are given; on_start may do more"
            raise SystemProblems([Problem(file, line, what, remedy)]) from error
        self.building.pop()
        self.sow(service, workshop.parts)
        self.hosts[name] = host = Host(
            instance,
            name=name,
            policies=self.protection(name).server(self.served(name, self.meters[name], service)),
            meter=self.meters[name],
            after=workshop.parts[:-1],
        )
        return host

    def sow(self, service: ServicePlan, parts: tuple[object, ...]) -> None:
        seeds = [
            (f"{type(part).__name__}.{getattr(hook, '__name__', 'seed')}", hook)
            for part in parts
            for hook in hooks(part, "seed")
        ]
        if seeds and not service.keeps:
            line = self.system.places.line("service", service.name)
            what = f"service {service.name}: {seeds[0][0]} is a seed, and it asks for no Database"
            problem = Problem(self.system.places.file, line, what, "Make it an on_start hook")
            raise SystemProblems([problem])
        self.seeds += [Seed(service.name, name, hook) for name, hook in seeds]

    def served(self, name: str, meter: Meter, service: ServicePlan | None) -> Served:
        """What the policies on a service's own side share; ``None`` is what stands in for one."""
        unit, keys = None, None
        if service is not None and service.keeps and self.databases is not None:
            url = self.system.database(service.spec)
            unit, keys = self.databases.policy(url), self.databases.keys(url, name)
        return Served(
            service=name,
            rule=anyone if self.identity is None else authenticated,
            verifier=None if self.identity is None else self.identity.verifier,
            unit=unit,
            keys=keys,
            tally=meter.tally,
            injector=self.injector,
        )

    def protection(self, name: str) -> Protection:
        """What protects the calls to a service, here or elsewhere, or to what stands in for one."""
        if name not in self.protections:
            service = self.services.get(name)
            elsewhere = self.part is not None and self.part.keeps(name)
            self.protections[name] = Protection(
                self.system,
                name,
                keeps=elsewhere if service is None else service.keeps,
                identified=self.identity is not None,
                injected=self.injector is not None,
                stands_in=service is None and self.part is None,
            )
        return self.protections[name]

    def priorities(self, hosts: Iterable[Host]) -> dict[str, Priority]:
        """Which operations go first or last where there is too much to do."""
        told: dict[str, Priority] = {
            operation.id: self.protection(host.name).priority(operation)
            for host in hosts
            for operation in host.operations
        }
        return {operation: priority for operation, priority in told.items() if priority != "normal"}

    def provided(self, service: ServicePlan, argument: Argument) -> Any:
        """What is not built for the service alone; ``None`` where there is none."""
        match argument.want:
            case Client(contract):
                return self.client(service, contract)
            case Settings(struct):
                return service.settings.get(struct)
            case Given(cls):
                return self.replace[cls]
            case Kept():
                url = self.system.database(service.spec)
                return None if self.databases is None else self.databases.at(url)
            case Signing():
                return None if self.identity is None else self.identity.issuer
            case _:
                return None if self.identity is None else self.identity.verifier

    def client(self, service: ServicePlan, contract: type[Contract]) -> Contract | None:
        if contract in self.replace:
            return proxy(contract, self.stand_in_handler(contract))
        name = service.providers[contract]
        if name is None:
            return None
        if self.part is None and name not in self.services:
            raise SystemProblems([self.apart(name, contract, service.name)])
        key = (contract, name, service.name)
        if key not in self.clients:
            protection, local = self.protection(name), name in self.services
            callee = self.callees.setdefault(
                (service.name, name), Callee(name, self.meters[service.name], self.injector)
            )
            way = self.reach(name) if local else self.far(name, self.meters[service.name])
            handler = protection.client(callee, way, local=local)
            self.clients[key] = proxy(contract, handler, timeout=protection.timeout)
        return self.clients[key]

    def apart(self, name: str, contract: type[Contract], asked: str) -> Problem:
        """A program cannot be built into this process."""
        places = self.system.places
        what = f"service {asked} asks for {contract.__name__}, which the program {name} answers"
        what += "; it runs in processes of its own"
        remedy = (
            f"Run the system by `coterie up`, or put something in the place of {contract.__name__}"
        )
        return Problem(places.file, places.line("service", name), what, remedy)

    def reach(self, name: str) -> Handler:
        """The way to a service here. Two that call each other cannot both be built first."""
        if name not in self.building:
            return self.host(name).handle

        async def late(call: Call) -> Reply:
            return await self.hosts[name].handle(call)

        return late

    def far(self, name: str, meter: Meter) -> Handler:
        """The way to a service elsewhere: one for all of this process, who asks first counts."""
        if self.part is None:
            raise LookupError(f"{self.system.name} runs no service {name!r}")
        if name not in self.ways:
            self.ways[name] = self.part.reach(self.protection(name).way(meter))
        return self.ways[name]

    def reached(self, contract: type[Contract]) -> Reached | None:
        """The way to whatever answers for ``contract``."""
        if contract in self.replace:
            return Reached(self.stand_in_handler(contract))
        service = self.plan.provider(contract)
        if service is not None:
            timeout = self.protection(service.name).timeout
            return Reached(self.hosts[service.name].handle, timeout)
        promise = promise_of(contract)
        name = self.part and self.part.inventory.provider(promise.name, promise.major)
        if not name:
            return None
        protection = self.protection(name)
        callee = Callee(name, next(iter(self.meters.values())), self.injector)
        way = protection.client(callee, self.far(name, callee.meter), local=False)
        return Reached(way, protection.timeout)

    def stand_in_handler(self, contract: type[Contract]) -> Handler:
        found = self.stand_in(contract)
        return found.handle if isinstance(found, Host) else found

    def stand_in(self, contract: type[Contract]) -> Host | Handler:
        if contract not in self.stand_ins:
            given: Any = self.replace[contract]
            if isinstance(given, contract):
                name = promise_of(contract).name
                meter = Meter(name, self.spans)
                # Where its service is built too, for other contracts, it has that one's database.
                served = self.served(name, meter, self.services.get(name))
                policies = self.protection(name).server(served)
                self.stand_ins[contract] = Host(given, name=name, policies=policies, meter=meter)
            elif callable(given):
                handler: Callable[..., Any] = given
                self.stand_ins[contract] = handler
            else:
                raise TypeError(
                    f"{contract.__name__} can be replaced by an instance of a class that derives"
                    f" from it, or by a handler, not by {type(given).__name__}"
                )
        return self.stand_ins[contract]

    def shadowed(self, fake: Host) -> bool:
        """Whether a service that was built has the routes of ``fake`` already."""
        taken = {d.contract for host in self.hosts.values() for d in host.descriptions}
        return any(description.contract in taken for description in fake.descriptions)
