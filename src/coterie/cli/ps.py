"""coterie ps: every process of a running system."""

from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer

from coterie.console.control import Rows
from coterie.console.row import Row

from .options import Json, Profile, State, SystemArgument
from .output import complain, redrawn, show_json, table
from .running import Running, running
from .units import size, span

__all__ = ["verb"]

_TITLES = (
    "NAME",
    "STATE",
    "PID",
    "ADDRESS",
    "MEMORY",
    "RESTARTS",
    "AGE",
    "IN FLIGHT",
    "CALLS",
    "NOTE",
)
_RIGHT = ("PID", "MEMORY", "RESTARTS", "AGE", "IN FLIGHT", "CALLS")
_STYLES = {
    "STATE": {
        "up": "green",
        "starting": "yellow",
        "restarting": "yellow",
        "draining": "yellow",
        "crashed": "bold red",
        "stopped": "dim",
    }
}


def verb(
    system: SystemArgument = Path(),
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show it again every second, until Ctrl-C.")
    ] = False,
    profile: Profile = None,
    state: State = None,
    json: Json = False,
) -> None:
    """Show every process of a running system.

    Each instance of a service, the gateway and the broker. MEMORY is the process's proportional
    share (PSS): what is shared with others is counted once. CALLS are those since it started.

    With --json a list of objects: memory in bytes, age in seconds; with --watch too, a list on a
    line each second.

    \b
    Examples:
      coterie ps
      coterie ps examples/shop --watch
      coterie ps --json
    """
    asked = running(system, profile=profile, state=state)
    if watch:
        asked.asked(_watch(asked, json=json))
        complain([f"{asked.system.name} has stopped"])
        return
    rows = asked.asked(asked.client.rows())
    if json:
        show_json(rows)
    else:
        table(_TITLES, map(_cells, rows), right=_RIGHT, styles=_STYLES)


async def _watch(asked: Running, *, json: bool) -> None:
    async with aclosing(asked.client.watch()) as news:
        if json:
            async for told in news:
                if isinstance(told, Rows):
                    show_json(told.rows)
            return
        first = await asked.client.rows()  # before the screen is taken: it may not be running
        with redrawn(_TITLES, right=_RIGHT, styles=_STYLES) as draw:
            draw(map(_cells, first))
            async for told in news:
                if isinstance(told, Rows):
                    draw(map(_cells, told.rows))


def _cells(row: Row) -> Sequence[str]:
    return (
        _name(row),
        row.state,
        "-" if row.pid is None else str(row.pid),
        row.address or "-",
        "-" if row.memory is None else size(row.memory),
        str(row.restarts),
        "-" if row.age is None else span(row.age),
        str(row.in_flight),
        str(row.calls),
        row.note,
    )


def _name(row: Row) -> str:
    """Its name, and what it runs where that does not tell."""
    told = len(row.services) == 1 and row.name.startswith(row.services[0])
    return row.name if told or not row.services else f"{row.name} ({', '.join(row.services)})"
