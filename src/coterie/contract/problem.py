"""A mistake in a declaration, and the error that lists them all."""

from types import CodeType, FunctionType
from typing import Any

from msgspec import Struct

__all__ = ["ContractError", "Problem", "place_of"]


class Problem(Struct, frozen=True):
    """One mistake: where it stands, what is wrong, how to mend it."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.remedy}."


class ContractError(TypeError):
    """A contract or an implementation that cannot work; names every mistake at once."""

    def __init__(self, subject: str, problems: tuple[Problem, ...]) -> None:
        lines = "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(f"{subject} has {_count(len(problems))}:{lines}")
        self.subject = subject
        self.problems = problems

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.subject, self.problems))


def place_of(thing: Any, fallback: str) -> str:
    """``fallback`` followed by the file and line where ``thing`` (a function) begins."""
    function = getattr(thing, "__wrapped__", thing)
    if isinstance(function, FunctionType):
        code: CodeType = function.__code__
        return f"{fallback} ({code.co_filename}:{code.co_firstlineno})"
    return fallback


def _count(number: int) -> str:
    return "one mistake" if number == 1 else f"{number} mistakes"
