"""Assembly: a built system, from start to stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from msgspec import Struct

from coterie.call import Component, Handler
from coterie.client import TIMEOUT, Timeout, proxy
from coterie.contract import Contract
from coterie.server import App, Host
from coterie.telemetry import Span, Spans

from .engines import Databases, Unfit
from .folder import place_of_error
from .migrate import unfit
from .model import System
from .plan import Plan, ServicePlan
from .problem import Problem, SystemProblems
from .specs import ServiceSpec

__all__ = ["Assembly", "Reached", "Seed"]

C = TypeVar("C", bound=Contract)

log = logging.getLogger("coterie.system")

_PATIENCE = 60.0


class Seed(Struct, frozen=True):
    """A seed hook of something built for ``service``, and the name by which it is known as sown."""

    service: str
    name: str
    hook: Callable[[], Awaitable[None]]


class Reached(Struct, frozen=True):
    """The way to who answers for a contract, and the seconds that a call of it may take."""

    handler: Handler
    timeout: Timeout = TIMEOUT


class Assembly:
    """Every service of a system in one process, and the application in front of them. A component.

    The order of a life: built (by `assemble`), start, served (by whoever listens with `app`),
    drained, stop. ``hosts`` are in the order they start, whoever is called before who calls.
    ``patience`` is the seconds a service may take to start.
    """

    def __init__(
        self,
        *,
        plan: Plan,
        app: App,
        hosts: tuple[Host, ...],
        handlers: Callable[[type[Contract]], Reached | None],
        databases: Databases | None,
        spans: Spans,
        collector: Component | None,
        seeds: tuple[Seed, ...],
    ) -> None:
        self.app = app
        self.hosts = hosts
        self.patience = _PATIENCE
        self._plan = plan
        self._handlers = handlers
        self._databases = databases
        self._spans = spans
        self._collector = collector
        self._seeds = seeds
        self._started: list[Host] = []

    @property
    def system(self) -> System:
        """What was assembled."""
        return self._plan.system

    @property
    def spans(self) -> list[Span]:
        """The latest calls served, whoever ended first first."""
        return list(self._spans)

    def host(self, name: str) -> Host:
        """The host of the service called ``name``. Raises `LookupError`, naming those there are."""
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts)
        raise LookupError(f"{self.system.name} runs no service {name!r}; it runs {known}")

    def client(self, contract: type[C]) -> C:
        """A client of ``contract``, straight to the service that implements it.

        Through the same policies as any call. Raises `LookupError` if no service implements it.
        """
        way = self._handlers(contract)
        if way is None:
            raise LookupError(f"no service of {self.system.name} implements {contract.__name__}")
        return proxy(contract, way.handler, timeout=way.timeout)

    async def start(self) -> None:
        """Migrate and seed every database, then start every service; ready when it returns.

        Raises `SystemProblems` naming the service that could not start; what had started is
        stopped again.
        """
        try:
            if self._collector is not None:
                await self._collector.start()
            for service in self._plan.services:
                if service.keeps:
                    await self._prepare(service)
            for host in self.hosts:
                self._started.append(host)
                await self._start(host)
        except BaseException:
            await self.stop(drain=0)
            raise

    async def stop(self, *, drain: float = 10.0) -> None:
        """Drain and stop every service, who calls before who is called; then close databases.

        ``drain`` is the seconds that each may take for the calls under way. Never raises.
        """
        self.app.draining = True
        while self._started:
            await self._started.pop().stop(drain=drain)
        if self._databases is not None:
            try:
                await self._databases.stop()
            except Exception:
                log.exception("%s: a database did not close cleanly", self.system.name)
        if self._collector is not None:
            await self._collector.stop()
        self.app.flush()

    async def _prepare(self, service: ServicePlan) -> None:
        if self._databases is None:
            return
        url = self.system.database(service.spec)
        seeds = [(seed.name, seed.hook) for seed in self._seeds if seed.service == service.name]
        try:
            for step in await self._databases.migrate(url, service.name, service.migrations):
                log.info("%s: migrated to %s", service.name, step)
            await self._databases.sow(url, service.name, seeds)
        except Unfit as error:
            raise unfit(self.system, service, error) from error
        except Exception as error:
            raise self._failed(service.spec, "a seed", error) from error

    async def _start(self, host: Host) -> None:
        spec = next((s for s in self.system.services if s.name == host.name), None)
        if spec is None:
            await host.start()  # a stand-in, whose errors are those of a test
            return
        limit = asyncio.timeout(self.patience)
        try:
            async with limit:
                await host.start()
        except TimeoutError as error:
            if not limit.expired():
                raise self._failed(spec, "a start hook", error) from error
            what = f"service {spec.name}: it was not ready after {self.patience:.0f} s"
            remedy = (
                "Let its start hooks end: spawn() what is to go on, and bound what they wait for"
            )
            line = self.system.places.line("service", spec.name)
            problem = Problem(self.system.places.file, line, what, remedy)
            raise SystemProblems([problem]) from error
        except Exception as error:
            raise self._failed(spec, "a start hook", error) from error

    def _failed(self, spec: ServiceSpec, thing: str, error: Exception) -> SystemProblems:
        file, line = place_of_error(self.system, spec, error)
        told = " ".join(str(error).split())[:300]
        what = f"service {spec.name}: {thing} raised {type(error).__name__}: {told}"
        return SystemProblems([Problem(file, line, what, "Mend it there, and start again")])
