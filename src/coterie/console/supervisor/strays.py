"""Strays: processes that services have started, and left behind when they ended.

A process whose parent ends becomes the child of the supervisor (a "child subreaper", prctl(2)), or,
where that is gone too, of whoever is above it. Nobody would end it: it is found by its session.
"""

import os
import signal
from collections.abc import Collection, Iterator
from pathlib import Path
from time import monotonic, sleep

__all__ = ["children", "group_of", "sweep"]

_PROC = Path("/proc")
_LONGEST = 1.5
_LOOK = 0.005


def children() -> tuple[int, ...]:
    """The children of this process that are in a session of another.

    That is what was forked on its behalf, and what it has adopted; until they are reaped, the
    ended ones too.

    Source: ``children`` in proc_tid_children(5). Nothing where the kernel does not tell.
    """
    own = os.getsid(0)
    return tuple(pid for pid in _children() if _session(pid) not in (None, own))


def group_of(pid: int) -> int | None:
    """The process group that ``pid`` is in."""
    found = _stat(pid)
    return None if found is None else int(found[2])


def sweep(sessions: Collection[int]) -> None:
    """Kill every process of ``sessions`` but this one, until there is none; a while at most."""
    until = monotonic() + _LONGEST
    while monotonic() < until:
        left = [pid for pid in _processes() if _session(pid, dead=False) in sessions]
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        sleep(_LOOK)


def _children() -> Iterator[int]:
    for told in _PROC.glob("self/task/*/children"):
        try:
            yield from map(int, told.read_text().split())
        except OSError:
            continue


def _processes() -> Iterator[int]:
    own = os.getpid()
    for path in _PROC.iterdir():
        if path.name.isdigit() and int(path.name) != own:
            yield int(path.name)


def _session(pid: int, *, dead: bool = True) -> int | None:
    """The session of ``pid``; ``None`` for one that is not there, or ``dead`` if that counts."""
    found = _stat(pid)
    return None if found is None or (found[0] in "ZX" and not dead) else int(found[3])


def _stat(pid: int) -> list[str] | None:
    """State, parent, group, session and more of ``pid``: proc_pid_stat(5)."""
    try:
        # The name in brackets may have brackets and spaces of its own.
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, IndexError):
        return None
