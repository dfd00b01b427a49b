"""The fork server: a process without threads that has imported what is heavy, and forks.

It imports nothing of the user's: each process does that after the fork, so a file that changed is
read anew. A process that it forks becomes the child of the supervisor at once (two forks, and the
supervisor is a "child subreaper", prctl(2)): so it outlives the fork server, and not the
supervisor.

It leads a session of its own, which all that it forks are in, and whatever these start. When the
supervisor is gone, however it went, the fork server is the one that is left to end them: the
kernel tells children of their parent's death, and not grandchildren. Out of its reach is what
has left the session (setsid(2)) before the supervisor was killed; and all that services have
started is, where the fork server is killed at the same moment.
"""

import gc
import json
import os
import random
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from coterie.console.parent import end_with

from .strays import sweep

__all__ = ["MESSAGE", "Work", "serve"]

MESSAGE = 65536
"""The longest message to the fork server, in octets: it names the work, and no more."""

Work = Callable[[socket.socket, socket.socket | None], int]
"""What a forked process does: given the way to the supervisor and the socket it listens on, if it
has one. Gives the exit code."""

_FDS = 3
_ADOPTED = 2.0


def serve(orders: socket.socket, supervisor: int, works: Mapping[str, Work]) -> NoReturn:
    """Fork whatever ``orders`` asks for, until the supervisor closes it or dies."""
    if os.getsid(0) != os.getpid():
        os.setsid()  # a Ctrl-C of the terminal is the supervisor's alone
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it goes after the supervisor, not before
    gc.collect()
    gc.freeze()  # what is shared stays shared: the collector writes into every object it visits
    sessions = {os.getpid()}
    while True:
        try:
            message, fds, _, _ = socket.recv_fds(orders, MESSAGE, _FDS)
        except ConnectionError:
            message, fds = b"", []
        if not message:
            sweep({own for own in sessions if own == os.getpid() or not _lives(own)})
            os._exit(0)
        order: dict[str, Any] = json.loads(message)
        sessions.update(order["sessions"])
        if order["do"] == "know":
            continue
        middle = os.fork()
        if middle == 0:
            _middle(orders, supervisor, works, order, fds)
        for fd in fds:
            os.close(fd)
        os.waitpid(middle, 0)


def _lives(leader: int) -> bool:
    """Whether a process has the number of a fork server before us: then it is another's now."""
    return Path(f"/proc/{leader}").exists()


def _middle(
    orders: socket.socket,
    supervisor: int,
    works: Mapping[str, Work],
    order: dict[str, Any],
    fds: list[int],
) -> NoReturn:
    """Fork once more, tell the number of the process, and go: so the supervisor adopts it."""
    middle = os.getpid()
    process = os.fork()
    if process:
        with suppress(OSError):  # the supervisor is gone, and the process will see that too
            orders.send(json.dumps({"id": order["id"], "pid": process}).encode())
        os._exit(0)
    code = 70
    try:
        orders.close()
        _adopted(middle, supervisor)
        code = _become(order, fds, works)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001  # the end of a process; nobody else would tell
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _adopted(middle: int, supervisor: int) -> None:
    until = time.monotonic() + _ADOPTED
    while (parent := os.getppid()) != supervisor:
        if parent != middle or time.monotonic() > until:
            os._exit(71)
        time.sleep(0.0005)
    end_with(supervisor)


def _become(order: dict[str, Any], fds: list[int], works: Mapping[str, Work]) -> int:
    """``fds`` are the log, and for work of ours the way to the supervisor and the listener."""
    os.setpgid(0, 0)  # what it starts is known by its group
    for fd in fds:
        os.set_inheritable(fd, False)  # noqa: FBT003  # os's own signature
    log = fds[0]
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.close(nothing)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if order["do"] == "execute":
        command: list[str] = order["command"]
        environment: dict[str, str] = order["environment"]
        os.execve(command[0], command, environment)  # noqa: S606  # no shell is what we want
    random.seed()
    channel = socket.socket(fileno=fds[1])
    listener = socket.socket(fileno=fds[2]) if len(fds) > 2 else None
    return works[order["work"]](channel, listener)
