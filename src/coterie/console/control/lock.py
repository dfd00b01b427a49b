"""The lock of a system that is up: one supervisor for each state folder."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from time import sleep
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Struct

from .errors import AlreadyUp

__all__ = ["Holder", "UpLock", "holder"]

_FILE = "up.lock"
_LONGEST = 4096
_TRIES = 100
_PAUSE = 0.01


class Holder(Struct, frozen=True):
    """The process that runs a system, and where its gateway answers, once it does."""

    pid: int | None = None
    url: str | None = None


class UpLock:
    """Held by whoever runs the system that keeps its state in ``state``; a context manager.

    A lock of the kernel's (flock(2)) on ``up.lock``: it ends with the process, however that ends.
    Children made by `os.fork` close their copy at once, those made by exec never get one; so none
    of them can hold the lock in its parent's stead. The file stays where it is: a lock on a file
    that another process has replaced would keep nobody out.
    """

    def __init__(self, state: Path) -> None:
        self._path = state / _FILE
        self._file: int | None = None

    def acquire(self) -> None:
        """Take it. Raises `AlreadyUp` if another holds it, `OSError` if there can be no file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _try(file, fcntl.LOCK_EX):
            found = _read(file)
            os.close(file)
            raise AlreadyUp(found.pid, found.url)
        self._file = file
        os.register_at_fork(after_in_child=self._forget)
        self.tell()

    def tell(self, url: str | None = None) -> None:
        """Let others know who holds it, and at which URL the gateway answers."""
        if self._file is not None:
            told = msgspec.json.encode(Holder(os.getpid(), url))
            os.pwrite(self._file, told, 0)
            os.ftruncate(self._file, len(told))

    def release(self) -> None:
        """Give it back; never raises."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                os.ftruncate(file, 0)
            os.close(file)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _forget(self) -> None:
        # In a child. The lock belongs to the open file, which the parent still has.
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


def holder(state: Path) -> Holder | None:
    """Who runs the system that keeps its state in ``state``; ``None`` if nobody does."""
    try:
        file = os.open(state / _FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # Shared: many may ask at once.
        return None if _lock(file, fcntl.LOCK_SH) else _read(file)
    finally:
        os.close(file)


def _try(file: int, kind: int) -> bool:
    # Whoever asks for the holder has the lock too, for some microseconds: then nobody's name, or
    # that of somebody who died, stands in the file.
    for _ in range(_TRIES):
        if _lock(file, kind):
            return True
        if _lives(_read(file).pid):
            return False
        sleep(_PAUSE)
    return False


def _lives(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _lock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(file: int) -> Holder:
    try:
        return msgspec.json.decode(os.pread(file, _LONGEST, 0), type=Holder)
    except msgspec.DecodeError:
        return Holder()
