"""coterie logs: what the processes of a system have logged."""

import asyncio
import zlib
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer

from coterie.console.control import LogLine, NotUp

from .completion import services
from .kept_logs import kept_lines, kept_sources
from .options import Json, Profile, State, SystemOption
from .output import complain, labelled, show_json
from .running import Running, apart, running

__all__ = ["verb"]

_COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green")
# What could move the cursor or change colours would let a log write over what is on the screen.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(9), *range(10, 32), *range(127, 160))}


def verb(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="A service, or one process such as orders-2; every process without it.",
            show_default=False,
            autocompletion=services,
        ),
    ] = None,
    system: SystemOption = Path(),
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    lines: Annotated[
        int,
        typer.Option(
            "--lines", "-n", min=0, max=100_000, metavar="N", help="The last N of each process."
        ),
    ] = 100,
    profile: Profile = None,
    state: State = None,
    json: Json = False,
) -> None:
    """Show what the processes of a system have logged.

    Of a system that is not running, what its last processes have left. With --json each line is
    an object: source, line.

    \b
    Examples:
      coterie logs
      coterie logs orders --follow
      coterie logs gateway --lines 20 --system examples/shop
    """
    chosen, path = apart(names or (), system)
    asked = running(path, profile=profile, state=state)
    shown = _Shown(json=json)
    asked.asked(_logs(asked, chosen, lines, shown, follow=follow))


class _Shown:
    """Prints lines, each behind its source; as objects with ``json``."""

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self._width = 10

    def show(self, line: LogLine) -> None:
        if self._json:
            show_json(line)
            return
        self._width = max(self._width, len(line.source))
        # The same process has the same colour today and tomorrow.
        colour = _COLOURS[zlib.crc32(line.source.encode()) % len(_COLOURS)]
        labelled(line.source.ljust(self._width), line.line.translate(_CONTROLS), colour)


async def _logs(
    asked: Running, names: Sequence[str], lines: int, shown: _Shown, *, follow: bool
) -> None:
    try:
        await asked.check(names)
        async with aclosing(asked.client.logs(names, lines, follow=follow)) as told:
            async for line in told:
                shown.show(line)
    except NotUp:
        state = asked.system.state
        sources = await asyncio.to_thread(kept_sources, state)
        if follow or not sources:
            raise
        asked.check_among(names, sources)
        complain([f"{asked.system.name} is not running here; this is what it has left:"])
        for line in kept_lines(state, names, lines):
            shown.show(line)
        return
    if follow:
        complain([f"{asked.system.name} has stopped"])
