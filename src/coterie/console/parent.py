"""end_with(): a process that does not outlive the one that started it."""

import ctypes
import os
import signal
import sys
import threading
import time

__all__ = ["end_with"]

_PR_SET_PDEATHSIG = 1  # prctl(2), <linux/prctl.h>
_LOOK = 0.5


def end_with(parent: int) -> None:
    """Die when the process ``parent`` dies, however it dies; at once, if it is dead already.

    Linux sends SIGKILL, which nothing can hold up, by itself (PR_SET_PDEATHSIG). Elsewhere a
    thread looks twice a second. Asked to end in good order, a parent ends its child first.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    # It may have died before the line above; the kernel tells of deaths to come only.
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os.kill(os.getpid(), signal.SIGKILL)
