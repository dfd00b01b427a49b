"""What a registry is: who serves what, where, at this moment."""

import enum
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

__all__ = ["Instance", "InstanceState", "Offer", "Registry", "Told", "Watch"]


class InstanceState(enum.Enum):
    """Where an instance is in its life, as far as callers care.

    ``starting``: it holds its address and will answer there shortly; a call to it waits.
    ``up``: it answers. ``draining``: it finishes what it has and wants nothing new.
    """

    STARTING = "starting"
    UP = "up"
    DRAINING = "draining"


class Offer(Struct, frozen=True):
    """A contract that an instance implements: name, version, and the digest of its shape."""

    name: str
    version: str
    digest: str = ""

    @property
    def major(self) -> str:
        """The version's first number, which caller and instance must share."""
        return self.version.split(".", 1)[0]


class Instance(Struct, frozen=True, kw_only=True):
    """One running process of a service.

    ``id`` is unique in the system (``orders-1``), ``url`` where it answers, without a slash at
    the end; ``version`` its service's own. Of those in a caller's ``zone`` nearer ones may be
    preferred; ``weight`` is its share among the others, 1 by default, 0 for none at all.
    """

    service: str
    id: str
    url: str
    version: str = ""
    offers: tuple[Offer, ...] = ()
    zone: str = ""
    weight: float = 1.0
    state: InstanceState = InstanceState.UP


Told = Callable[[tuple[Instance, ...]], None]
"""Is told all instances that are watched, sorted by service and id, whenever one of them changed."""


class Watch(Protocol):
    """The instances of one service (or of all), kept up to date by push.

    Last known good: while the registry is away, nothing is forgotten.
    """

    @property
    def instances(self) -> tuple[Instance, ...]:
        """All of them, in every state, sorted by service and id."""
        ...

    def close(self) -> None:
        """Watch no longer; nothing is told from here on."""
        ...


class Registry(Protocol):
    """Where instances are announced and found. A component: `start` and `stop`.

    A name that is announced twice is one instance: the later announcement counts. What one
    process announces, another's watch shows within 100 ms; who dies without withdrawing is gone
    when its lease ends.
    """

    async def start(self) -> None:
        """Connect. Raises `Failure` where the registry cannot be reached in time."""
        ...

    async def stop(self) -> None:
        """Withdraw what was announced here, end every watch, disconnect. Never raises."""
        ...

    async def announce(self, instance: Instance) -> None:
        """Make ``instance`` known, or known anew; the lease is renewed until it is withdrawn.

        While the registry is away this returns all the same: it is announced on reconnecting.
        """
        ...

    async def withdraw(self, service: str, id: str) -> None:
        """Make an instance unknown, whoever announced it; one that is unknown already is no error."""
        ...

    async def watch(self, service: str | None = None, told: Told | None = None) -> Watch:
        """Watch ``service``, or all; the watch is complete when this returns.

        ``told`` is called in the event loop, at once for what is there and after each change.
        """
        ...
