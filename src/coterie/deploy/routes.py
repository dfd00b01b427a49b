"""What the gateway routes, of everything that a system promises."""

from coterie.members.gateway import TRIES, Route
from coterie.system import Inventory

__all__ = ["routes_of"]


def routes_of(inventory: Inventory) -> tuple[Route, ...]:
    """Every operation that has a path, of every public service, in the inventory's order."""
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
        if service.public
        for contract in service.contracts
        for operation in contract.operations
        if operation.path is not None
    )
