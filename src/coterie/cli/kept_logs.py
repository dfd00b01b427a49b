"""What a system that is not running has logged: the files that it left."""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from coterie.console.control import LogLine

__all__ = ["kept_lines", "kept_sources"]

_FOLDER = "logs"
_ENDING = ".log"
_NUMBER = re.compile(r"-\d+")


def kept_sources(state: Path) -> list[str]:
    """The processes that have left a log, sorted."""
    return sorted(file.stem for file in (state / _FOLDER).glob(f"*{_ENDING}"))


def kept_lines(state: Path, names: Sequence[str], lines: int) -> Iterator[LogLine]:
    """The last ``lines`` of each process named, or of each; one process after the other."""
    for source in kept_sources(state):
        if names and not any(_is_of(source, name) for name in names):
            continue
        with (state / _FOLDER / f"{source}{_ENDING}").open(
            encoding="utf-8", errors="replace"
        ) as file:
            for line in deque(file, lines):
                yield LogLine(source, line.rstrip("\n"))


def _is_of(source: str, name: str) -> bool:
    rest = source.removeprefix(name) if source.startswith(name) else None
    return rest == "" or (rest is not None and _NUMBER.fullmatch(rest) is not None)
