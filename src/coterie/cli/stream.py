"""Stream: the log of all processes as one, each line with the name of the process before it."""

import threading
from typing import TextIO

from coterie.console.supervisor import Outlet, Show, with_process

__all__ = ["Stream"]

_COLOURS = ("36", "33", "35", "34", "32", "96", "93", "95", "94", "92")
_WIDTH = 12


class Stream:
    """Shows lines of processes on ``stream``: prefixed, coloured where somebody looks, or JSON.

    It can be written to as a file, too: that is the log of ``own``, this process.
    """

    def __init__(self, stream: TextIO, *, json: bool, own: str = "supervisor") -> None:
        self._outlet = Outlet(stream.fileno(), self._lost)
        self._json = json
        self._own = own
        self._take: Show | None = None
        self._colours = not json and stream.isatty()
        self._prefixes: dict[str, str] = {}

    def start(self) -> None:
        """Begin to write."""
        self._outlet.start()

    def stop(self) -> None:
        """Write the rest."""
        self._outlet.stop()

    def write(self, text: str) -> int:
        """Whole lines of this process itself."""
        take = self._take
        # Who keeps logs does so in the event loop, which is the main thread's.
        if take is not None and threading.current_thread() is threading.main_thread():
            take(self._own, text)
        else:
            self.show(self._own, text)
        return len(text)

    def through(self, take: Show | None) -> None:
        """Hand our own lines to ``take``, which keeps and shows them as it does all others."""
        self._take = take

    def flush(self) -> None:
        """Nothing: each line goes as soon as it can."""

    def show(self, name: str, text: str) -> None:
        """Whole lines of the process ``name``."""
        self._outlet.write(self._shown(name, text))

    def _shown(self, name: str, text: str) -> str:
        if self._json:
            return with_process(name, text)
        prefix = self._prefix(name)
        lines = text.removesuffix("\n").replace("\n", "\n" + prefix)
        return f"{prefix}{lines}\n"

    def _lost(self, lines: int) -> str:
        what = f"{lines} lines of log were not shown, because nobody read them; the files have them"
        return self._shown(self._own, f"{what}\n")

    def _prefix(self, name: str) -> str:
        found = self._prefixes.get(name)
        if found is None:
            found = f"{name:<{_WIDTH}} | "
            if self._colours:
                colour = _COLOURS[len(self._prefixes) % len(_COLOURS)]
                found = f"\x1b[{colour}m{found}\x1b[0m"
            self._prefixes[name] = found
        return found
