"""Completion: what the shell offers when Tab is pressed."""

import os
import subprocess
from collections.abc import Callable

import pytest

from tests.cli.conftest import Coterie
from tests.console.process import COTERIE, environment, system
from tests.system.folder import Folder

LAB = """
    from coterie import Service, Struct, call, post
    print("what a module prints is no completion")

    class New(Struct):
        name: str
        number: int = 1

    class LabService(Service, version="1.0"):
        @post("/things")
        async def add(self, new: New) -> None:
            '''Adds a thing.'''

        @call()
        async def hidden(self) -> None: ...
"""


Offered = Callable[[str], list[str]]


@pytest.fixture
def offered(coterie: Coterie, home: Folder, monkeypatch: pytest.MonkeyPatch) -> Offered:
    """What bash offers after a line, in a folder with a system."""
    system(home.path, bench=LAB)

    def pressed(line: str) -> list[str]:
        monkeypatch.setenv("_COTERIE_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        done = coterie()
        assert done.err == ""
        return done.out.split()

    return pressed


def test_verbs_and_options(offered: Offered) -> None:
    """Without importing anything of the user's."""
    assert offered("coterie des") == ["describe"]
    assert offered("coterie up --po") == ["--port"]
    assert "--parent" not in offered("coterie up --p")


def test_services_and_operations(offered: Offered) -> None:
    """Of the system at hand, or of the one that was named."""
    assert offered("coterie describe ") == ["bench"]
    assert offered("coterie migrate --service b") == ["bench"]
    assert offered("coterie call l") == ["lab-service.add"]
    assert offered("coterie call lab-service.add n") == ["name=", "number="]
    os.chdir("..")
    assert offered("coterie call l") == []
    assert offered("coterie call --system home l") == ["lab-service.add"]


def test_a_broken_system_offers_nothing(offered: Offered, home: Folder) -> None:
    """And prints nothing: somebody is in the middle of a line."""
    home.write("lab/bench.py", "1 / 0\n")
    assert offered("coterie call l") == []
    home.toml("[")
    assert offered("coterie describe ") == []


def test_it_can_be_installed() -> None:
    """The script is for the command's own name."""
    done = subprocess.run(
        ["/bin/bash", "-c", f"{' '.join(COTERIE)} --show-completion; true"],
        env=environment(),
        capture_output=True,
        check=False,
        text=True,
    )
    assert "_COTERIE_COMPLETE=complete_bash" in done.stdout
