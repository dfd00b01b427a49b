"""coterie stop: a running system, or some of its services."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from coterie.console.control import BrokenOff, holder

from .completion import services
from .mistakes import FAILED, Mistake
from .options import Json, Profile, State, SystemOption
from .output import say, show_json
from .running import Running, apart, running, tell

__all__ = ["verb"]

_LOOK = 0.02
_PATIENCE = 60.0


def verb(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="A service, or one process such as orders-2; the whole system without it.",
            show_default=False,
            autocompletion=services,
        ),
    ] = None,
    system: SystemOption = Path(),
    profile: Profile = None,
    state: State = None,
    json: Json = False,
) -> None:
    """Stop a running system, or some of its services.

    Calls under way are finished first. Returns once all of it has stopped: the system can be
    started again at once, a service with `coterie restart`.

    With --json each step is an object on a line.

    \b
    Examples:
      coterie stop
      coterie stop --system examples/shop
      coterie stop orders
    """
    chosen, path = apart(names or (), system)
    asked = running(path, profile=profile, state=state)
    asked.asked(_some(asked, chosen, json=json) if chosen else _whole(asked, json=json))


async def _some(asked: Running, names: Sequence[str], *, json: bool) -> None:
    await asked.check(names)
    await tell(asked.client.stop(names), json=json)


async def _whole(asked: Running, *, json: bool) -> None:
    # It may be gone before it can say so.
    with suppress(BrokenOff):
        await tell(asked.client.stop(), json=json)
    until = monotonic() + _PATIENCE
    while (held := holder(asked.system.state)) is not None:
        if monotonic() > until:
            pid = "its supervisor" if held.pid is None else f"process {held.pid}"
            raise Mistake(
                f"{asked.system.name} has stopped, but {pid} has not ended within"
                f" {_PATIENCE:.0f} s. See its log, then end it with kill",
                code=FAILED,
            )
        await asyncio.sleep(_LOOK)
    told = f"{asked.system.name} has stopped"
    if json:
        show_json({"told": told})
    else:
        say(told)
