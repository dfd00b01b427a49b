"""The text of ``coterie.toml`` as values and lines, before anything is made of it."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

from .places import TomlPath, lines_of
from .problem import Problem, SystemProblems

__all__ = ["Document", "too_deep"]

_FILE = "coterie.toml"
_LARGEST = 256 * 1024
# tomllib takes a time that grows with the square of the parts of a dotted key.
_DEEP = re.compile(r"^[ \t\[]*(?:[A-Za-z0-9_-]+\.){64}", re.MULTILINE)
_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class Document(Struct, frozen=True):
    """Values as `tomllib` gives them, and the line of each."""

    file: Path
    values: Mapping[str, Any]
    lines: Mapping[TomlPath, int]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The file ``path``, or ``coterie.toml`` in the folder ``path``.

        Raises `SystemProblems` if it cannot be read, is larger than 256 KiB, or is no TOML.
        """
        file = path
        try:
            file = path / _FILE if path.is_dir() else path
            with file.open("rb") as opened:
                content = opened.read(_LARGEST + 1)
        except (OSError, ValueError) as error:
            what = f"cannot be read: {getattr(error, 'strerror', None) or error}"
            remedy = f"Name the folder that holds {_FILE}, or make one with `coterie new NAME`"
            raise _one(file, None, what, remedy) from None
        if len(content) > _LARGEST:
            what = f"is larger than {_LARGEST} bytes"
            raise _one(file, None, what, f"Name a {_FILE}; no system takes that many words")
        return cls.parse(file, content)

    @classmethod
    def parse(cls, file: Path, content: bytes) -> Self:
        """The bytes ``content`` of ``file``. Raises `SystemProblems` if they are no TOML."""
        try:
            # TOML knows no byte order mark; editors of some systems write one all the same.
            text = content.decode("utf-8-sig")
            if _DEEP.search(text):
                raise too_deep(file)
            return cls(file, tomllib.loads(text), lines_of(text))
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise _one(file, line, "this is not UTF-8", "Save the file as UTF-8") from None
        except RecursionError:
            raise too_deep(file) from None
        except ValueError as error:
            raise _no_toml(file, content, str(error)) from None

    def under(self, profile: str | None) -> Self:
        """The document with the tables of ``profile`` laid over the others, key by key.

        What the profile says keeps the lines where the profile says it.
        """
        values = {key: value for key, value in self.values.items() if key != "profile"}
        lines = {path: line for path, line in self.lines.items() if path[0] != "profile"}
        if profile is not None:
            values = _laid_over(values, self.values["profile"][profile])
            for path, line in self.lines.items():
                if path[:2] == ("profile", profile) and len(path) > 2:
                    lines[path[2:]] = line
        return type(self)(self.file, values, lines)

    def lines_within(self, *path: str) -> frozenset[int]:
        """The lines of everything below ``path``."""
        return frozenset(n for found, n in self.lines.items() if found[: len(path)] == path)


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(under, dict) and isinstance(value, dict):
            merged[key] = _laid_over(under, value)
        else:
            merged[key] = value
    return merged


def too_deep(file: Path) -> SystemProblems:
    """The answer to a text that nests without end."""
    return _one(file, None, "tables or lists are nested too deeply", "Nest less")


def _no_toml(file: Path, content: bytes, what: str) -> SystemProblems:
    found = _AT.search(what)
    line = None
    if found is not None:
        what = what[: found.start()]
        line = int(found[1]) if found[1] else content.rstrip(b"\n").count(b"\n") + 1
    remedy = 'Text stands in "quotes", tables in [brackets], and each key once'
    return _one(file, line, f"this is no TOML: {what[:1].lower()}{what[1:]}", remedy)


def _one(file: Path, line: int | None, what: str, remedy: str) -> SystemProblems:
    return SystemProblems([Problem(file, line, what, remedy)])
