"""A system with every class found and every need met: what `assemble` builds from."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

from coterie.contract import (
    Contract,
    ContractError,
    Description,
    Promise,
    describe,
    promise_of,
)

from .model import System
from .problem import Report
from .recipe import Client, Kept, Recipe, Settings
from .specs import ServiceSpec
from .tables import near

__all__ = ["Plan", "Planned", "ProgramPlan", "ServicePlan", "choose_providers"]


class ServicePlan(Struct, frozen=True):
    """One service: its class, what it promises, and where all it asks for comes from.

    ``providers`` tells which service answers for a contract, ``None`` where nothing does and
    nothing must; ``settings`` holds the filled structs; ``home`` is the absolute folder where its
    migrations belong.
    """

    spec: ServiceSpec
    recipe: Recipe
    descriptions: tuple[Description, ...]
    providers: Mapping[type[Contract], str | None] = {}
    settings: Mapping[type[Struct], Any] = {}
    home: Path | None = None

    @property
    def migrations(self) -> Path | None:
        """The folder of its migrations, if it has any."""
        return self.home if self.home is not None and self.home.is_dir() else None

    @property
    def name(self) -> str:
        """Its name in the system."""
        return self.spec.name

    @property
    def keeps(self) -> bool:
        """Whether something of it asks for the database."""
        return any(isinstance(argument.want, Kept) for argument in self.recipe.wants())

    @property
    def structs(self) -> tuple[type[Struct], ...]:
        """The structs its settings fill, each once."""
        wants = (argument.want for argument in self.recipe.wants())
        return tuple(dict.fromkeys(want.struct for want in wants if isinstance(want, Settings)))


class ProgramPlan(Struct, frozen=True):
    """A program that joins as it is, and the contracts that it keeps without knowing of them."""

    spec: ServiceSpec
    descriptions: tuple[Description, ...] = ()

    @property
    def name(self) -> str:
        """Its name in the system."""
        return self.spec.name

    @property
    def keeps(self) -> bool:
        """Never: where it keeps its data is its own business."""
        return False


Planned: TypeAlias = ServicePlan | ProgramPlan
"""A service, whatever it is."""


class Plan(Struct, frozen=True):
    """A whole system, ready to be built; ``programs`` are not: each runs in processes of its own."""

    system: System
    services: tuple[ServicePlan, ...]
    programs: tuple[ProgramPlan, ...] = ()

    @property
    def everyone(self) -> tuple[Planned, ...]:
        """Services and programs, in the order of the system's file."""
        order = [spec.name for spec in self.system.services]
        return tuple(sorted((*self.services, *self.programs), key=lambda s: order.index(s.name)))

    def provider(self, contract: type[Contract]) -> ServicePlan | None:
        """The service that implements ``contract``: the first, if several do."""
        promise = promise_of(contract)
        return next((s for s in self.services if _serves(s, promise)), None)


def choose_providers(
    service: ServicePlan,
    services: Iterable[Planned],
    report: Report,
    *,
    replaced: frozenset[type] = frozenset(),
    complete: bool = True,
) -> dict[type[Contract], str | None]:
    """Which service answers each contract that ``service`` asks for.

    By name and major version; where several implement one, ``uses`` in the service's table says
    which. What cannot be decided is reported, except for contracts that are ``replaced``, and,
    unless ``services`` are ``complete``, for those that nothing implements.
    """
    chooser = _Chooser(service, tuple(services), report)
    chooser.replaced = replaced
    chooser.complete = complete
    return chooser.choose()


class _Chooser:
    def __init__(self, service: ServicePlan, services: tuple[Planned, ...], report: Report) -> None:
        self.service = service
        self.services = services
        self.report = report
        self.used: set[str] = set()
        self.replaced: frozenset[type] = frozenset()
        self.complete = True

    def complain(self, key: tuple[str, ...], what: str, remedy: str) -> None:
        path = ("service", self.service.name, *key)
        self.report.complain(path, f"service {self.service.name}: {what}", remedy)

    def choose(self) -> dict[type[Contract], str | None]:
        chosen: dict[type[Contract], str | None] = {}
        asked: dict[str, type[Contract]] = {}
        for argument in self.service.recipe.wants():
            want = argument.want
            if isinstance(want, Client):
                asked[want.contract.__name__] = want.contract
                if want.contract in self.replaced:
                    continue
                chosen[want.contract] = self.provider(want.contract, required=argument.required)
        for key in self.service.spec.uses:
            if key not in self.used:
                meant = near(key, asked)
                known = f"It asks for {', '.join(asked) or 'no contract at all'}"
                remedy = f"Did you mean {meant}?" if meant else known
                self.complain(("uses", key), f"nothing in it asks for {key}", remedy)
        return chosen

    def provider(self, contract: type[Contract], *, required: bool) -> str | None:
        promise = promise_of(contract)
        uses = self.service.spec.uses
        key = next((k for k in (contract.__name__, promise.name) if k in uses), None)
        serving = [service for service in self.services if _serves(service, promise)]
        if key is not None:
            self.used.update((contract.__name__, promise.name))
            return self.named(key, uses[key], contract, serving)
        if len(serving) == 1:
            self.compare(contract, serving[0], promise)
            return serving[0].name
        names = [service.name for service in serving]
        if names:
            what = f"asks for {contract.__name__}, which {' and '.join(names)} implement"
            remedy = f'Say which one: uses = {{ {contract.__name__} = "{names[0]}" }}'
            self.complain((), what, remedy)
        elif required and self.complete:
            self.nobody(contract, promise)
        return None

    def compare(self, contract: type[Contract], service: Planned, promise: Promise) -> None:
        """Report operations that ``service`` lacks: of the same major version, but older."""
        theirs = next(d for d in service.descriptions if _keeps(d, promise))
        if theirs.contract is contract:
            return
        try:
            asked = {operation.name for operation in describe(contract).operations}
        except ContractError:
            return  # reported where it stands
        lacking = sorted(asked - {operation.name for operation in theirs.operations})
        if lacking:
            what = (
                f"asks for {promise}, and {service.name} implements version {theirs.version},"
                f" without {', '.join(lacking)}"
            )
            self.complain((), what, "Let it implement the newer version, or ask for the older")

    def named(
        self, key: str, name: str, contract: type[Contract], serving: list[Planned]
    ) -> str | None:
        promise = promise_of(contract)
        chosen = next((service for service in serving if service.name == name), None)
        if chosen is not None:
            self.compare(contract, chosen, promise)
            return name
        names = [service.name for service in serving]
        meant = near(name, names) or (names[0] if len(names) == 1 else None)
        exists = any(service.name == name for service in self.services)
        what = f"{name} does not implement {promise.name} {promise.major}"
        what = what if exists else f"there is no service {name}"
        remedy = f"Did you mean {meant}?" if meant else f"Name a service that implements {key}"
        self.complain(("uses", key), what, remedy)
        return None

    def nobody(self, contract: type[Contract], promise: Promise) -> None:
        described = [(d, s.name) for s in self.services for d in s.descriptions]
        what = f"asks for {contract.__name__}, and no service implements {promise.name}"
        for description, name in described:
            if description.name == promise.name:
                what += f" {promise.major}; {name} implements version {description.version}"
                remedy = f"Ask for that version, or add a service that implements {promise}"
                self.complain((), what, remedy)
                return
        meant = near(promise.name, [description.name for description, _ in described])
        remedy = f"Add [service.{promise.name}] with a class that derives from {contract.__name__}"
        if meant is not None:
            remedy += f", or ask for {meant}"
        self.complain((), what, remedy)


def _serves(service: Planned, promise: Promise) -> bool:
    return any(_keeps(description, promise) for description in service.descriptions)


def _keeps(description: Description, promise: Promise) -> bool:
    return description.name == promise.name and description.major == promise.major
