"""coterie check: every problem of a system, before anything runs."""

from pathlib import Path

import typer

from coterie.system import SystemProblems, check, load

from .options import Json, Profile, SystemPath
from .output import complain, say, show_json

__all__ = ["check_command"]


def check_command(system: SystemPath = Path(), profile: Profile = None, json: Json = False) -> None:
    """Find every problem of a system, with file, line and remedy.

    \b
    Example: coterie check examples/shop
    """
    try:
        loaded = load(system, profile=profile)
        problems = check(loaded)
    except SystemProblems as found:
        problems = found.problems
    if json:
        show_json(
            [
                {
                    "file": str(problem.file),
                    "line": problem.line,
                    "what": problem.what,
                    "remedy": problem.remedy,
                }
                for problem in problems
            ]
        )
    elif problems:
        complain(problems)
    else:
        services = ", ".join(service.name for service in loaded.services)
        say(f"{loaded.name}: no problems ({services})")
    if problems:
        raise typer.Exit(1)
