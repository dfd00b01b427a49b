"""The processes that a program is made of, and where they listen."""

import os
import signal
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

__all__ = ["kill", "listening", "members", "running"]

_PROC = Path("/proc")
_LISTEN = "0A"  # <net/tcp_states.h>
_ANY = {"00000000", "0" * 32}
_LOOPBACK = "0100007F"


def members(first: int, *, alone: bool) -> frozenset[int]:
    """The process ``first`` and all that it started.

    Where this process is ``alone`` with them in its group, all others in it are of them: also those
    whose parents have died.
    """
    ours, group = os.getpid(), os.getpgrp()
    known = _processes()
    found = {first} if first in known else set()
    if alone and ours == group:
        found |= {pid for pid, (_, its) in known.items() if its == group and pid != ours}
    grown = True
    while grown:
        more = {pid for pid, (parent, _) in known.items() if parent in found} - found
        grown = bool(more)
        found |= more
    return frozenset(found - {ours})


def running(those: frozenset[int]) -> frozenset[int]:
    """Of ``those``, who runs in our group: a number may by now be another process's."""
    known, group = _processes(), os.getpgrp()
    return frozenset(pid for pid in those if pid in known and known[pid][1] == group)


def kill(those: Iterable[int], number: int = signal.SIGKILL) -> None:
    """End them at once, or send them the signal ``number``."""
    for pid in those:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def listening(those: Iterable[int]) -> dict[int, bool]:
    """The ports they listen on, and whether 127.0.0.1 reaches them there; none where nobody can tell.

    Source: proc(5), /proc/net/tcp.
    """
    inodes = {inode for pid in those for inode in _sockets(pid)}
    found: dict[int, bool] = {}
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == _LISTEN and words[9] in inodes:
                    address, _, port = words[1].rpartition(":")
                    reached = address in _ANY or address.endswith(_LOOPBACK)
                    found[int(port, 16)] = reached or found.get(int(port, 16), False)
    return found


def _sockets(pid: int) -> Iterable[str]:
    with suppress(OSError):
        for entry in (_PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                target = os.readlink(entry)  # noqa: PTH115  # a word of the kernel's, no path
                if target.startswith("socket:["):
                    yield target[8:-1]


def _processes() -> dict[int, tuple[int, int]]:
    """Parent and group of every process that has not ended."""
    if not _PROC.joinpath("self", "stat").exists():
        asked = ["ps", "-A", "-o", "pid=,ppid=,pgid="]
        told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        rows = (line.split() for line in told.splitlines())
        return {int(row[0]): (int(row[1]), int(row[2])) for row in rows if len(row) == 3}
    found: dict[int, tuple[int, int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                state, parent, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
                if state != "Z":
                    found[int(entry.name)] = (int(parent), int(group))
    return found
