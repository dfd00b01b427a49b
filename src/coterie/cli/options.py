"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Json", "Profile", "SystemPath"]

SystemPath = Annotated[
    Path,
    typer.Argument(
        metavar="[SYSTEM]", help="Folder with a coterie.toml, or the file.", show_default=False
    ),
]
Profile = Annotated[
    str | None, typer.Option("--profile", help="Lay \\[profile.NAME] over the system's tables.")
]
Json = Annotated[bool, typer.Option("--json", help="Print for machines.")]
