"""Views: what readers of the registry are told."""

from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct

__all__ = ["Change", "InstanceView", "Kind", "ServiceView", "Status", "Summary", "Watched"]

Status: TypeAlias = Literal["UP", "DOWN", "DRAINING", "STARTING"]
"""STARTING is told of the system's own instances only: calls to them wait."""

Kind: TypeAlias = Literal["service", "service-removed", "instance", "instance-removed"]
"""What changed: a service is new or described anew, an instance new or otherwise, or they went."""


class InstanceView(Struct, frozen=True, kw_only=True):
    """An instance. ``lease_ttl`` is in seconds, ``last_heartbeat`` a moment (RFC 3339)."""

    id: str
    url: str
    zone: str
    weight: float
    status: Status
    lease_ttl: float | None
    last_heartbeat: datetime | None
    registered_by: str
    metadata: dict[str, str]


class Summary(Struct, frozen=True, kw_only=True):
    """A service. ``contract`` links to what it promises; ``read_only``: it is the system's own."""

    name: str
    description: str
    owner: str
    version: str
    contract: str | None
    tags: tuple[str, ...]
    metadata: dict[str, str]
    registered_by: str
    read_only: bool


class ServiceView(Summary, frozen=True, kw_only=True):
    """A service with its instances, sorted by id."""

    instances: tuple[InstanceView, ...]

    @property
    def summary(self) -> Summary:
        """The service without its instances."""
        return Summary(**{name: getattr(self, name) for name in Summary.__struct_fields__})


class Change(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change. ``described`` comes with ``service``, ``instance`` or ``id`` with the others."""

    index: int
    event: Kind
    service: str
    described: Summary | None = None
    instance: InstanceView | None = None
    id: str | None = None


class Watched(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a watcher is told: the changes after its index, or all there is (``reset``).

    Asked again with ``index``, it misses nothing.
    """

    index: int
    reset: bool
    changes: tuple[Change, ...] | None = None
    services: tuple[ServiceView, ...] | None = None
