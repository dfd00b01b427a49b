"""`coterie ps`: every process of a running system."""

import json
from pathlib import Path

import pytest

from coterie.cli.units import size, span
from tests.cli.conftest import Coterie
from tests.console.pretend import ROWS, Pretend, serving
from tests.console.process import Command, Terminal, system
from tests.system.folder import Folder

ORDERS = """
    from coterie import Service, get

    class OrdersService(Service, version="1.0"):
        @get("/orders")
        async def orders(self) -> None: ...
"""


def lab(folder: Path) -> Path:
    """A system, and where it keeps its state."""
    return system(folder, orders=ORDERS) / ".coterie"


def test_a_row_a_process(coterie: Coterie, home: Folder) -> None:
    """What each is, as people read it; what is not known is a dash."""
    with serving(lab(home.path), Pretend()):
        header, orders, web, gateway = coterie("ps").out.splitlines()
    assert header.split("  ")[0] == "NAME"
    for told in ("orders-1 ", "up ", "4711", "http://127.0.0.1:40001", "14 MiB", "1 h 2 min"):
        assert told in orders
    assert orders.split()[-2:] == ["3", "1234"]
    assert web.startswith("web-1 (users, stock)  crashed")
    assert web.endswith("ended with exit code 1; again in 8 s")
    assert gateway.split() == ["gateway", "up", "4712", "-", "99", "B", "0", "7", "s", "0", "0"]
    # Numbers end where their titles do.
    for title, told in (("PID", "4711"), ("MEMORY", "14 MiB"), ("CALLS", "1234")):
        assert orders.index(told) + len(told) == header.index(title) + len(title)


def test_machines_get_a_list(coterie: Coterie, home: Folder) -> None:
    """Bytes and seconds are numbers there."""
    with serving(lab(home.path), Pretend()):
        rows = coterie("ps", ".", "--json").json()
    assert [row["name"] for row in rows] == [row.name for row in ROWS]
    assert rows[0]["memory"] == 14 * 2**20
    assert rows[0]["age"] == 3725.5
    assert rows[1]["pid"] is None


def test_another_state_folder(coterie: Coterie, home: Folder, tmp_path: Path) -> None:
    """As `coterie up --state` has it."""
    lab(home.path)
    with serving(tmp_path / "elsewhere", Pretend()):
        assert coterie("ps").code == 1
        assert "orders-1" in coterie("ps", "--state", tmp_path / "elsewhere").out


VERBS = (
    ("ps",),
    ("ps", "--watch"),
    ("scale", "orders=2"),
    ("restart",),
    ("stop",),
    ("logs", "--follow"),
    ("logs",),
)


@pytest.mark.parametrize("words", VERBS)
def test_it_is_not_running(coterie: Coterie, home: Folder, words: tuple[str, ...]) -> None:
    """One sentence, and how to start it: a command that can be pasted."""
    lab(home.path / "my lab")
    system = () if words[0] == "ps" else ("--system",)
    done = coterie(*words, *system, "my lab")
    start = "coterie up './my lab'"
    assert done.err == f"error: lab is not running here; start it with `{start}`\n"
    assert (done.code, done.out) == (1, "")
    lab(home.path)
    done = coterie(*words, "--json", "--state", "else where")
    assert json.loads(done.err) == {
        "error": "lab is not running here; start it with `coterie up --state 'else where'`"
    }


def test_watching(tmp_path: Path) -> None:
    """In a terminal the table is drawn anew, in colour; it ends with the system."""
    with serving(lab(tmp_path), Pretend(), beat=0.01) as end:
        with Terminal("ps", "--watch", cwd=tmp_path) as terminal:
            terminal.shows("\x1b\\[32mup ")
            terminal.shows("\x1b\\[1;31mcrashed")
            terminal.shows("\x1b\\[2K")
            terminal.type("\x03")
            assert terminal.ends() == 130
        with Command("ps", "--watch", "--json", cwd=tmp_path) as command:
            command.says(r"\]\n\[")
            end.set()
            assert command.ends() == 0
    assert command.err.text == "lab has stopped\n"
    assert {len(json.loads(line)) for line in command.out.text.splitlines()} == {3}


def test_a_refusal_is_told(coterie: Coterie, home: Folder) -> None:
    """What went wrong behind the socket, and what to do."""
    pretend = Pretend()
    pretend.defect = ZeroDivisionError("half of nothing")
    with serving(lab(home.path), pretend):
        done = coterie("ps")
    assert done.code == 1
    assert done.err.splitlines()[0].endswith("ZeroDivisionError: half of nothing")
    assert done.err.splitlines()[1].startswith("  Its log tells where")


def test_units() -> None:
    """As people read them."""
    sizes = {0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 14 * 2**20: "14 MiB", 3 << 29: "1.5 GiB"}
    assert {count: size(count) for count in sizes} == sizes
    spans = {0.9: "0 s", 59.9: "59 s", 60: "1 min", 3725: "1 h 2 min", 187_200: "2 d 4 h"}
    assert {seconds: span(seconds) for seconds in spans} == spans
