"""What can go wrong between a running system and whoever asks it.

ControlError
├── NotUp        nobody answers: the system is not running
├── BrokenOff    it answered, and was gone before it said that all is done
└── AlreadyUp    somebody runs it already
"""

from typing import Any

__all__ = ["AlreadyUp", "BrokenOff", "ControlError", "NotUp"]


class ControlError(Exception):
    """What was asked cannot be done: ``what`` is wrong, ``remedy`` says what to do.

    Raised by a supervisor it travels to whoever asked, and is raised there.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
        self.what = what
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.what, self.remedy))


class NotUp(ControlError):
    """Nobody answers at the system's control socket."""

    def __init__(
        self,
        what: str = "the system is not running here",
        remedy: str = "Start it with `coterie up`",
    ) -> None:
        super().__init__(what, remedy)


class BrokenOff(ControlError):
    """The system was gone before it said that all is done."""

    def __init__(
        self,
        what: str = "the system broke off in the middle of its answer",
        remedy: str = "See whether it still runs: `coterie ps`",
    ) -> None:
        super().__init__(what, remedy)


class AlreadyUp(ControlError):
    """The system runs already, held by the process ``pid``, its gateway at ``url``.

    Either is ``None`` where the holder has not told it yet.
    """

    def __init__(self, pid: int | None = None, url: str | None = None) -> None:
        facts = ([f"pid {pid}"] if pid is not None else []) + ([url] if url else [])
        told = f" ({', '.join(facts)})" if facts else ""
        remedy = "Stop it with `coterie stop`, or take another state folder with --state"
        super().__init__(f"the system is already up{told}", remedy)
        self.pid = pid
        self.url = url

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.pid, self.url))
