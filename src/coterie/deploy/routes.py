"""What the gateway routes, of everything that a system promises."""

from coterie.members.gateway import TRIES, Passage, Route
from coterie.system import Inventory, ServiceEntry

__all__ = ["passages_of", "patience_of", "routes_of"]


def routes_of(inventory: Inventory) -> tuple[Route, ...]:
    """Every operation that has a path, of every public service, in the inventory's order.

    Not those of programs that have mounts: these lead to the program as it is.
    """
    return tuple(
        Route(
            service=service.name,
            operation=operation.id,
            method=operation.method,
            path=operation.path,
            attempts=min(operation.attempts, TRIES),
            timeout=operation.timeout,
            stream=operation.stream,
        )
        for service in inventory.services
        if service.public and not service.mounts
        for contract in service.contracts
        for operation in contract.operations
        if operation.path is not None
    )


def passages_of(inventory: Inventory) -> tuple[Passage, ...]:
    """Every path that leads to a public program as it is, in the inventory's order."""
    return tuple(
        Passage(service=service.name, path=mount.path, to=mount.to, timeout=service.timeout)
        for service in inventory.services
        if service.public
        for mount in service.mounts
    )


def patience_of(service: ServiceEntry, timeout: float) -> float:
    """The seconds that an answer of ``service`` may take to begin, whatever it is asked.

    ``timeout`` is the system's.
    """
    own = timeout if service.timeout is None else service.timeout
    told = (o.timeout for contract in service.contracts for o in contract.operations)
    return max([own, *(seconds for seconds in told if seconds is not None)])
