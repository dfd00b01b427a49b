"""coterie routes: what the gateway answers, and who."""

from pathlib import Path

from coterie.system import load, resolve

from .options import Json, Profile, SystemPath
from .output import show_json, table

__all__ = ["routes_command"]


def routes_command(
    system: SystemPath = Path(), profile: Profile = None, json: Json = False
) -> None:
    """List every route of the gateway.

    \b
    Example: coterie routes examples/shop --json
    """
    rows = [
        {
            "method": operation.method,
            "path": operation.path,
            "operation": operation.id,
            "service": service.name,
            "allow": "" if operation.rule is None else str(operation.rule),
            "summary": operation.summary,
        }
        for service in resolve(load(system, profile=profile))
        for description in service.descriptions
        for operation in description.operations
        if operation.path is not None
    ]
    rows.sort(key=lambda row: (str(row["path"]), str(row["method"])))
    if json:
        show_json(rows)
    else:
        table(
            ("METHOD", "PATH", "OPERATION", "SERVICE", "ALLOW"),
            [
                [str(row[key]) for key in ("method", "path", "operation", "service", "allow")]
                for row in rows
            ],
        )
