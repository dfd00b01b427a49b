"""A small system as processes under test: started, asked, harmed, and gone at the end."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from tests.console.process import COTERIE, Command, environment, gone, system, until

__all__ = [
    "LAB",
    "Running",
    "ask",
    "descendants",
    "lab",
    "lives",
    "none_left",
    "objects",
    "of_the_system",
    "until",
    "without",
]

_PATIENCE = 20.0

LAB = {
    "one": """
        import subprocess
        from coterie import Service, get, on_start

        class OneService(Service, version="1.0"):
            @get("/one")
            async def one(self) -> str:
                return "one"
    """,
    "two": """
        import os
        from coterie import Service, get, post

        class TwoService(Service, version="1.0"):
            @get("/two")
            async def two(self) -> str:
                return "two"

            @post("/two/die")
            async def die(self) -> str:
                os._exit(3)
    """,
}


def lab(folder: Path, toml: str = "", **modules: str) -> Path:
    """A system of the services ``one`` and ``two``, or of ``modules``."""
    return system(folder, toml, **(modules or LAB))


class Said(NamedTuple):
    """An answer over HTTP."""

    status: int
    body: str


def ask(url: str, path: str, *, method: str = "GET", patience: float = _PATIENCE) -> Said:
    """What ``path`` answers; status 0 where nothing does."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=patience)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return Said(response.status, response.read().decode())
    except (OSError, http.client.HTTPException) as error:
        return Said(0, repr(error))
    finally:
        connection.close()


class Running(Command):
    """``coterie up`` of a system below ``folder``, ready unless told otherwise; killed at the end."""

    def __init__(self, folder: Path, *options: object, wait: bool = True, **changes: str) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.url = ""
        self.told: dict[str, Any] = {}
        common = ("up", folder, "--port", 0, "--state", self.state, "--json")
        super().__init__(*common, *options, cwd=folder, **changes)
        try:
            if wait:
                self.become_ready()
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def become_ready(self) -> None:
        """Wait until it is."""
        try:
            self.told = json.loads(self.says(r'^\{"event":"ready".*$')[0])
        except AssertionError as error:
            raise AssertionError(f"{error}\nits log:\n{self.err.text}") from None
        self.url = self.told["url"]

    @property
    def pid(self) -> int:
        """The supervisor's."""
        return self.process.pid

    def do(self, *words: object, patience: float = _PATIENCE) -> subprocess.CompletedProcess[str]:
        """``coterie WORDS`` on this system."""
        verb, *rest = map(str, words)
        where = ["--system", str(self.folder)] if verb == "logs" else [str(self.folder)]
        return subprocess.run(
            [*COTERIE, verb, *rest, *where, "--state", str(self.state), "--json"],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )

    def control(self, **request: object) -> dict[str, Any]:
        """The first line that the control socket answers."""
        return next(self.lines(**request))

    def lines(self, **request: object) -> Iterator[dict[str, Any]]:
        """What the control socket answers."""
        with control_socket(self.state) as connection:
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answers:
                for line in answers:
                    yield json.loads(line)

    def rows(self) -> dict[str, dict[str, Any]]:
        """Every process, by name."""
        return {row["name"]: row for row in self.control(do="ps")["rows"]}

    def row(self, name: str) -> dict[str, Any]:
        """The process called ``name``."""
        return self.rows()[name]

    def get(self, path: str, *, patience: float = _PATIENCE) -> Said:
        """By way of the gateway."""
        return ask(self.url, path, patience=patience)

    def post(self, path: str) -> Said:
        """By way of the gateway."""
        return ask(self.url, path, method="POST")

    def everyone(self) -> set[int]:
        """The numbers of all its processes, and of what these have started."""
        return {self.pid, *descendants(self.pid)}


def control_socket(state: Path) -> socket.socket:
    """A connection to the control socket of the system that runs in ``state``."""
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(_PATIENCE)
    path = state / "control.sock"
    if len(os.fsencode(path)) > 107:
        path = Path((state / "control.path").read_text().strip())
    try:
        made.connect(str(path))
    except BaseException:
        made.close()
        raise
    return made


def lives(pid: int) -> bool:
    """Whether the process runs."""
    return not gone(pid)


def none_left(pids: Collection[int], patience: float) -> None:
    """Fails unless all of ``pids`` are gone within ``patience`` seconds."""

    def left() -> list[str]:
        return [_words(pid) for pid in pids if lives(pid)]

    deadline = time.monotonic() + patience
    while found := left():
        if time.monotonic() > deadline:
            raise AssertionError(f"after {patience:g} s there are still {found}")
        time.sleep(0.005)


def descendants(pid: int) -> set[int]:
    """The processes below ``pid``."""
    parents = dict(_parents())
    found: set[int] = set()
    more = {pid}
    while more:
        more = {child for child, parent in parents.items() if parent in more} - found
        found |= more
    return found


def of_the_system(folder: Path) -> list[int]:
    """The processes that have ``folder`` in their command line."""
    return [pid for pid, _ in _parents() if str(folder) in _words(pid)]


def _parents() -> Iterator[tuple[int, int]]:
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):
                told = (path / "stat").read_text().rpartition(")")[2].split()
                yield int(path.name), int(told[1])


def _words(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def objects(text: str) -> Sequence[dict[str, Any]]:
    """The lines of ``text``, each an object."""
    return [json.loads(line) for line in text.removesuffix("\n").split("\n")]


def without(folder: Path, code: str) -> str:
    """A PYTHONPATH that has every process of a system run ``code`` first: to take something away."""
    place = folder / "taken-away"
    place.mkdir(parents=True, exist_ok=True)
    (place / "sitecustomize.py").write_text(dedent(code))
    return str(place)
