"""coterie inventory: the services of a system, what they promise and whom they call."""

from pathlib import Path
from typing import Annotated

import typer

from coterie.console.control import Catalogue, NotUp
from coterie.system import inventory_of, resolve

from .catalogue import markdown, show
from .mistakes import Mistake
from .options import Json, Profile, State, SystemArgument
from .output import show_json
from .running import Running, running

__all__ = ["verb"]


def verb(
    system: SystemArgument = Path(),
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, as wikis take it.")
    ] = False,
    profile: Profile = None,
    state: State = None,
    json: Json = False,
) -> None:
    """List the services, their owners, contracts and dependencies.

    Of a running system it tells what runs, and which calls between services were seen; of
    another, what is written.

    \b
    Examples:
      coterie inventory examples/shop
      coterie inventory --markdown > inventory.md
      coterie inventory --json
    """
    if as_markdown and json:
        raise Mistake("--markdown and --json are two forms of the same; choose one")
    asked = running(system, profile=profile, state=state)
    found = asked.asked(_running(asked))
    runs = found is not None
    if found is None:
        found = Catalogue(inventory_of(asked.system, resolve(asked.system)))
    if json:
        catalogue = {"running": runs, "inventory": found.inventory, "seen": found.seen}
        show_json(catalogue, indent=True)
    elif as_markdown:
        typer.echo("\n".join(markdown(found, runs=runs)))
    else:
        show(found, runs=runs)


async def _running(asked: Running) -> Catalogue | None:
    try:
        return await asked.client.inventory()
    except NotUp:
        return None
