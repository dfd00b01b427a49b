"""reload(): start a program again whenever a file of its folder changes."""

import contextlib
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from watchfiles import PythonFilter, watch

__all__ = ["reload"]


class _Files(PythonFilter):
    def __init__(self) -> None:
        super().__init__(extra_extensions=(".toml", ".json", ".sql"))

    def __call__(self, change: object, path: str) -> bool:
        hidden = any(part.startswith(".") for part in Path(path).parts)
        return not hidden and super().__call__(change, path)  # type: ignore[arg-type]


def reload(command: Sequence[str], folder: Path, *, told: Callable[[str], None]) -> int:
    """Run ``command`` until Ctrl-C, anew after each change of a Python or TOML file in ``folder``.

    A program that ends with an error is started again at the next change, not before. ``told``
    gets a line on each restart. Gives the exit code of the last run; leaves no process behind.
    """
    stopping = threading.Event()
    previous = signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    child = subprocess.Popen(command)
    try:
        changes = watch(folder, watch_filter=_Files(), stop_event=stopping, raise_interrupt=False)
        for changed in changes:
            names = sorted({Path(path).name for _, path in changed})
            told(f"changed: {', '.join(names[:5])}; starting again")
            _end(child)
            child = subprocess.Popen(command)
    finally:
        code = _end(child)
        signal.signal(signal.SIGTERM, previous)
    return code


def _end(child: "subprocess.Popen[bytes]") -> int:
    """Ask ``child`` to end, insist after a while; its exit code."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(15)
        child.kill()
    return child.wait()

