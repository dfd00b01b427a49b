"""What the gateway would route, and to whom: two operations at one place, and rules in the void."""

import re
from collections.abc import Iterable

from .model import System
from .plan import ServicePlan
from .problem import Report

__all__ = ["check_routes", "check_rules"]

# What the gateway answers itself, and what it answers where [gateway] docs is on.
_OWN = ("/health/live", "/health/ready", "/metrics", "/.well-known/jwks.json")
_DOCS = ("/docs", "/docs/{}", "/openapi.json", "/openapi/{}")

_BRACES = re.compile(r"\{[^}]*\}")


def check_routes(system: System, services: Iterable[ServicePlan], report: Report) -> None:
    """Report every method and path that two operations behind the gateway share."""
    own = (*_OWN, *_DOCS) if system.gateway.docs else _OWN
    taken = {("GET", page): "the gateway itself" for page in own}
    for service in services:
        if not service.spec.public:
            continue
        for description in service.descriptions:
            for operation in description.operations:
                if operation.path is None:
                    continue
                route = (operation.method, _BRACES.sub("{}", operation.path))
                name = f"{service.name}'s {operation.id}"
                other = taken.setdefault(route, name)
                if other is not name:
                    what = f"{operation.method} {operation.path} is {name}, and that of {other} too"
                    remedy = (
                        "Give one another path; or say public = false for a service that the"
                        " gateway shall not reach"
                    )
                    report.complain(("service", service.name), what, remedy)


def check_rules(services: Iterable[ServicePlan], report: Report) -> None:
    """Report the operations that ask who calls, in a system where nobody can tell."""
    for service in services:
        asking = [
            operation.name
            for description in service.descriptions
            for operation in description.operations
            if operation.rule is not None and not operation.rule.anonymous
        ]
        if asking:
            many = f" and {len(asking) - 3} more" if len(asking) > 3 else ""
            what = (
                f"service {service.name}: {', '.join(asking[:3])}{many} may be called by some only"
            )
            remedy = "Add a line [identity], so that the system knows who calls"
            report.complain(("service", service.name), what, remedy)
