"""What a shell offers when Tab is pressed: services, operations, their parameters."""

import contextlib
import io
from collections.abc import Iterable
from pathlib import Path

import typer

from coterie.contract import Operation
from coterie.system import System, load, resolve

from .arguments import slots
from .naming import operations_of

__all__ = ["operations", "parameters", "services", "subjects"]


def services(context: typer.Context) -> list[str]:
    """The services of the system at hand."""
    system = _system(context)
    return [] if system is None else [service.name for service in system.services]


def operations(context: typer.Context) -> list[tuple[str, str]]:
    """The operations that can be called, with what each does."""
    return [
        (operation.id, operation.summary)
        for operation in _operations(context)
        if operation.path is not None
    ]


def subjects(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """What can be described: services first, operations once a dot is typed."""
    if "." in incomplete:
        return [(operation.id, operation.summary) for operation in _operations(context)]
    return [(name, "") for name in services(context)]


def parameters(context: typer.Context) -> list[str]:
    """What the operation that was named takes."""
    name = context.params.get("operation")
    found = [operation for operation in _operations(context) if operation.id == name]
    return [f"{slot.name}=" for operation in found for slot in slots(operation)]


def _operations(context: typer.Context) -> Iterable[Operation]:
    system = _system(context)
    if system is None:
        return []
    # Users' modules are imported here. What they print is no completion, and a system that is
    # wrong has none.
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        try:
            return [named.operation for named in operations_of(resolve(system)).values()]
        except Exception:  # noqa: BLE001  # a person pressed Tab: there is nobody to tell
            return []


def _system(context: typer.Context) -> System | None:
    try:
        return load(Path(context.params.get("system") or ""), profile=context.params.get("profile"))
    except Exception:  # noqa: BLE001  # as above
        return None
