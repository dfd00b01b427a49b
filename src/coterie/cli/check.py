"""coterie check: every problem of a system, before anything runs."""

from pathlib import Path

import typer

from coterie.system import SystemProblems, check, load

from .mistakes import FAILED
from .options import Json, Profile, SystemArgument
from .output import complain, say, show_json

__all__ = ["verb"]


def verb(system: SystemArgument = Path(), profile: Profile = None, json: Json = False) -> None:
    """Find every problem of a system, with file, line and remedy.

    Reads coterie.toml and imports the services; starts nothing. Exits with 1 if there is a
    problem. With --json, prints a list of them, empty if there is none.

    \b
    Examples:
      coterie check
      coterie check examples/shop --json
    """
    services = ""
    try:
        loaded = load(system, profile=profile)
        problems = check(loaded)
        services = f"{loaded.name}: no problems ({', '.join(s.name for s in loaded.services)})"
    except SystemProblems as found:
        problems = found.problems
    if json:
        show_json(problems)
    elif problems:
        complain(problems)
    else:
        say(services)
    if problems:
        raise typer.Exit(FAILED)
