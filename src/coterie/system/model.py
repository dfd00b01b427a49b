"""The frozen model of a system: what ``coterie.toml`` says, once it is read and found right."""

import re
from pathlib import Path
from types import MappingProxyType
from typing import Self

from msgspec import Struct, structs

from coterie.telemetry import Destination

from .places import Places
from .policy_specs import PolicySpec
from .specs import (
    ChaosSpec,
    ConsoleSpec,
    EnginesSpec,
    GatewaySpec,
    IdentitySpec,
    ProcessSpec,
    ServiceSpec,
)

__all__ = ["System"]

_RELATIVE = re.compile(r"(sqlite(?:\+\w+)?:///)(?=[^/:?])")


class System(Struct, frozen=True, kw_only=True):
    """A whole system: services, gateway, engines and policies that run together.

    ``folder`` is absolute and goes on ``sys.path``; ``state`` is the absolute folder of what must
    survive a restart; ``profile`` the one that was chosen; ``database_url`` what the environment
    says, ``telemetry`` where it wants spans and counters sent. ``places`` tells lines for messages.
    """

    name: str
    folder: Path
    state: Path
    services: tuple[ServiceSpec, ...]
    version: str | None = None
    owner: str | None = None
    processes: tuple[ProcessSpec, ...] = ()
    gateway: GatewaySpec = GatewaySpec()
    console: ConsoleSpec = ConsoleSpec()
    engines: EnginesSpec = EnginesSpec()
    identity: IdentitySpec | None = None
    policy: PolicySpec = PolicySpec()
    chaos: ChaosSpec | None = None
    profile: str | None = None
    database_url: str | None = None
    telemetry: Destination | None = None
    places: Places = Places(Path("coterie.toml"), MappingProxyType({}))

    def service(self, name: str) -> ServiceSpec:
        """The service called ``name``. Raises `LookupError`, naming those there are."""
        for service in self.services:
            if service.name == name:
                return service
        known = ", ".join(service.name for service in self.services)
        raise LookupError(f"{self.name} has no service {name!r}; it has {known}")

    @property
    def groups(self) -> tuple[ProcessSpec, ...]:
        """Which services share a process: those of `processes`, every other one by itself."""
        together = {name for process in self.processes for name in process.together}
        alone = tuple(
            ProcessSpec(name=service.name, together=(service.name,), replicas=service.replicas)
            for service in self.services
            if service.name not in together
        )
        return (*self.processes, *alone)

    def database(self, service: ServiceSpec) -> str:
        """The URL of the database of ``service``, with its folders absolute.

        The service's own counts first, then ``DATABASE_URL``, then ``[engines]``. Three slashes
        begin a path relative to the system's folder, four an absolute one.
        """
        url = service.database or self.database_url or self.engines.database
        url = url.replace("{state}", str(self.state)).replace("{service}", service.name)
        relative = _RELATIVE.match(url)
        return url if relative is None else f"{relative[0]}{self.folder}/{url[relative.end() :]}"

    def listening(self, *, host: str | None = None, port: int | None = None) -> Self:
        """This system with its gateway at another address."""
        gateway = structs.replace(
            self.gateway,
            host=self.gateway.host if host is None else host,
            port=self.gateway.port if port is None else port,
        )
        return structs.replace(self, gateway=gateway)

    def __repr__(self) -> str:
        return f"<system {self.name}: {', '.join(s.name for s in self.services)}>"
