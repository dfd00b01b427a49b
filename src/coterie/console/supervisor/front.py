"""Front: the gateway of a system of processes, whichever engine it is."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from coterie.deploy.envoy import Edge, Endpoint, Tls, endpoints, files, swap
from coterie.engine import EngineError
from coterie.registry import Instance
from coterie.system import Blueprint, System

from .kept import Kept, NotStarted
from .launch import Launcher
from .program_workers import EnvoyWorker

__all__ = ["EnvoyFront", "Front", "OwnFront"]

log = logging.getLogger("coterie.console")

_ROUTED = 5.0
_LOOK = 0.005
_TEND = 1.0
_LONGEST_LOG = 64 * 2**20
_CLUSTERS = ("eds/", "cds.json")


class Front(Protocol):
    """What stands before the services."""

    kept: Kept

    def endpoints(self, service: str, instances: tuple[Instance, ...]) -> None:
        """These are the instances of ``service`` from now on."""
        ...

    async def routed(self, services: set[str]) -> None:
        """Wait until each of ``services`` can be reached through it, a while at most."""
        ...

    async def renew(self, system: System, blueprint: Blueprint) -> None:
        """Route what ``blueprint`` promises."""
        ...

    async def tend(self) -> None:
        """Look after what grows, until cancelled."""
        ...


class EnvoyFront:
    """Envoy, told of instances by files that it watches.

    ``make`` makes the process of a worker; ``logs`` is the folder of its logs. ``inside`` gives the
    ports of the loopback at which programs find each service; it is asked at each `renew`.
    """

    def __init__(
        self,
        system: System,
        blueprint: Blueprint,
        folder: Path,
        console: str,
        tls: Tls | None,
        launcher: Launcher,
        log: int,
        logs: Path,
        make: Callable[[EnvoyWorker], Kept],
        inside: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._system = system
        self._blueprint = blueprint
        self._folder = folder
        self._console = console
        self._tls = tls
        self._inside = inside
        self._ports = inside()
        self._access = logs / "gateway-access.log"
        self._eds: dict[str, bytes] = {}
        self._untold: set[str] = set()
        self.port = system.gateway.port
        """Where it listens; chosen by Envoy, where the file says 0, and kept from then on."""
        self.worker = EnvoyWorker(folder, self, launcher, log, logs / "gateway.log")
        self.kept = make(self.worker)

    def endpoints(self, service: str, instances: tuple[Instance, ...]) -> None:
        """Swap the file of ``service``; Envoy reads it at once."""
        made = endpoints(service, instances)
        if self._eds.get(service) == made and service not in self._untold:
            return
        self._eds[service] = made
        if service in self._reached:
            try:
                swap(self._folder, {f"eds/{service}.json": made})
                self._untold.discard(service)
            except OSError as error:
                self._untold.add(service)
                log.error("the gateway was not told of %s: %s", service, error.strerror)  # noqa: TRY400

    async def routed(self, services: set[str]) -> None:
        """Wait until Envoy counts a healthy instance of each."""
        missing = services & self._reached
        try:
            async with asyncio.timeout(_ROUTED):
                while missing and self.kept.up:
                    stats = await self.worker.envoy.stats(r"^cluster\..*\.membership_healthy$")
                    missing = {s for s in missing if not _healthy(stats, s)}
                    if missing:
                        await asyncio.sleep(_LOOK)
        except (TimeoutError, EngineError) as error:
            log.warning("the gateway does not reach %s yet (%s)", ", ".join(sorted(missing)), error)

    async def renew(self, system: System, blueprint: Blueprint) -> None:
        """Swap clusters, then routes: none leads where nothing is."""
        before = self._reached
        self._system, self._blueprint, self._ports = system, blueprint, self._inside()
        new = self._reached - before
        try:
            self.worker.renew(_CLUSTERS)
            if new:
                await self.routed(new & self._eds.keys())
            self.worker.renew()
        except OSError:
            log.exception("the gateway was not told of what has changed")

    async def tend(self) -> None:
        """Count what goes through; and begin a new access log once it is 64 MiB long.

        The one before it is kept.
        """
        while True:
            await asyncio.sleep(_TEND)
            try:
                await self._count()
                if self._access.stat().st_size > _LONGEST_LOG:
                    self._access.replace(self._access.with_name(f"{self._access.name}.1"))
                    await self.worker.envoy.reopen_logs()
            except (OSError, EngineError):
                continue  # there is none yet, or Envoy is just starting; look again

    async def _count(self) -> None:
        if self.kept.up:
            found = await self.worker.envoy.stats(r"^http\.gateway\.downstream_rq_(total|active)$")
            self.kept.calls = int(found.get("http.gateway.downstream_rq_total", 0))
            self.kept.in_flight = int(found.get("http.gateway.downstream_rq_active", 0))

    @property
    def _reached(self) -> set[str]:
        """The services that Envoy knows: who is public, and whom programs find inside."""
        services = self._blueprint.inventory.services
        return {one.name for one in services if one.public or one.name in self._ports}

    def edge(self) -> Edge:
        """How it faces the outside."""
        gateway = self._system.gateway
        parts = urlsplit(self._console)
        return Edge(
            folder=str(self._folder),
            host=gateway.host,
            port=self.port,
            tls=self._tls,
            cors=gateway.cors,
            timeout=self._system.policy.timeout,
            body_limit=self._system.policy.body_limit,
            docs=gateway.docs,
            console=Endpoint(parts.hostname or "127.0.0.1", parts.port or 0),
            admin=str(self._folder / "envoy.sock"),
            log=str(self._access),
            inside=self._ports,
        )

    def files(self) -> Mapping[str, bytes]:
        """All that Envoy reads, as it is to be now."""
        made = files(self._blueprint.inventory, self.edge())
        for service, known in self._eds.items():
            if f"eds/{service}.json" in made:
                made[f"eds/{service}.json"] = known
        # A cluster is refused whose endpoint file is not there yet.
        return dict(sorted(made.items(), key=lambda item: not item[0].startswith("eds/")))


class OwnFront:
    """A process of Coterie, which finds the instances in the registry itself."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept

    def endpoints(self, service: str, instances: tuple[Instance, ...]) -> None:
        """Nothing: it watches."""

    async def routed(self, services: set[str]) -> None:
        """At once: a request waits for its service."""

    async def tend(self) -> None:
        """Nothing: it logs as all others do."""

    async def renew(self, system: System, blueprint: Blueprint) -> None:
        """Start it anew, with the new routes."""
        try:
            await self.kept.replace()
        except NotStarted as error:
            log.error("the gateway goes on with the routes it had: %s", error)  # noqa: TRY400


def _healthy(stats: Mapping[str, int | str], service: str) -> bool:
    return int(stats.get(f"cluster.{service}.membership_healthy", 0)) > 0
