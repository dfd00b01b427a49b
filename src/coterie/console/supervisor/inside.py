"""Inside addresses: ports of the loopback at which programs find services, one for each."""

import socket
from collections.abc import Iterable, Mapping
from contextlib import ExitStack

from coterie.system import Inventory

__all__ = ["inside_of"]


def inside_of(inventory: Inventory, known: Mapping[str, int]) -> dict[str, int]:
    """A port for each service, where there are programs: the ``known`` one, or one that is free.

    Who listens there is the gateway, later. Classes of ours need none: they ask the registry.
    Raises `OSError` where there is no port left.
    """
    if not any(service.program for service in inventory.services):
        return {}
    return _ports((service.name for service in inventory.services), known)


def _ports(services: Iterable[str], known: Mapping[str, int]) -> dict[str, int]:
    with ExitStack() as held:  # all at once, so that no two are the same
        found: dict[str, int] = {}
        for service in services:
            if service in known:
                found[service] = known[service]
                continue
            taken = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            taken.bind(("127.0.0.1", 0))
            found[service] = taken.getsockname()[1]
        return found
