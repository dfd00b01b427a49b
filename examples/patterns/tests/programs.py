"""The programs of the patterns, started and run alone, each as its README says."""

import importlib.util
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import requests

__all__ = [
    "PATIENCE",
    "PATTERNS",
    "Program",
    "default_port",
    "environment",
    "free_port",
    "load",
    "run",
    "started",
    "starting",
]

PATTERNS = Path(__file__).parents[1]
PATIENCE = 30.0
"""Seconds in which a program must have started, said something, or ended."""

# Sees to it that nothing outlives a test run that is killed.
_LAUNCH = (sys.executable, str(Path(__file__).parents[3] / "bench" / "launch.py"), "")
# Settings of the machine, or of the pytest around us, that a reader does not have.
_OTHERS = re.compile(
    r"PORT|HOST|TIMEOUT|PAUSE|\w+_(URL|FILE)|(COTERIE|FLASK|PYTEST|PYTHON)\w*|\w+_proxy",
    re.IGNORECASE,
)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def default_port(program: str) -> int:
    """Where a program listens unless told otherwise, as its code says."""
    found = re.search(r'"PORT", "(\d+)"', (PATTERNS / program).read_text())
    assert found is not None, f"{program} does not look for PORT"
    return int(found[1])


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """What a reader has in theirs, and ``settings``; one that is None is not set."""
    own = {name: value for name, value in os.environ.items() if not _OTHERS.fullmatch(name)}
    own |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    return own | {name: str(value) for name, value in settings.items() if value is not None}


class Program:
    """A process that goes on; ``said`` is all that it has printed."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        settings: Mapping[str, object],
        url: str,
        sockets: Collection[int] = (),
    ) -> None:
        self.url = url
        self.said = ""
        self._more = threading.Condition()
        self._ended = False
        self.process = subprocess.Popen(
            [*_LAUNCH, *command],
            cwd=folder,
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=sockets,
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            with self._more:
                self.said += line
                self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()

    def until(self, holds: Callable[[str], object]) -> bool:
        """Wait until it has said enough; False where it ended, or took too long, before that."""
        with self._more:
            self._more.wait_for(lambda: holds(self.said) or self._ended, PATIENCE)
            return bool(holds(self.said))

    def get(self, path: str) -> requests.Response:
        """What it answers."""
        return requests.get(f"{self.url}{path}", timeout=PATIENCE)

    def stop(self) -> None:
        """End it, and wait for its end."""
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._listener.join()
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(program: str, **settings: object) -> Program:
    """``python service_a.py`` in its folder, on a free port; it takes requests by now."""
    path = PATTERNS / program
    last = ""
    for _ in range(5):  # a free port may be somebody's by the time it is used
        port = settings.get("PORT") or free_port()
        given = {"HOST": "127.0.0.1", **settings, "PORT": port}
        command = [sys.executable, path.name]
        running = Program(command, path.parent, given, f"http://127.0.0.1:{port}")
        if running.until(lambda said: "Press CTRL+C" in said):
            return running
        running.stop()
        last = running.said
    raise RuntimeError(f"{program} does not start:\n{last}")


@contextmanager
def started(program: str, **settings: object) -> Generator[Program]:
    """A program that listens, until the block ends."""
    running = start(program, **settings)
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def starting(program: str, **settings: object) -> Generator[Program]:
    """A program that has been started, wherever that leads it, until the block ends."""
    path = PATTERNS / program
    running = Program([sys.executable, path.name], path.parent, settings, "")
    try:
        yield running
    finally:
        running.stop()


def run(program: str, **settings: object) -> str:
    """What a program prints from its start to its end; it must not complain."""
    path = PATTERNS / program
    done = subprocess.run(
        [sys.executable, path.name],
        cwd=path.parent,
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def load(program: str) -> ModuleType:
    """A program's own module, anew; it listens to nothing."""
    path = PATTERNS / program
    spec = importlib.util.spec_from_file_location(f"pattern_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
