"""Becomes another program on chosen cores: `python bench/launch.py 0,1 program argument ...`.

On Linux the program is killed when the one that started it dies in any way. A program of its own,
because after a fork of a process with threads only exec is safe.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    cores = {int(core) for core in sys.argv[1].split(",") if core}
    if cores:
        os.sched_setaffinity(0, cores)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  no shell is wanted
