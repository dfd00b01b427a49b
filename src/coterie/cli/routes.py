"""coterie routes: what the gateway answers, and who."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from coterie.contract import Operation
from coterie.system import Mount, Planned, ProgramPlan, System, load, resolve

from .options import Json, Profile, SystemArgument
from .output import show_json, table
from .wording import who_may

__all__ = ["verb"]

_COLUMNS = ("method", "path", "operation", "service", "allow")


def verb(system: SystemArgument = Path(), profile: Profile = None, json: Json = False) -> None:
    """List what the gateway answers, and who may call.

    What is passed on to a program as it is has the method `*`: it leads there with all below
    it, and the program says who may.

    \b
    Examples:
      coterie routes examples/shop
      coterie routes examples/shop --json
    """
    loaded = load(system, profile=profile)
    rows = [
        row for service in resolve(loaded) if service.spec.public for row in _rows(service, loaded)
    ]
    rows.sort(key=lambda row: (str(row["path"]), str(row["method"])))
    if json:
        show_json(rows)
    else:
        titles = [name.upper() for name in _COLUMNS]
        table(titles, [[str(row[name]) for name in _COLUMNS] for row in rows])


def _rows(service: Planned, system: System) -> Iterator[dict[str, Any]]:
    mounts = service.spec.mounts(service.name) if isinstance(service, ProgramPlan) else ()
    if mounts:
        yield from (_passed_on(service, mount) for mount in mounts)
        return
    for description in service.descriptions:
        for operation in description.operations:
            if operation.path is not None:
                yield _row(service, operation, system)


def _row(service: Planned, operation: Operation, system: System) -> dict[str, Any]:
    program = isinstance(service, ProgramPlan)
    return {
        "method": operation.method,
        "path": operation.path,
        "operation": operation.id,
        "service": service.name,
        "allow": _ITS_OWN if program else who_may(operation, system),
        "summary": operation.summary,
    }


_ITS_OWN = "as the program says"


def _passed_on(service: Planned, mount: Mount) -> dict[str, Any]:
    return {
        "method": "*",
        "path": f"{mount.path}/*",
        "operation": "passed on",
        "service": service.name,
        "allow": _ITS_OWN,
        "summary": f"The program has it at {mount.to or '/'}",
    }
