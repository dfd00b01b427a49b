"""Names that programs know something else by: a service's address must not stand there."""

from .model import System
from .problem import Report
from .surroundings import variable

__all__ = ["check_names"]

_MEANT = {
    "DATABASE_URL": "where it looks for its database",
    "COTERIE_GATEWAY_URL": "which tells it the gateway",
    "COTERIE_REGISTRY_URL": "which tells it the registry",
}


def check_names(system: System, report: Report) -> None:
    """Report each service whose address a program would take for something else.

    What the program's own ``environment`` says there wins, and so is no mistake.
    """
    for service in system.services:
        name = variable(service.name)
        misled = [
            spec.name
            for spec in system.services
            if spec.kind != "implements" and spec is not service and name not in spec.environment
        ]
        if name in _MEANT and misled:
            more = f" (and {len(misled) - 1} more)" if len(misled) > 1 else ""
            what = f"{misled[0]}{more} would find the address of service {service.name} as {name}"
            remedy = f"Call {service.name} otherwise, or say {name} in the program's environment"
            report.complain(("service", service.name), f"{what}, {_MEANT[name]}", remedy)
