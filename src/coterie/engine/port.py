"""What the room deals in: a program that was found, a process, who starts one, what goes wrong."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

__all__ = ["EngineError", "Failed", "Found", "Launch", "Missing", "Process"]


class Found(Struct, frozen=True, kw_only=True):
    """A program on this machine, and where it came from.

    ``source`` is ``wheel`` (it was installed with Python packages), ``PATH``, or ``setting``.
    """

    name: str
    version: str
    path: Path
    source: Literal["wheel", "PATH", "setting"]


class Process(Protocol):
    """A process that was started."""

    @property
    def pid(self) -> int:
        """Its number; the program's own, not that of something in between."""
        ...

    async def wait(self) -> int:
        """Wait for its end: the exit code, or minus the number of the signal that ended it.

        Anyone may wait, several times, also after the end; to be cancelled ends only the waiting.
        """
        ...

    def signal(self, number: int) -> None:
        """Send it a signal; nothing happens if it has ended."""
        ...


class Launch(Protocol):
    """Starts processes. Whoever supervises them may bring its own."""

    async def __call__(
        self, command: Sequence[str], *, environment: Mapping[str, str], log: int | None
    ) -> Process:
        """Start ``command`` (a path and its arguments; no shell), and return at once.

        It gets ``environment`` and nothing more, no input, and writes both outputs to the file
        descriptor ``log``, or nowhere; the descriptor stays the caller's to close. It must be out
        of reach of the terminal's Ctrl-C, and end when this process is killed. Raises `OSError`
        where it cannot be started.
        """
        ...


class EngineError(Exception):
    """An engine cannot be used.

    ::

        EngineError
        ├── Missing   it is not on this machine, or not in a form that can run here
        └── Failed    it did not start, ended by itself, or does not answer

    ``name`` is the program's; ``why`` says what is wrong, ``remedy`` what to do next.
    """

    def __init__(self, name: str, why: str, remedy: str) -> None:
        super().__init__(f"{name}: {why}. {remedy}")
        self.name = name
        self.why = why
        self.remedy = remedy


class Missing(EngineError):
    """It is not on this machine, or not in a form that can run here."""


class Failed(EngineError):
    """It did not start, ended by itself, or does not answer; ``lines`` ended its log."""

    def __init__(self, name: str, why: str, remedy: str, lines: tuple[str, ...] = ()) -> None:
        super().__init__(name, why, remedy)
        self.lines = lines

    def __str__(self) -> str:
        return "\n  | ".join((super().__str__(), *self.lines))
