"""reload(): start a program again whenever a file of its folder changes."""

import signal
import subprocess
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from watchfiles import watch

from .sources import Sources, shown

__all__ = ["reload"]

_LOOK = 200  # milliseconds
_SETTLED = 100  # milliseconds without a change, so that an editor's many are one
_PATIENCE = 20.0
_BY_ITSELF = (0, 130)


def reload(
    command: Sequence[str],
    folder: Path,
    *,
    told: Callable[[Sequence[Path]], None],
    failed: Callable[[int], None],
    ignore: Iterable[Path] = (),
) -> int:
    """Run ``command`` until Ctrl-C, anew after each change of a source file in ``folder``.

    Source files are ``.py``, ``.toml``, ``.json``, ``.sql`` and ``.html``, outside of hidden
    folders and of ``ignore``. ``told`` gets what changed, relative to ``folder``, before each
    start; ``failed`` the exit code of a program that ended with an error: it is started again at
    the next change, not before. One that ends well ends this too.

    Gives the exit code of the last run. A first signal ends the program with SIGTERM and waits,
    a second one kills it; no process is left behind.
    """
    program = _Program(command)
    with program:
        program.start()
        for changes in watch(
            folder,
            watch_filter=Sources(folder.resolve(), [path.resolve() for path in ignore]),
            stop_event=program,
            step=_SETTLED,
            rust_timeout=_LOOK,
            yield_on_timeout=True,
            raise_interrupt=False,
        ):
            if changes:
                told(sorted({shown(Path(path), folder) for _, path in changes}))
                program.end()
                program.start()
            elif program.ended():
                if program.code in _BY_ITSELF:
                    break
                failed(program.code)
    return program.code


class _Program:
    """The program, and the signals that end it. Lets `watch` see whether they came."""

    def __init__(self, command: Sequence[str]) -> None:
        self.code = 0
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None
        self._signals = 0

    def is_set(self) -> bool:
        """Whether a signal came."""
        return self._signals > 0

    def start(self) -> None:
        if not self.is_set():
            self._child = subprocess.Popen(self._command)

    def ended(self) -> bool:
        """Whether it ended by itself since the last look."""
        if self._child is None or self._child.poll() is None:
            return False
        self.end()
        return True

    def end(self) -> None:
        """Ask it to end, insist after a while or at a second signal."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            waited = 0.0
            while child.poll() is None and self._signals < 2 and waited < _PATIENCE:
                with suppress(subprocess.TimeoutExpired):
                    child.wait(_LOOK / 1000)
                waited += _LOOK / 1000
        if child.poll() is None:
            child.kill()
        code = child.wait()
        self.code = code if code >= 0 else 128 - code  # as a shell has it

    def __enter__(self) -> None:
        self._before = {
            number: signal.signal(number, self._come) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def __exit__(self, *_: object) -> None:
        self.end()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _come(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
