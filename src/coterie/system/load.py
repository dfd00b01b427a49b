"""coterie.toml -> System: the whole file read, every problem found, or no system at all."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .model import System
from .places import TomlPath, lines_of
from .problem import Problem, SystemProblems
from .reading import Reading

__all__ = ["load"]

_FILE = "coterie.toml"
_LARGEST = 256 * 1024
_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def load(
    path: Path | str,
    *,
    profile: str | None = None,
    state: Path | str | None = None,
    environment: Mapping[str, str] | None = None,
) -> System:
    """The system described at ``path``: a folder with a ``coterie.toml``, or such a file.

    ``profile`` lays the tables ``[profile.NAME.*]`` over the others; ``state`` is another folder
    for what the system keeps. ``environment`` is the process's own unless given: it fills in
    ``${NAME}``, and its ``DATABASE_URL`` takes the place of ``database`` in ``[engines]``. A
    service that names a database of its own keeps that.

    Raises `SystemProblems` with every problem of the file, and nothing else.
    """
    variables = os.environ if environment is None else environment
    file = Path(path)
    file = file / _FILE if file.is_dir() else file
    text = _text(file)
    try:
        values, lines = _parse(file, text)
        return Reading(file, values, lines, variables).system(profile, state)
    except RecursionError:
        problem = Problem(file, None, "tables or lists are nested too deeply", "Nest less")
        raise SystemProblems([problem]) from None


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        what = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        remedy = f"Name the folder that holds {_FILE}, or make one with `coterie new NAME`"
        raise SystemProblems([Problem(file, None, what, remedy)]) from None
    if len(content) > _LARGEST:
        what = f"is larger than {_LARGEST} bytes"
        remedy = "Name a coterie.toml; no system takes that many words"
        raise SystemProblems([Problem(file, None, what, remedy)])
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = Problem(file, line, "is not UTF-8 here", "Save the file as UTF-8")
        raise SystemProblems([problem]) from None


def _parse(file: Path, text: str) -> tuple[dict[str, Any], dict[TomlPath, int]]:
    try:
        # TOML 1.0 knows no byte order mark; editors of some systems write one all the same.
        text = text.removeprefix("\ufeff")
        return tomllib.loads(text), lines_of(text)
    except ValueError as error:
        what = str(error)
        found = _AT.search(what)
        line = None
        if found is not None:
            what = what[: found.start()]
            line = int(found[1]) if found[1] else max(1, len(text.splitlines()))
        remedy = 'Text stands in "quotes", tables in [brackets], and each key once'
        problem = Problem(file, line, f"this is no TOML: {what}", remedy)
        raise SystemProblems([problem]) from None
