"""How it looks: colour where somebody looks, one line a row where nobody does."""

import subprocess
from pathlib import Path

from tests.cli.conftest import Coterie
from tests.console.process import COTERIE, Command, Terminal, environment, system
from tests.system.folder import Folder

SERVICE = """
    from coterie import Service, get

    class WideService(Service, version="1.0"):
        @get("/a/path/that/is/quite/long/{and_has}/{some}/{parameters}")
        async def with_a_long_name(self, and_has: int, some: int, parameters: int) -> None:
            '''Does something that takes rather many words to be told, all things considered.'''
"""


def test_colour_is_for_terminals(tmp_path: Path) -> None:
    """A person sees colour; a pipe, and whoever set NO_COLOR, does not."""
    system(tmp_path, wide=SERVICE)
    with Terminal("describe", "wied", cwd=tmp_path) as terminal:
        terminal.shows("\x1b\\[1;31merror: ")
        assert terminal.ends() == 2
    with Terminal("describe", "wied", cwd=tmp_path, NO_COLOR="1") as terminal:
        terminal.shows("lab has no service 'wied'")
        assert terminal.ends() == 2
        assert "\x1b[1;31m" not in terminal.text
    with Command("describe", "wied", cwd=tmp_path) as command:
        assert command.ends() == 2
        assert command.err.text == "error: lab has no service 'wied'. Did you mean wide?\n"


def test_a_pipe_gets_one_line_a_row(coterie: Coterie, home: Folder) -> None:
    """Whoever greps finds whole rows, however wide."""
    system(home.path, wide=SERVICE)
    header, row = coterie("routes").out.splitlines()
    assert header.split() == ["METHOD", "PATH", "OPERATION", "SERVICE", "ALLOW"]
    assert row.index("/a/path") == header.index("PATH")
    assert row.split()[-2:] == ["wide", "anyone"]


def test_a_reader_who_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    """`coterie routes | head -1` ends quietly."""
    system(tmp_path, wide=SERVICE)
    words = " ".join([*COTERIE, "describe", "--as", "openapi"])
    done = subprocess.run(
        ["/bin/sh", "-c", f"{words} | true"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.stderr == ""
