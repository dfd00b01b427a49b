"""coterie restart: services, one instance after the other."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from .completion import services
from .options import Json, Profile, State, SystemOption
from .running import Running, apart, running, tell

__all__ = ["verb"]


def verb(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="A service, or one process such as orders-2; every service without it.",
            show_default=False,
            autocompletion=services,
        ),
    ] = None,
    system: SystemOption = Path(),
    profile: Profile = None,
    state: State = None,
    json: Json = False,
) -> None:
    """Restart services one by one, without losing a call.

    An instance finishes its calls and starts again with the code as it is now; calls to it wait
    in the meantime. The next follows once it answers.

    With --json each step is an object on a line.

    \b
    Examples:
      coterie restart
      coterie restart orders --system examples/shop
      coterie restart orders-2
    """
    chosen, path = apart(names or (), system)
    asked = running(path, profile=profile, state=state)
    asked.asked(_restart(asked, chosen, json=json))


async def _restart(asked: Running, names: Sequence[str], *, json: bool) -> None:
    await asked.check(names)
    await tell(asked.client.restart(names), json=json)
