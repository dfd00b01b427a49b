"""What the gateway would route, and to whom: two operations at one place, and rules in the void."""

import re
from collections.abc import Iterable, Sequence

from .model import System
from .plan import Planned, ProgramPlan, ServicePlan
from .problem import Report

__all__ = ["check_routes", "check_rules"]

# What the gateway answers itself, and what it answers where [gateway] docs is on.
_OWN = ("/health/live", "/health/ready", "/metrics", "/.well-known/jwks.json")
_DOCS = ("/docs", "/docs/{}", "/openapi.json", "/openapi/{}")

# Where nothing else can be, whatever [gateway] docs says.
_PAGES = ("/docs", "/openapi", "/.well-known", "/health", "/metrics", "/registry")

_BRACES = re.compile(r"\{[^}]*\}")


def check_routes(system: System, services: Sequence[Planned], report: Report) -> None:
    """Report what the gateway could not tell apart: operations, or paths of programs."""
    own = (*_OWN, *_DOCS) if system.gateway.docs else _OWN
    taken = {("GET", page): "the gateway itself" for page in own}
    public = [service for service in services if service.spec.public]
    for service in public:
        if isinstance(service, ProgramPlan) and service.spec.mounts(service.name):
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
    _check_mounts(public, report)


def _check_mounts(services: Iterable[Planned], report: Report) -> None:
    homes: dict[str, str] = {}
    for service in services:
        if not isinstance(service, ProgramPlan):
            continue
        path = ("service", service.name, "mount" if service.spec.mount is not None else "routes")
        for mount in service.spec.mounts(service.name):
            shown = mount.path or "/"
            own = next((page for page in _PAGES if _below(mount.path, page)), None)
            if own is not None:
                what = f"service {service.name}: {shown} is the gateway's own"
                report.complain(path, what, f'Give it another place: mount = "/programs{shown}"')
            other = homes.setdefault(mount.path, service.name)
            if other != service.name:
                what = f"{shown} leads to {other}, and to {service.name} too"
                report.complain(path, what, "Give each a place of its own")


def _below(path: str, page: str) -> bool:
    return path == page or path.startswith((f"{page}/", f"{page}."))


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
