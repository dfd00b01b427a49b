"""What a system's own workload is to a run: attempts, and an audit of what became of them."""

import enum
from typing import Protocol

from msgspec import Struct

__all__ = ["Audit", "Outcome", "Site", "Workload"]


class Outcome(enum.Enum):
    """What whoever made an attempt knows of it."""

    ACKNOWLEDGED = "acknowledged"
    """It was answered with success: its effect must be there, once."""
    UNKNOWN = "unknown"
    """No answer that says anything: either is right, its effect once or not at all."""
    FAILED = "failed"
    """It was refused: it must have no effect."""


class Site(Struct, frozen=True):
    """Where an attempt is made: the gateway's ``url``, and the ``number`` of the run."""

    url: str
    number: int


class Audit(Struct, frozen=True, kw_only=True):
    """What an audit found to be wrong, each thing a line for people.

    ``lost``: acknowledged, and not there. ``duplicated``: there more than once. ``unexpected``:
    whatever else is not as it must be (sums that do not add up, an effect of what had failed).
    """

    lost: tuple[str, ...] = ()
    duplicated: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()


class Workload(Protocol):
    """Uses a system while it is harmed, and judges it afterwards.

    A class that does is named in ``coterie.toml``: ``[chaos] workload = "module:Class"``. One
    that is an async context manager besides is entered before anything is harmed, and left after
    the audit.
    """

    def __init__(self, site: Site) -> None:
        """Be made for one run."""
        ...

    async def attempt(self, n: int) -> Outcome:
        """Make the attempt numbered ``n``, from 0; several are under way at a time.

        Must end by itself, within a minute. What it raises counts as unexpected.
        """
        ...

    async def audit(self) -> Audit:
        """Compare what the system holds with what it has answered.

        After the last fault: every process is up again, and no attempt is under way.
        """
        ...
