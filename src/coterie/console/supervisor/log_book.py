"""The log of every process: kept in files, shown in one stream, followed by whoever asks."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from .log_source import KEPT, LogSource, lines_of, tail

__all__ = ["LogBook", "Show"]

Show = Callable[[str, str], None]
"""Is shown whole lines: the name of the process, and its text."""

_RATE = 200
_SHOWN = 2000
_BEHIND = 2000


class LogBook:
    """Reads what processes write, each through a pipe of its own that outlives them.

    ``folder`` gets a file a process, NAME.log, and the one before it, NAME.log.1, 8 MiB each at
    most. A follower is told up to 200 lines a second of each process, and ``show`` up to 2,000, then
    how many more there were; the file has them all.
    """

    def __init__(self, folder: Path, show: Show) -> None:
        self._folder = folder
        self._show = show
        self._sources: dict[str, LogSource] = {}
        self._followers: set[_Follower] = set()

    def pipe(self, name: str) -> int:
        """The file descriptor that the process called ``name`` writes its log to."""
        return self._source(name).write_end

    def take(self, name: str, text: str) -> None:
        """Whole lines of ``name`` that come by no pipe."""
        self._source(name).take(text.encode())

    def last(self, name: str, lines: int = KEPT) -> list[str]:
        """The last lines of one process, 40 at most without looking into its file."""
        source = self._sources.get(name)
        kept = [] if source is None else list(source.kept)
        return kept[-lines:]

    def names(self) -> tuple[str, ...]:
        """The processes that have written, or may."""
        return tuple(sorted(self._sources))

    async def follow(
        self, names: Sequence[str], lines: int, *, follow: bool
    ) -> AsyncGenerator[tuple[str, str]]:
        """The last ``lines`` of each process of ``names`` (of all, if empty), then new ones."""
        wanted = set(names)
        chosen = sorted(wanted) or self.names()
        follower = _Follower(wanted)
        # Up to here from the files, from here on as it comes.
        begun = {name: self._sources[name].place for name in chosen if name in self._sources}
        if follow:
            self._followers.add(follower)
        try:
            for name, place in begun.items():
                for line in await asyncio.to_thread(tail, place, lines) if lines > 0 else ():
                    yield name, line
            while follow:
                yield await follower.next()
        finally:
            self._followers.discard(follower)

    def stop(self) -> None:
        """Read what is left, close the files."""
        for source in self._sources.values():
            source.close()
        self._sources.clear()

    def _source(self, name: str) -> LogSource:
        found = self._sources.get(name)
        if found is None:
            with suppress(OSError):  # it is shown, if it cannot be kept
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self._sources[name] = LogSource(self._folder / f"{name}.log", self._came(name))
            found.start()
        return found

    def _came(self, name: str) -> Callable[[str], None]:
        shown = _Shown(name, self._show)

        def came(text: str) -> None:
            shown.take(text)
            if self._followers:
                lines = lines_of(text)
                for follower in self._followers:
                    follower.take(name, lines)

        return came


class _Shown:
    """What is shown of one process: a flood of lines is told in one."""

    def __init__(self, name: str, show: Show) -> None:
        self._name = name
        self._show = show
        self._second = 0
        self._lines = 0
        self._more = 0

    def take(self, text: str) -> None:
        second = int(asyncio.get_running_loop().time())
        if second != self._second:
            self._tell()
            self._second, self._lines = second, 0
        count = text.count("\n")
        room = max(0, _SHOWN - self._lines)
        self._lines += count
        if count > room:
            self._more += count - room
            text = "".join(f"{line}\n" for line in text.split("\n", room)[:room])
        if text:
            self._show(self._name, text)

    def _tell(self) -> None:
        if self._more:
            told = (
                f"... {self._more} more lines; `coterie logs {self._name}` has the last of them\n"
            )
            self._show(self._name, told)
            self._more = 0


class _Follower:
    def __init__(self, names: set[str]) -> None:
        self._names = names
        self._lines: deque[tuple[str, str]] = deque(maxlen=_BEHIND)
        self._more = asyncio.Event()
        self._second = 0
        self._told: dict[str, int] = {}

    def take(self, name: str, lines: list[str]) -> None:
        if self._names and name not in self._names:
            return
        now = int(asyncio.get_running_loop().time())
        if now != self._second:
            self._second, self._told = now, {}
        room = max(0, _RATE - self._told.get(name, 0))
        self._told[name] = self._told.get(name, 0) + len(lines)
        if room:
            self._lines.extend((name, line) for line in lines[-room:])
            self._more.set()

    async def next(self) -> tuple[str, str]:
        while not self._lines:
            self._more.clear()
            await self._more.wait()
        return self._lines.popleft()
