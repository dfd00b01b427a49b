"""Arguments and options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Json", "Profile", "State", "SystemArgument", "SystemOption"]

SystemArgument = Annotated[
    Path,
    typer.Argument(
        metavar="SYSTEM",
        help="Folder with a coterie.toml, or the file; this folder without it.",
        show_default=False,
    ),
]
SystemOption = Annotated[
    Path,
    typer.Option(
        "--system",
        metavar="SYSTEM",
        help="Folder with a coterie.toml, or the file; this folder without it.",
        show_default=False,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help="Lay the tables of [profile.NAME] over it."),
]
State = Annotated[
    Path | None,
    typer.Option("--state", metavar="FOLDER", help="Where databases and keys are kept."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, errors too.")]
