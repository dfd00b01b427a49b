"""Which core serves and which one asks, so that the asking never steals from the serving."""

import os

from msgspec import Struct


class Cores(Struct, frozen=True):
    """Numbers of cores; empty where the machine cannot pin or has only one."""

    serving: frozenset[int]
    asking: frozenset[int]

    def __str__(self) -> str:
        if not self.serving:
            return "not pinned"
        return f"servers on core {min(self.serving)}, load and clients on core {min(self.asking)}"


def choose() -> Cores:
    """The first two cores this process may use, one a side."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores(frozenset(), frozenset())
    free = sorted(os.sched_getaffinity(0))
    if len(free) < 2:
        return Cores(frozenset(), frozenset())
    return Cores(frozenset(free[:1]), frozenset(free[1:2]))


def pin(cores: frozenset[int]) -> None:
    """Keep this process, and those it starts from now on, on `cores`; an empty set changes nothing."""
    if cores:
        os.sched_setaffinity(0, cores)
