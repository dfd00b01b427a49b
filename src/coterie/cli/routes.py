"""coterie routes: what the gateway answers, and who."""

from pathlib import Path
from typing import Any

from coterie.contract import Operation
from coterie.system import ServicePlan, System, load, resolve

from .options import Json, Profile, SystemArgument
from .output import show_json, table
from .wording import who_may

__all__ = ["verb"]

_COLUMNS = ("method", "path", "operation", "service", "allow")


def verb(system: SystemArgument = Path(), profile: Profile = None, json: Json = False) -> None:
    """List what the gateway answers, and who may call.

    \b
    Examples:
      coterie routes examples/shop
      coterie routes examples/shop --json
    """
    loaded = load(system, profile=profile)
    rows = [
        _row(service, operation, loaded)
        for service in resolve(loaded)
        if service.spec.public
        for description in service.descriptions
        for operation in description.operations
        if operation.path is not None
    ]
    rows.sort(key=lambda row: (str(row["path"]), str(row["method"])))
    if json:
        show_json(rows)
    else:
        titles = [name.upper() for name in _COLUMNS]
        table(titles, [[str(row[name]) for name in _COLUMNS] for row in rows])


def _row(service: ServicePlan, operation: Operation, system: System) -> dict[str, Any]:
    return {
        "method": operation.method,
        "path": operation.path,
        "operation": operation.id,
        "service": service.name,
        "allow": who_may(operation, system),
        "summary": operation.summary,
    }
