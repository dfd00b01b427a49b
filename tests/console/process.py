"""A real `coterie` process under test: what it prints, when it ends, and what it leaves behind."""

import contextlib
import http.client
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any, Self, TypeVar

__all__ = ["Command", "Terminal", "free_port", "gone", "system", "until"]

T = TypeVar("T")

_PATIENCE = 30.0
COTERIE = [sys.executable, "-P", "-m", "coterie"]
# What the machine, or a developer's shell, may have set.
_OTHERS = ("COTERIE_", "DATABASE_URL", "FORCE_COLOR", "NO_COLOR", "PYTHONBREAKPOINT", "COLUMNS")


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without what would change how a command looks."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith(_OTHERS)}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **changes}


def until(condition: Callable[[], T], what: str = "it", patience: float = _PATIENCE) -> T:
    """The first true value of ``condition``; fails if there is none in time."""
    deadline = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come to pass in {patience:.0f} s")
        time.sleep(0.01)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


def gone(pid: int) -> bool:
    """Whether the process ``pid`` has ended: it is not there, or waits to be buried."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def system(folder: Path, toml: str = "", **modules: str) -> Path:
    """Write a system: ``modules`` below ``lab/``, and for each of their services a table.

    ``toml`` comes last in its coterie.toml. A class that ends in ``Service`` is a service, named
    after its module.
    """
    tables = ['[system]\nname = "lab"\n\n[gateway]\nport = 0\n']
    (folder / "lab").mkdir(parents=True, exist_ok=True)
    (folder / "lab" / "__init__.py").touch()
    for name, text in modules.items():
        (folder / "lab" / f"{name}.py").write_text(dedent(text).lstrip())
        found = re.search(r"class (\w+Service)\b", text)
        cls = found[1] if found else "Service"
        tables.append(f'[service.{name}]\nimplements = "lab.{name}:{cls}"\n')
    (folder / "coterie.toml").write_text("\n".join([*tables, dedent(toml)]))
    return folder


class _Output:
    """The lines of a stream, gathered while they come."""

    def __init__(self) -> None:
        self.text = ""
        self.ended = False
        self._news = threading.Condition()

    def take(self, text: str) -> None:
        with self._news:
            self.text += text
            self._news.notify_all()

    def end(self) -> None:
        with self._news:
            self.ended = True
            self._news.notify_all()

    def find(self, pattern: str, patience: float) -> re.Match[str]:
        """The first match of ``pattern``, as soon as it is there."""
        with self._news:
            self._news.wait_for(
                lambda: self.ended or re.search(pattern, self.text, re.MULTILINE), patience
            )
            found = re.search(pattern, self.text, re.MULTILINE)
        if found is None:
            raise AssertionError(f"no {pattern!r} in:\n{self.text}")
        return found


class Command:
    """``coterie ARGUMENTS`` in a process of its own; killed at the end, should it still run."""

    def __init__(self, *arguments: object, cwd: Path | None = None, **changes: str) -> None:
        self.out = _Output()
        self.err = _Output()
        self.process = subprocess.Popen(
            [*COTERIE, *map(str, arguments)],
            cwd=cwd,
            env=environment(**changes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._threads = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for thread in self._threads:
            thread.join(_PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    @staticmethod
    def _read(stream: Any, output: _Output) -> None:
        for line in stream:
            output.take(line)
        output.end()

    def says(self, pattern: str, patience: float = _PATIENCE) -> re.Match[str]:
        """Wait for ``pattern`` on standard output."""
        return self.out.find(pattern, patience)

    def logs(self, pattern: str, patience: float = _PATIENCE) -> re.Match[str]:
        """Wait for ``pattern`` on standard error."""
        return self.err.find(pattern, patience)

    def ready(self) -> int:
        """The port, once the system is up."""
        try:
            return int(self.says(r'(?:ready in .*?|"url": ?")https?://[\w.]+:(\d+)')[1])
        except AssertionError as error:
            raise AssertionError(f"{error}\nits log:\n{self.err.text}") from None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it alone."""
        self.process.send_signal(number)

    def interrupt(self) -> None:
        """What a terminal does at Ctrl-C: SIGINT to it and all it started."""
        os.killpg(self.process.pid, signal.SIGINT)

    def ends(self, patience: float = _PATIENCE) -> int:
        """Its exit code, once it ended."""
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"it still runs after {patience:.0f} s; its log:\n{self.err.text}"
            ) from None
        for thread in self._threads:
            thread.join(_PATIENCE)
        return code


# Makes the terminal on its standard input its own, and becomes what follows. Python's pty.fork()
# would do both, but not beside other threads.
_TAKE = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


class Terminal:
    """``coterie ARGUMENTS`` in the foreground of a terminal of its own (pty)."""

    def __init__(self, *arguments: object, cwd: Path | None = None, **changes: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _TAKE, *COTERIE, *map(str, arguments)],
            cwd=cwd,
            env=environment(TERM="xterm", COLUMNS="100", **changes),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._ours)

    def shows(self, pattern: str, patience: float = _PATIENCE) -> re.Match[str]:
        """Wait until ``pattern`` is on the screen; what was there before is forgotten."""
        deadline = time.monotonic() + patience
        while (found := re.search(pattern, self.text)) is None:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._ours], [], [], max(left, 0))
            new = b""
            with contextlib.suppress(OSError):  # the other end is closed
                new = os.read(self._ours, 65536) if ready else b""
            if not new:
                raise AssertionError(f"no {pattern!r} on the screen:\n{self.text}")
            self.text += new.decode()
        self.text = self.text[found.end() :]
        return found

    def type(self, text: str) -> None:
        """Type ``text``; the character 3 is Ctrl-C."""
        os.write(self._ours, text.encode())

    def ends(self, patience: float = _PATIENCE) -> int:
        """Its exit code, once it ended."""

        def ended() -> bool:
            # A terminal that nobody reads holds up who writes to it.
            if select.select([self._ours], [], [], 0)[0]:
                with contextlib.suppress(OSError):
                    self.text += os.read(self._ours, 65536).decode()
            return self.process.poll() is not None

        until(ended, "the end", patience)
        return int(self.process.returncode)


class Answer:
    """What a request in the background came to."""

    def __init__(self, port: int, path: str, method: str = "GET", body: str | None = None) -> None:
        self._thread = threading.Thread(target=self._ask, args=(port, path, method, body))
        self.status: int | None = None
        self.body = ""
        self.error: Exception | None = None
        self._thread.start()

    def _ask(self, port: int, path: str, method: str, body: str | None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            self.body = response.read().decode()
            self.status = response.status
        except (OSError, http.client.HTTPException) as error:
            self.error = error
        finally:
            connection.close()

    def come(self) -> Self:
        """Wait for it."""
        self._thread.join(_PATIENCE)
        return self

    def json(self) -> Any:
        """The answer, decoded."""
        return json.loads(self.come().body)


def ask(port: int, path: str) -> Answer:
    """A request and its answer."""
    return Answer(port, path).come()


def children(pid: int) -> Sequence[int]:
    """The processes that ``pid`` started and that still run."""
    return tuple(_children(pid))


def _children(pid: int) -> Iterator[int]:
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            yield from map(int, tasks.read_text().split())
