"""Records: what is registered, as it is kept in the file."""

from typing import Literal, TypeAlias

from msgspec import Struct

__all__ = ["InstanceRecord", "Said", "ServiceRecord"]

Said: TypeAlias = Literal["UP", "DOWN", "DRAINING"]
"""What an instance says of itself. DRAINING: it finishes what it has and wants nothing new."""


class ServiceRecord(Struct, frozen=True, kw_only=True):
    """A name, who has it, and how they describe it."""

    name: str
    registered_by: str
    description: str = ""
    owner: str = ""
    version: str = ""
    contract: str = ""
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = {}


class InstanceRecord(Struct, frozen=True, kw_only=True):
    """One instance. ``ttl`` is its lease in seconds; without, it stays until it is removed."""

    id: str
    url: str
    registered_by: str
    ttl: float | None = None
    zone: str = ""
    weight: float = 1.0
    metadata: dict[str, str] = {}
    said: Said = "UP"
