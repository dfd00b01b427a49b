"""Held: what is registered, as it is at this moment."""

import asyncio
import math
from datetime import UTC, datetime
from time import monotonic

from coterie.registry import Instance, InstanceState

from .records import InstanceRecord, ServiceRecord
from .views import InstanceView, ServiceView, Status

__all__ = ["MARK", "HeldInstance", "HeldService"]

MARK = "@registry"
"""Ends the ids of what is announced from here to the system: none of its own ends so."""


class HeldInstance:
    """An instance and its lease."""

    __slots__ = ("due", "heard", "lapsed", "record", "timer")

    def __init__(self, record: InstanceRecord, *, heard: bool) -> None:
        self.record = record
        self.due = math.inf
        """When its lease ends, by `time.monotonic`."""
        self.heard = datetime.now(UTC) if heard else None
        """When it was heard of last; not kept over a restart."""
        self.lapsed = False
        self.timer: asyncio.TimerHandle | None = None
        self.prolong()

    def prolong(self) -> None:
        """Begin the lease anew."""
        self.lapsed = False
        if self.record.ttl is not None:
            self.due = monotonic() + self.record.ttl

    def hear(self) -> None:
        """It was heard of: the lease begins anew."""
        self.prolong()
        self.heard = datetime.now(UTC)

    def let_go(self) -> None:
        """Wait for nothing any more."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    @property
    def status(self) -> Status:
        """UP is who may be called; asked late, a lease has ended all the same."""
        return "DOWN" if self.lapsed or self.due <= monotonic() else self.record.said

    def announced(self, service: ServiceRecord) -> Instance | None:
        """As callers inside the system are told of it; ``None`` where it is DOWN."""
        record = self.record
        if self.status == "DOWN":
            return None
        return Instance(
            service=service.name,
            id=f"{record.id}{MARK}",
            url=record.url.rstrip("/"),
            version=service.version,
            zone=record.zone,
            weight=record.weight,
            state=InstanceState.DRAINING if self.status == "DRAINING" else InstanceState.UP,
        )

    @property
    def view(self) -> InstanceView:
        """As readers are told of it."""
        record = self.record
        return InstanceView(
            id=record.id,
            url=record.url,
            zone=record.zone,
            weight=record.weight,
            status=self.status,
            lease_ttl=record.ttl,
            last_heartbeat=self.heard,
            registered_by=record.registered_by,
            metadata=record.metadata,
        )


class HeldService:
    """A service and its instances, by id."""

    __slots__ = ("instances", "record")

    def __init__(self, record: ServiceRecord) -> None:
        self.record = record
        self.instances: dict[str, HeldInstance] = {}

    @property
    def view(self) -> ServiceView:
        """As readers are told of it."""
        record = self.record
        return ServiceView(
            name=record.name,
            description=record.description,
            owner=record.owner,
            version=record.version,
            contract=record.contract or None,
            tags=record.tags,
            metadata=record.metadata,
            registered_by=record.registered_by,
            read_only=False,
            instances=tuple(self.instances[id_].view for id_ in sorted(self.instances)),
        )
