"""URL -> registry."""

from coterie.registry import Registry
from coterie.registry.nats import Nats

__all__ = ["registry_at"]


def registry_at(url: str, system: str, *, lease: float = 5.0) -> Registry:
    """The registry of ``system`` at ``url``, for one process. ``lease`` is in seconds.

    Systems share a broker that runs elsewhere, and their instances have the same names: without
    a ``system`` of its own, one would call the other's.
    """
    return Nats(url, lease=lease, system=system)
