"""What the tables of policies say, held against the operations they speak of."""

from collections.abc import Iterable, Sequence

from coterie.registry import Balance, Hashing

from .model import System
from .places import TomlPath
from .plan import Planned
from .policies import policies_of
from .problem import Report
from .tables import near

__all__ = ["check_policies_of"]


def check_policies_of(system: System, services: Sequence[Planned], report: Report) -> None:
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
        place = ("service", service.name, "policy", "balance")
        own = service.spec.policy.balance
        _check_hash(own, place, service.name, _parameters([service]), report)
    # Of a part of the system the operations that have it may be in another.
    if len(services) == len(system.services):
        wide = ("policy", "balance")
        _check_hash(system.policy.balance, wide, system.name, _parameters(services), report)


def _parameters(services: Iterable[Planned]) -> set[str]:
    return {
        parameter.name
        for service in services
        for description in service.descriptions
        for operation in description.operations
        for parameter in operation.parameters
    }


def _check_hash(
    balance: Balance | None, path: TomlPath, owner: str, names: set[str], report: Report
) -> None:
    if not isinstance(balance, Hashing) or balance.hash in names:
        return
    meant = near(balance.hash, names)
    remedy = f"Did you mean {meant}?" if meant else "Name one that its operations have"
    what = f"no operation of {owner} has a parameter {balance.hash[:40]!r}"
    report.complain(path, what, remedy)
