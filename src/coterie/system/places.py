"""Where things stand in a TOML text: the line of every table and key.

`tomllib` gives values and forgets their lines. This reads the same text a second time, only for
the lines, and only after `tomllib` has found it valid.
"""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

__all__ = ["Places", "TomlPath", "lines_of"]

TomlPath = tuple[str | int, ...]
"""Keys from the outside in; a number is the place in a list, from 0."""

# What is nested deeper keeps the line of what it is nested in; a line costs memory at each depth.
_DEEPEST = 16

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_GAP = re.compile(r"[ \t]*")
_KEY = re.compile(r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|[A-Za-z0-9_-]+')
_TEXT = re.compile(
    r'"""(?:\\.|"{1,2}(?!")|[^"\\])*"{3,5}'
    r"|'''(?:'{1,2}(?!')|[^'])*'{3,5}"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}\n#]*")


class Places(Struct, frozen=True):
    """The lines of one file, and which values came from variables of the environment."""

    file: Path
    lines: Mapping[TomlPath, int]
    variable: frozenset[TomlPath] = frozenset()

    def line(self, *path: str | int) -> int | None:
        """The line of ``path``, or of the nearest thing round it that has one."""
        for end in range(min(len(path), _DEEPEST), 0, -1):
            found = self.lines.get(path[:end])
            if found is not None:
                return found
        return None

    def varies(self, *path: str | int) -> bool:
        """Whether something at or below ``path`` came from a variable."""
        return any(told[: len(path)] == path for told in self.variable)


def lines_of(text: str) -> dict[TomlPath, int]:
    """The line, from 1, of every table, key and list item of a valid TOML text.

    A table has the line of its header, or of the first key that implies it.
    """
    return _Scanner(text.replace("\r\n", "\n")).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[TomlPath, int] = {}
        self.lengths: dict[TomlPath, int] = {}
        self.breaks = [found.start() for found in re.finditer("\n", text)]

    def scan(self) -> dict[TomlPath, int]:
        table: TomlPath = ()
        self.skip(_BLANK)
        while self.at < len(self.text):
            before = self.at
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.skip(_BLANK)
            if self.at == before:
                break  # no valid TOML; what was found so far is still right
        return self.lines

    def skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found[0]

    def note(self, path: TomlPath, *, anew: bool = False) -> None:
        line = bisect_left(self.breaks, self.at) + 1
        if len(path) <= _DEEPEST and (anew or path not in self.lines):
            self.lines[path] = line

    def header(self) -> TomlPath:
        many = self.text.startswith("[[", self.at)
        start = self.at
        self.at += 2 if many else 1
        keys = self.keys()
        end, self.at = self.at + (2 if many else 1), start
        path: TomlPath = ()
        for number, key in enumerate(keys, 1):
            path = (*path, key)
            last = number == len(keys)
            self.note(path, anew=last and not many)
            if last and many:
                self.lengths[path] = self.lengths.get(path, 0) + 1
            if path in self.lengths:
                path = (*path, self.lengths[path] - 1)
                self.note(path, anew=last)
            if number >= _DEEPEST:
                break
        self.at = end
        return path

    def keys(self) -> list[str]:
        found = []
        while True:
            self.skip(_GAP)
            key = self.skip(_KEY)
            found.append(_unquoted(key) if key[:1] in ("'", '"') else key)
            self.skip(_GAP)
            if self.text[self.at : self.at + 1] != ".":
                return found
            self.at += 1

    def pair(self, table: TomlPath) -> None:
        start = self.at
        keys = self.keys()
        end, self.at = self.at, start
        path = table
        for key in keys[: _DEEPEST + 1]:
            path = (*path, key)
            self.note(path)
        self.at = end + 1  # past the sign of equality
        self.skip(_GAP)
        self.value(path)

    def value(self, path: TomlPath) -> None:
        opening = self.text[self.at : self.at + 1]
        if opening in ("'", '"'):
            self.skip(_TEXT)
        elif opening == "[":
            self.items(path, "]")
        elif opening == "{":
            self.items(path, "}")
        else:
            self.skip(_PLAIN)

    def items(self, path: TomlPath, closing: str) -> None:
        self.at += 1
        number = 0
        while self.at < len(self.text):
            before = self.at
            self.skip(_BLANK)
            if self.text.startswith(closing, self.at):
                self.at += 1
                return
            if closing == "}":
                self.pair(path)
            else:
                self.note((*path, number))
                self.value((*path, number))
                number += 1
            self.skip(_BLANK)
            if self.text.startswith(",", self.at):
                self.at += 1
            if self.at == before:
                return


def _unquoted(key: str) -> str:
    try:
        text: str = tomllib.loads(f"key = {key}")["key"]
    except ValueError:
        return key  # no valid TOML
    return text
