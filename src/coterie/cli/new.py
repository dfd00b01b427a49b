"""coterie new: a folder with a system that runs."""

import keyword
import re
from importlib import resources
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from .output import error, say

__all__ = ["files", "new_command"]

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")

_FILES = {
    "coterie.toml": "coterie.toml",
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    "{package}/__init__.py": "package",
    "{package}/contracts/__init__.py": "contracts",
    "{package}/contracts/greeter.py": "contract",
    "{package}/services/__init__.py": "services",
    "{package}/services/greeter.py": "service",
    "tests/test_greeter.py": "test",
}


def new_command(
    name: Annotated[str, typer.Argument(help="Name of the system, and of its folder.")],
) -> None:
    """Write a new system: one contract, one service, one test.

    \b
    Example: coterie new demo && cd demo && coterie up
    """
    folder = Path(name)
    problem = _problem(folder.name)
    if problem is not None:
        error(problem)
        raise typer.Exit(2)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        error(f"{folder} exists and is not empty: choose another name, or remove it")
        raise typer.Exit(1)
    for path, content in files(folder.name).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
        say(f"  {target}", "dim")
    say(f"made {folder}. Next: cd {folder} && coterie up")


def files(name: str) -> dict[str, str]:
    """The files of a new system called ``name``: path -> content."""
    package = name.replace("-", "_")
    skeleton = resources.files("coterie.cli.skeleton")
    return {
        path.format(package=package): Template(
            (skeleton / f"{source}.txt").read_text(encoding="utf-8")
        ).substitute(name=name, package=package)
        for path, source in _FILES.items()
    }


def _problem(name: str) -> str | None:
    if not _NAME.fullmatch(name):
        return f"{name!r} cannot name a system: use lowercase letters, digits and hyphens"
    if keyword.iskeyword(name) or name in ("coterie", "tests", "test"):
        return f"{name!r} cannot be the name of a Python package: choose another"
    return None
