"""Services and operations by the names that people type."""

from collections.abc import Iterable
from typing import NamedTuple

from coterie.contract import Description, Operation
from coterie.system import Planned, ServiceSpec, System

from .likeness import near
from .mistakes import Mistake

__all__ = ["Named", "operation_of", "operations_of", "service_of"]


class Named(NamedTuple):
    """An operation, and where it is from."""

    service: Planned
    description: Description
    operation: Operation


def service_of(system: System, name: str) -> ServiceSpec:
    """The service called ``name``. Raises `Mistake` with those that may be meant."""
    for service in system.services:
        if service.name == name:
            return service
    known = [service.name for service in system.services]
    raise Mistake(f"{system.name} has no service {name!r}. {near(name, known)}")


def operations_of(services: Iterable[Planned]) -> dict[str, Named]:
    """Every operation by its name, ``orders.place``; of several versions, the newest."""
    found: dict[str, Named] = {}
    for service in services:
        for description in service.descriptions:
            for operation in description.operations:
                known = found.get(operation.id)
                if known is None or _newer(operation, known.operation):
                    found[operation.id] = Named(service, description, operation)
    return found


def operation_of(services: Iterable[Planned], name: str) -> Named:
    """The operation called ``name``. Raises `Mistake` with those that may be meant."""
    known = operations_of(services)
    if name in known:
        return known[name]
    # Whoever types only the last part, or only the first, means one of a few.
    ending = sorted(one for one in known if name in one.split("."))
    if ending:
        raise Mistake(f"{name!r} is no operation. Did you mean {' or '.join(ending)}?")
    raise Mistake(f"there is no operation {name!r}. {near(name, known)}")


def _newer(one: Operation, other: Operation) -> bool:
    return (len(one.major), one.major) > (len(other.major), other.major)
