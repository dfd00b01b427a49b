"""A mistake in a system, with file and line, and the error that lists them all."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct

__all__ = ["Problem", "SystemProblems"]


class Problem(Struct, frozen=True):
    """One mistake: where it stands, what is wrong, how to mend it.

    ``line`` counts from 1; ``None`` where the mistake has no line, such as a missing file.
    """

    file: Path
    line: int | None
    what: str
    remedy: str

    @property
    def where(self) -> str:
        """``coterie.toml:12``, as editors and terminals understand it."""
        return str(self.file) if self.line is None else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        return f"{self.where}: {_sentence(self.what)} {_sentence(self.remedy)}"


class SystemProblems(Exception):
    """A system that cannot run as it is written; names every mistake at once, by line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (str(p.file), p.line or 0)))
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.problems,))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
