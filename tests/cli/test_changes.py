"""`coterie scale`, `restart` and `stop`: changing a system that runs."""

import json
import threading
from pathlib import Path

import pytest

from coterie.cli.running import already_up
from coterie.console.control import AlreadyUp, UpLock
from coterie.system import load
from tests.cli.conftest import Coterie
from tests.cli.test_ps import ORDERS, lab
from tests.console.pretend import Pretend, serving
from tests.console.process import Command, system
from tests.system.folder import Folder


def test_scaling(coterie: Coterie, home: Folder) -> None:
    """Each step is a line; several services one after the other."""
    pretend = Pretend()
    with serving(lab(home.path), pretend):
        assert coterie("scale", "orders=2").out == "orders-1 is up\norders-2 is up\n"
        told = coterie("scale", "orders=1", "--json").json()
    assert told == {"told": "orders-1 is up"}
    assert pretend.asked == [("scale", "orders", 2), ("scale", "orders", 1)]


GROUPED = """
    [process.web]
    together = ["users", "stock"]
"""
WRONG: dict[tuple[str, ...], str] = {
    ("oders=2",): "lab has no service 'oders'. Did you mean orders?",
    ("users=2",): "users runs in process web, with what else is in it. Scale that: web=2",
    ("orders",): "'orders' is no number of instances: write SERVICE=NUMBER, as orders=3",
    ("orders=2.5",): "'orders=2.5' is no number",
    ("orders=-1",): "'orders=-1' is no number",
    ("orders=0",): "orders cannot run 0 instances. To stop it: coterie stop orders",
    ("orders=1001",): "orders cannot run 1001 instances: 1000 at most",
    ("orders=2", "orders=3"): "orders is to run 2 and 3 instances: say one number",
    (".",): "say which service, and how many instances of it",
}


@pytest.mark.parametrize("words", WRONG)
def test_scaling_wrongly(coterie: Coterie, home: Folder, words: tuple[str, ...]) -> None:
    """Nothing is asked before all of it is right."""
    pretend = Pretend()
    system(home.path, GROUPED, orders=ORDERS, users=ORDERS, stock=ORDERS)
    with serving(home.path / ".coterie", pretend):
        done = coterie("scale", *words)
    assert done.code == 2
    assert done.err.startswith(f"error: {WRONG[words]}")
    assert pretend.asked == []


def test_a_supervisor_may_refuse(coterie: Coterie, home: Folder) -> None:
    """Its words and its remedy are told."""
    system(home.path, unfit=ORDERS)
    with serving(home.path / ".coterie", Pretend()):
        done = coterie("scale", "unfit=2")
        machine = coterie("scale", "unfit=2", "--json")
    assert done.err == "error: unfit runs alone\n  Write replicas in coterie.toml\n"
    assert done.code == 1
    assert json.loads(machine.err) == {
        "error": "unfit runs alone",
        "details": ["Write replicas in coterie.toml"],
    }


def test_restarting(coterie: Coterie, home: Folder) -> None:
    """Services, processes, or all; what is misspelt restarts nothing."""
    pretend = Pretend()
    with serving(lab(home.path), pretend):
        assert coterie("restart").out.splitlines()[-1] == "users is up"
        assert coterie("restart", "orders", "gateway").code == 0
        assert coterie("restart", "web-1").code == 0
        done = coterie("restart", "ordrs")
    assert done.err == "error: lab has no service or process 'ordrs'. Did you mean orders?\n"
    assert done.code == 2
    assert pretend.asked == [("restart",), ("restart", "orders", "gateway"), ("restart", "web-1")]


def test_stopping_some(coterie: Coterie, home: Folder) -> None:
    """The rest goes on."""
    pretend = Pretend()
    with serving(lab(home.path), pretend):
        assert coterie("stop", "orders").out == "orders has stopped\n"
        assert coterie("stop", "oders").err.endswith("Did you mean orders?\n")
        assert coterie("ps").code == 0
    assert pretend.asked == [("stop", "orders")]


def test_stopping_all_waits_until_it_is_gone(tmp_path: Path) -> None:
    """Once it returns the system can be started again: `coterie stop && coterie up`."""
    state = lab(tmp_path)
    with (
        serving(state, Pretend()) as end,
        Command("stop", str(tmp_path), cwd=tmp_path.parent) as command,
    ):
        command.says("gateway has stopped")
        with pytest.raises(AlreadyUp):
            UpLock(state).acquire()
        assert command.process.poll() is None
        end.set()
        assert command.ends() == 0
        with UpLock(state):
            pass
    assert command.out.text.splitlines()[-1] == "lab has stopped"
    assert command.err.text == ""


def test_a_path_is_the_system(coterie: Coterie, home: Folder) -> None:
    """`coterie stop lab/` reads as `coterie up lab/` does; a word without a slash is a name."""
    pretend = Pretend()
    with serving(lab(home.path / "lab"), pretend):
        assert coterie("restart", "./lab", "orders").code == 0
        assert coterie("restart", "orders", "--system", "lab").code == 0
        assert "no such" in coterie("restart", "lab").err.lower()
        done = coterie("restart", "./lab", "--system", "lab")
    assert done.err == "error: ./lab and lab are several systems; name one\n"
    assert pretend.asked == [("restart", "orders")] * 2


def test_a_second_up_is_told_of_the_first(home: Folder) -> None:
    """Who runs it, where it answers, and two ways on."""
    loaded = load(lab(home.path).parent)
    told = already_up(
        AlreadyUp(123, "http://127.0.0.1:8080"), loaded, Path("shop"), profile=None, state=None
    )
    assert told.code == 1
    assert told.message == (
        "lab is already up (pid 123, http://127.0.0.1:8080); stop it with `coterie stop ./shop`,"
        " or take another state folder with --state"
    )
    told = already_up(AlreadyUp(), loaded, Path(), profile="test", state=Path("x"))
    assert told.message.startswith(
        "lab is already up; stop it with `coterie stop --profile test --state x`"
    )


def test_steps_come_as_they_happen(tmp_path: Path) -> None:
    """Whoever waits sees how far it is."""
    pretend = Pretend()
    pretend.go = threading.Event()
    with (
        serving(lab(tmp_path), pretend),
        Command("restart", "orders", cwd=tmp_path) as command,
    ):
        command.says("orders restarts")
        assert "is up" not in command.out.text
        pretend.go.set()
        assert command.ends() == 0
    assert command.out.text == "orders restarts\norders is up\n"
