"""coterie migrate: bring every database up to date, or write the next migration."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from coterie.system import load, migrate, write_migration

from .options import Profile, SystemPath
from .output import error, say

__all__ = ["migrate_command"]


def migrate_command(
    system: SystemPath = Path(),
    new: Annotated[
        str | None,
        typer.Option("--new", metavar="MESSAGE", help="Write a migration for what changed."),
    ] = None,
    service: Annotated[str | None, typer.Option(help="This service alone.")] = None,
    profile: Profile = None,
) -> None:
    """Bring every service's database up to date; with --new, write the next migration.

    \b
    Examples: coterie migrate examples/shop
              coterie migrate --service orders --new "orders have a note"
    """
    loaded = load(system, profile=profile)
    if new is not None:
        if service is None:
            error("--new needs --service: each service owns its tables and its migrations")
            raise typer.Exit(2)
        written = asyncio.run(write_migration(loaded, loaded.service(service).name, new))
        say(f"wrote {written}" if written else f"{service}: nothing changed, nothing written")
        return
    names = None if service is None else (loaded.service(service).name,)
    for name, done in asyncio.run(migrate(loaded, services=names)).items():
        if done:
            for migration in done:
                say(f"{name}: {migration}")
        else:
            say(f"{name}: up to date", "dim")
