"""coterie migrate: bring every database up to date, or write the next migration."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from coterie.system import System, load, migrate, write_migration

from .completion import services
from .mistakes import Mistake
from .naming import service_of
from .options import Json, Profile, SystemArgument
from .output import say, show_json

__all__ = ["verb"]


def verb(
    system: SystemArgument = Path(),
    service: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="This service alone.", autocompletion=services),
    ] = None,
    new: Annotated[
        str | None,
        typer.Option(metavar="MESSAGE", help="Write a migration for what changed in its tables."),
    ] = None,
    profile: Profile = None,
    json: Json = False,
) -> None:
    """Bring every database up to date, or write a migration.

    `coterie up` does so too, before it starts. With --new, the migration that leads from the
    last one to the tables as the code has them now is written into the service's own folder; read
    it before you trust it.

    \b
    Examples:
      coterie migrate examples/shop
      coterie migrate --service orders --new "orders have a note"
    """
    loaded = load(system, profile=profile)
    if new is not None:
        _write(loaded, service, new, json=json)
        return
    names = None if service is None else (service_of(loaded, service).name,)
    done = asyncio.run(migrate(loaded, services=names))
    if json:
        show_json(done)
        return
    for name, steps in done.items():
        for step in steps:
            say(f"{name}: {step}")
        if not steps:
            say(f"{name}: up to date", "dim")
    if not done:
        say("nothing keeps a database", "dim")


def _write(system: System, service: str | None, message: str, *, json: bool) -> None:
    if service is None:
        known = ", ".join(one.name for one in system.services)
        raise Mistake(
            "--new needs --service: each service owns its tables and its migrations."
            f' For example: coterie migrate --service {system.services[0].name} --new "{message}"'
            f" (there are {known})"
        )
    written = asyncio.run(write_migration(system, service_of(system, service).name, message))
    if json:
        show_json({"written": written})
    else:
        say(f"wrote {written}" if written else f"{service}: nothing changed, nothing written")
