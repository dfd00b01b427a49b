"""The READMEs of the patterns: their commands are typed, and what is shown must be printed.

A program that listens is started as in a terminal of its own, and goes on until the README ends.
Where a README says 5000, a free port is really used, on the way in and on the way out.
"""

import re
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from programs import PATTERNS, Program, free_port
from shell import commands_in, typed
from tests.documents import shows
from tests.engines import amqp_url

READMES = sorted(PATTERNS.glob("[0-9]*/README.md"))

PROVES = {
    "01-soa": ("S0-01", "S0-02", "S0-05", "S0-06", "S0-07", "S0-08"),
    "02-inventory": ("S0-09", "S0-10", "S0-19", "S0-20"),
    "03-integration": ("S0-21", "S0-22", "S0-29", "S0-30", "S0-31"),
    "06-orchestration": (
        "S0-62", "S0-63", "S0-64", "S0-65", "S0-66", "S0-67", "S0-68", "S0-69", "S0-70",
    ),
    "07-composite": ("S0-72", "S0-73", "S0-74", "S0-75", "S0-76", "S0-77"),
    "08-registry-and-discovery": ("S0-78", "S0-79", "S0-80", "S0-81", "S0-83", "W0-09"),
}  # fmt: skip
"""Promises that a reader of the README sees kept."""

_QUEUE = "soa-service-a.greet"
_PYTHON = re.compile(r"(?:PORT=(\d+) )?python (\S+\.py)")
_PORT = re.compile(r'"PORT", "(\d+)"')
_URL = re.compile(r'"(\w+_URL)", "((?:http|ws)://localhost:\d+)"')


class Reader:
    """Somebody who works through a README, in a copy of its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[Program] = []
        self._ports: dict[str, str] = {}
        self._queue = f"reader-{uuid4()}"  # a broker is shared, and nobody else's queue is ours

    def real(self, text: str) -> str:
        """``text`` with the ports, and the queue, that are really used."""
        text = text.replace(_QUEUE, self._queue)
        return re.sub(r"(?<=:)50\d\d\b", lambda port: self._port(port[0]), text)

    def type(self, command: str, wanted: str) -> None:
        """Type a command; raises AssertionError unless it prints what is ``wanted``."""
        python = _PYTHON.fullmatch(command)
        source = (self.folder / python[2]).read_text() if python else ""
        beside = "".join(path.read_text() for path in self.folder.glob("*.py"))
        settings = {name: self.real(url) for name, url in _URL.findall(beside)}
        if "AMQP_URL" in beside:
            settings |= {"AMQP_URL": amqp_url(), "QUEUE": self._queue}
        default = _PORT.search(source)
        if python and default:
            settings["PORT"] = self._port(python[1] or default[1])
        if python and ("PORT" in settings or "start_consuming" in source):
            program = self._start(python, settings)
            begins = self.real(wanted)
            # It goes on, and may have said more by now.
            told = program.until(lambda said: shows(begins, said) or shows(f"{begins}...", said))
            assert told, f"$ {command}\nshown:\n{wanted}\nprinted:\n{program.said}"
        else:
            said = typed(self.real(command), self.folder, settings)
            assert shows(self.real(wanted), said), (
                f"$ {command}\nshown:\n{wanted}\nprinted:\n{said}"
            )

    def _port(self, shown: str) -> str:
        return self._ports.setdefault(shown, str(free_port()))

    def _start(self, python: re.Match[str], settings: dict[str, str]) -> Program:
        path = (self.folder / python[2]).resolve()
        program = Program([sys.executable, path.name], path.parent, settings, "")
        self.running.append(program)
        return program


@contextmanager
def reader(pattern: str, top: Path) -> Generator[Reader]:
    """Somebody in a copy of the patterns, at one of them; what they start ends with the block."""
    copy = top / "patterns"
    shutil.copytree(
        PATTERNS, copy, ignore=shutil.ignore_patterns(".coterie", "__pycache__", "*.sqlite3*")
    )
    somebody = Reader(copy / pattern)
    try:
        yield somebody
    finally:
        for program in somebody.running:
            program.stop()


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(name, marks=pytest.mark.promise(*PROVES[name]) if name in PROVES else ())
        for name in (readme.parent.name for readme in READMES)
    ],
)
def test_what_a_readme_shows_is_what_happens(pattern: str, tmp_path: Path) -> None:
    """Every command of every block, in order."""
    readme = PATTERNS / pattern / "README.md"
    with reader(pattern, tmp_path) as somebody:
        commands = commands_in(readme)
        assert len(commands) > 2
        for command, wanted in commands:
            somebody.type(command, wanted)


def test_a_readme_that_is_not_true_is_noticed(tmp_path: Path) -> None:
    """Control: of a command that ends, and of a program that listens."""
    with reader("01-soa", tmp_path) as somebody:
        with pytest.raises(AssertionError, match="Failed to get greeting"):
            somebody.type("python consumer.py", "Received greeting: Hello from Service A!\n")
        (somebody.folder / "service_a.py").write_text('print("PORT", "5000")')
        with pytest.raises(AssertionError, match="PORT 5000"):
            somebody.type("python service_a.py", "...\n * Running on http://127.0.0.1:5000\n...")


@pytest.mark.parametrize("readme", READMES, ids=lambda readme: readme.parent.name)
def test_a_readme_names_what_is_there(readme: Path) -> None:
    """Every program of the folder, every variable that they look for, and pages that exist."""
    text = readme.read_text()
    programs = sorted(readme.parent.glob("*.py"))
    assert [path.name for path in programs if f"`{path.name}`" not in text] == []
    code = "".join(path.read_text() for path in programs)
    variables = set(re.findall(r'environ\.get\(\s*"(\w+)"', code))
    assert [name for name in variables if f"`{name}`" not in text] == []
    links = re.findall(r"\]\(([\w./-]+)\)", text)
    assert [link for link in links if not (readme.parent / link).exists()] == []
