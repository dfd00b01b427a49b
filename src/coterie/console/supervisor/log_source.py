"""LogSource: what one process writes, read from its pipe, kept in its file."""

import asyncio
import fcntl
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

__all__ = ["KEPT", "LONGEST", "LogSource", "Place", "lines_of", "tail"]

KEPT = 40
"""Lines of each process that are known without looking into its file."""

LONGEST = 8 * 2**20
"""Octets of a file, and of the one before it."""

_CHUNK = 1 << 18
_PIPE = 1 << 20
_LINE = 64 * 1024
_LAST_CHUNKS = 8
_PER_SECOND = 4 * 2**20
"""Octets that are read of one process a second: who writes more waits, and nobody else does."""

_USUAL = 400  # octets of a line


class Place(NamedTuple):
    """A file of log, and how far it has been written."""

    path: Path
    end: int


class LogSource:
    """The pipe and the file of one process; ``came`` is called with whole lines.

    The file at ``path`` is moved to NAME.log.1 before it is longer than 8 MiB. Up to 4 MiB a second
    are read: a process that floods its log is held up by its pipe, and not the others by it.
    """

    def __init__(self, path: Path, came: Callable[[str], None]) -> None:
        self.kept: deque[str] = deque(maxlen=KEPT)
        self._came = came
        self._path = path
        self._rest = b""
        self._second = 0
        self._taken = 0
        self._resting: asyncio.TimerHandle | None = None
        self._file: int | None = None
        self._size = 0
        with suppress(OSError):  # see `_write`
            self._open()
        self._read_end, self.write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        # Whoever writes waits while the pipe is full; only we must never.
        os.set_blocking(self.write_end, True)  # os's own signature
        with suppress(OSError):
            fcntl.fcntl(self._read_end, fcntl.F_SETPIPE_SZ, _PIPE)

    @property
    def place(self) -> Place:
        """Where its log stands now."""
        return Place(self._path, self._size)

    def start(self) -> None:
        """Read from here on."""
        asyncio.get_running_loop().add_reader(self._read_end, self._readable)

    def take(self, data: bytes) -> None:
        """Keep and show the whole lines of ``data``; hold the rest until more comes."""
        data = self._rest + data
        end = data.rfind(b"\n") + 1
        if end == 0 and len(data) > _LINE:
            data, end = data + b"\n", len(data) + 1  # a line that never ends
        self._rest = data[end:]
        if end:
            self._write(data[:end])
            text = data[:end].decode(errors="replace")
            self.kept.extend(lines_of(text)[-KEPT:])
            self._came(text)

    def close(self) -> None:
        """Take what is left, and close the file."""
        asyncio.get_running_loop().remove_reader(self._read_end)
        for _ in range(_LAST_CHUNKS):  # the whole pipe; more comes from strangers only
            if not self._readable():
                break
        if self._resting is not None:
            self._resting.cancel()
        if self._rest:
            self.take(b"\n")
        for end in (self._read_end, self.write_end, self._file):
            if end is not None:
                os.close(end)

    def _readable(self) -> bool:
        try:
            data = os.read(self._read_end, _CHUNK)
        except BlockingIOError:
            return False
        if data:
            self.take(data)
            self._count(len(data))
        return bool(data)

    def _count(self, octets: int) -> None:
        loop = asyncio.get_running_loop()
        second = int(loop.time())
        if second != self._second:
            self._second, self._taken = second, 0
        self._taken += octets
        if self._taken > _PER_SECOND and self._resting is None:
            loop.remove_reader(self._read_end)
            self._resting = loop.call_at(second + 1, self._go_on)

    def _go_on(self) -> None:
        self._resting = None
        self.start()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o600)
        self._size = os.fstat(self._file).st_size

    def _write(self, data: bytes) -> None:
        # A full disk must not stop the system; the stream still shows the lines.
        with suppress(OSError):
            if self._file is not None and self._size + len(data) > LONGEST:
                old, self._file = self._file, None
                os.close(old)
                self._path.replace(self._path.with_name(self._path.name + ".1"))
            if self._file is None:
                self._open()
            if self._file is not None:
                self._size += os.write(self._file, data)


def lines_of(text: str) -> list[str]:
    """The lines of ``text``: each ends at a line feed, and at nothing else.

    JSON may hold the other ends that `str.splitlines` knows.
    """
    return text.removesuffix("\n").split("\n") if text else []


def tail(place: Place, lines: int) -> list[str]:
    """The last ``lines`` up to ``place``, from the file before it too. It reads: not for a loop."""
    path, end = place
    wanted = lines * _USUAL + 4096
    found = _last(path, end, wanted)
    if end < wanted:
        before = path.with_name(path.name + ".1")
        with suppress(OSError):
            found = _last(before, before.stat().st_size, wanted - end) + found
    return found[-lines:]


def _last(path: Path, end: int, octets: int) -> list[str]:
    with suppress(OSError), path.open("rb") as file:
        begin = max(0, end - octets)
        file.seek(begin)
        found = lines_of(file.read(end - begin).decode(errors="replace"))
        return found[1:] if begin else found  # the first is a part of one
    return []
