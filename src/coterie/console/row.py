"""A row: one process of a running system, as a person who asks for them sees it."""

from typing import Literal, TypeAlias

from msgspec import Struct

__all__ = ["OWN", "Kind", "Row"]

OWN = "/.coterie"
"""Below it the process that stands for a program has pages of its own."""

Kind: TypeAlias = Literal["service", "gateway", "broker", "console", "supervisor", "starter"]
"""What a process is: the starter is the fork server."""


class Row(Struct, frozen=True, kw_only=True):
    """One process.

    ``name`` is unique in the system (``orders-1``, ``gateway``); ``services`` are those it runs;
    ``state`` is starting, up, stuck, draining, restarting, crashed or stopped; ``address`` the URL where
    it answers; ``memory`` its proportional share in bytes (PSS, proc(5)); ``age`` how long it has
    run, in seconds; ``program`` says that it joins as it is. ``in_flight`` calls are under way, ``calls`` were answered since it started.
    """

    name: str
    kind: Kind
    services: tuple[str, ...] = ()
    state: str
    pid: int | None
    address: str | None
    memory: int | None
    restarts: int = 0
    age: float | None
    version: str = ""
    in_flight: int = 0
    calls: int = 0
    note: str = ""
    program: bool = False
