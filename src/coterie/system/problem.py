"""A mistake in a system, with file and line, and the error that lists them all."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct

from .places import Places

__all__ = ["Problem", "Report", "SystemProblems"]


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


class Report:
    """Gathers the problems of one system, each once, so that all can be told together."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._problems: dict[Problem, None] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was found so far, in the order it was found."""
        return tuple(self._problems)

    def complain(self, path: tuple[str | int, ...], what: str, remedy: str) -> None:
        """Note a problem that stands at ``path`` of the system's file."""
        self.add(Problem(self.places.file, self.places.line(*path), what, remedy))

    def add(self, problem: Problem) -> None:
        """Note a problem that stands elsewhere."""
        self._problems[problem] = None


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
