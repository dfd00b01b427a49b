"""`coterie logs`: what the processes have logged, while they run and after."""

import json
import signal
from pathlib import Path

from tests.cli.conftest import Coterie
from tests.cli.test_ps import lab
from tests.console.pretend import Pretend, serving
from tests.console.process import Command, Terminal
from tests.system.folder import Folder


def test_a_line_behind_its_process(coterie: Coterie, home: Folder) -> None:
    """The last lines of each, of those that are named."""
    pretend = Pretend()
    with serving(lab(home.path), pretend):
        done = coterie("logs", "--lines", 1)
        assert done.out == "orders-1   a line 0\nusers-1    a line 0\n"
        assert coterie("logs", "gateway", "-n", 1).out == "gateway    a line 0\n"
        objects = coterie("logs", "orders", "-n", 2, "--json").out.splitlines()
        assert coterie("logs", "gatewya").err.endswith("Did you mean gateway?\n")
        assert coterie("logs", "-n", -1).code == 2
    assert [json.loads(line) for line in objects] == [
        {"source": "orders", "line": "a line 0"},
        {"source": "orders", "line": "a line 1"},
    ]
    assert pretend.asked[1] == ("logs", "gateway", 1, False)


def test_following(tmp_path: Path) -> None:
    """Until Ctrl-C, which ends what is behind it too, or until the system stops."""
    pretend = Pretend()
    with serving(lab(tmp_path), pretend) as end:
        with Command("logs", "-f", "-n", "0", cwd=tmp_path) as command:
            command.says("orders-1   a line\norders-1   a line")
            command.signal(signal.SIGINT)
            assert command.ends() == 130
            assert command.err.text == ""
        with Command("logs", "-f", cwd=tmp_path) as command:
            command.says("users-1    a line 1")
            end.set()
            assert command.ends() == 0
            assert command.err.text == "lab has stopped\n"
    assert pretend.ended == ["logs", "logs"]


def test_a_log_does_not_write_over_the_screen(tmp_path: Path) -> None:
    """The name is in colour; what could move the cursor is shown, not done."""
    pretend = Pretend()
    pretend.text = "so\x1b[2J\rit\tgoes\x9b[markup]"
    with serving(lab(tmp_path), pretend), Terminal("logs", "-n1", cwd=tmp_path) as terminal:
        terminal.shows(r"\x1b\[\d+morders-1  \x1b\[0m")
        terminal.shows(r" so\\x1b\[2J\\x0dit\s+goes\\x9b\[markup\] 0\r\n")
        assert terminal.ends() == 0


def test_what_is_left_of_a_system_that_ended(coterie: Coterie, home: Folder) -> None:
    """Its last words are what somebody looks for who finds it down."""
    kept = lab(home.path) / "logs"
    kept.mkdir(parents=True)
    (kept / "orders-1.log").write_text("one\ntwo\nthree\n")
    (kept / "orders-2.log").write_bytes(b"\xff four\n")
    (kept / "gateway.log").write_text("five\n")
    done = coterie("logs", "orders", "-n", 2)
    assert done.out == "orders-1   two\norders-1   three\norders-2   � four\n"
    assert done.err == "lab is not running here; this is what it has left:\n"
    assert done.code == 0
    assert coterie("logs", "gateway", "--json").json() == {"source": "gateway", "line": "five"}
    assert len(coterie("logs").out.splitlines()) == 5
    assert "Did you mean gateway?" in coterie("logs", "gateaway").err
    assert coterie("logs", "--follow").code == 1
