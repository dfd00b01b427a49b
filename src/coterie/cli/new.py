"""coterie new: a folder with a system that runs."""

import importlib.util
import keyword
import re
import shlex
import sys
import sysconfig
from importlib import resources
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from coterie.contract import kebab

from .mistakes import FAILED, Mistake
from .options import Json
from .output import say, show_json

__all__ = ["files", "verb"]

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


def verb(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="The folder to make; its last part is the system's name. A dot is this one.",
        ),
    ],
    json: Json = False,
) -> None:
    """Write a new system: a contract, a service, a test.

    Never overwrites: the folder must be new, or hold nothing but hidden files. The name is one
    of lowercase letters, digits and hyphens, and no Python package has it yet.

    \b
    Examples:
      coterie new demo && cd demo && coterie up
      coterie new ~/code/web-shop
    """
    name = folder.resolve().name
    _check_name(name)
    made = files(name)
    _check_free(folder, made)
    for path, content in made.items():
        target = folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8") as file:
                file.write(content)
        except OSError as problem:
            what = f"{target} cannot be written: {problem.strerror or problem}"
            raise Mistake(f"{what}. Choose a folder that you may write", code=FAILED) from None
        if not json:
            say(f"  {target}", "dim")
    if json:
        show_json({"name": name, "folder": folder.resolve(), "files": list(made)})
        return
    there = folder.resolve() == Path.cwd()
    way = "" if there else f"cd {shlex.quote(str(folder))} && "
    say(f"made {name}. Next: {way}coterie up")


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


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        better = re.sub(r"[^a-z0-9]+", "-", kebab(name[:60])).strip("-0123456789")
        hint = f", such as {better}" if better and _NAME.fullmatch(better) else ""
        raise Mistake(
            f"{name!r} cannot name a system: use lowercase letters, digits and hyphens,"
            f" a letter first{hint}"
        )
    package = name.replace("-", "_")
    if keyword.iskeyword(package) or keyword.issoftkeyword(package):
        raise Mistake(f"{name!r} is a word of Python itself: choose another name")
    if package in ("test", "tests") or package in sys.stdlib_module_names:
        raise Mistake(f"{name!r} would hide a module of Python's own: choose another name")
    if package == "coterie" or _installed(package):
        raise Mistake(
            f"a Python package {package} is installed, and {name!r} would hide it: choose another"
            " name"
        )


def _installed(package: str) -> bool:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return False
    paths = sysconfig.get_paths()
    places = [Path(paths[name]).resolve() for name in ("purelib", "platlib")]
    return any(Path(found.origin).resolve().is_relative_to(place) for place in places)


def _check_free(folder: Path, made: dict[str, str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise Mistake(f"{folder} is a file: choose another name", code=FAILED)
    if not folder.exists():
        return
    there = sorted(path.name for path in folder.iterdir())
    taken = [name for name in there if not name.startswith(".") or name in made]
    if taken:
        some = ", ".join(taken[:3]) + (", ..." if len(taken) > 3 else "")
        raise Mistake(
            f"{folder} exists and is not empty ({some}): choose another name, or empty it first."
            " Nothing was written",
            code=FAILED,
        )
