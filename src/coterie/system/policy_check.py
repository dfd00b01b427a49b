"""What the tables of policies say, held against the operations they speak of."""

from collections.abc import Iterable

from coterie.registry import Hashing

from .model import System
from .plan import ServicePlan
from .policies import policies_of
from .problem import Report
from .tables import near

__all__ = ["check_policies_of"]


def check_policies_of(system: System, services: Iterable[ServicePlan], report: Report) -> None:
    """Report tables of no operation, and what an operation cannot have or contradicts itself."""
    for service in services:
        operations = [o for description in service.descriptions for o in description.operations]
        known = {operation.name for operation in operations}
        for name in service.spec.operation:
            if name not in known:
                path = ("service", service.name, "operation", name)
                meant = near(name, known)
                remedy = f"Did you mean {meant}?" if meant else f"It has {', '.join(sorted(known))}"
                report.complain(path, f"{service.name} has no operation {name[:40]!r}", remedy)
        for operation in operations:
            policies_of(system, service.name, operation, keeps=service.keeps, report=report)
        balance = service.spec.policy.balance
        if isinstance(balance, Hashing):
            names = {p.name for operation in operations for p in operation.parameters}
            if balance.hash not in names:
                meant = near(balance.hash, names)
                remedy = f"Did you mean {meant}?" if meant else "Name one that its operations have"
                what = f"no operation of {service.name} has a parameter {balance.hash[:40]!r}"
                report.complain(("service", service.name, "policy", "balance"), what, remedy)
