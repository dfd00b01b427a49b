"""What this process is and uses, read from the kernel when somebody asks."""

import os
import time
from pathlib import Path

from msgspec import Struct

__all__ = ["Process", "process"]

_PROC = Path("/proc")


class Process(Struct, frozen=True):
    """``started`` in seconds since 1970, ``memory`` resident octets, ``cpu`` seconds used.

    What the platform does not tell is ``None``.
    """

    started: float | None
    memory: int | None
    cpu: float


def process() -> Process:
    """This process, now. Where there is no ``/proc``, little is told.

    Source: proc(5), *stat* fields 22 (starttime), *statm* field 2 (resident).
    """
    try:
        # The program's name, in parentheses, may hold spaces and parentheses of its own.
        fields = (_PROC / "self/stat").read_text().rpartition(")")[2].split()
        uptime = float((_PROC / "uptime").read_text().split()[0])
        age = uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK")
        pages = int((_PROC / "self/statm").read_text().split()[1])
        memory = pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return Process(None, None, time.process_time())
    return Process(time.time() - age, memory, time.process_time())
