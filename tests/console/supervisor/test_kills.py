"""Every process of a system is killed in turn: the rest answers, and it comes back by itself."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.supervisor.kit import Running, ask, descendants, lab, lives, none_left, until

_BACK = 2.0
"""Seconds within which what was killed serves again."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A system of two services, behind Envoy, on its own broker."""
    with Running(lab(tmp_path_factory.mktemp("kills"))) as system:
        yield system


def _killed(running: Running, name: str) -> tuple[int, float]:
    """Kill the process called ``name``; its number, and when."""
    row = running.row(name)
    assert row["state"] == "up"
    os.kill(row["pid"], signal.SIGKILL)
    return row["pid"], time.perf_counter()


def _back(running: Running, name: str, pid: int, restarts: int) -> None:
    def back() -> bool:
        row = running.row(name)
        return row["state"] == "up" and row["pid"] not in (pid, None)

    until(back, f"{name} back", _BACK)
    assert running.row(name)["restarts"] == restarts + 1


@pytest.mark.promise("S2-59")
@pytest.mark.parametrize(
    ("name", "path", "other"), [("one-1", "/one", "/two"), ("two-1", "/two", "/one")]
)
def test_a_service(running: Running, name: str, path: str, other: str) -> None:
    """The others answer while it is away, and a call to it waits instead of failing."""
    before = running.row(name)
    pid, since = _killed(running, name)
    assert running.get(other).status == 200
    until(lambda: running.get(path).status == 200, f"{path} served again", _BACK)
    assert time.perf_counter() - since < _BACK
    _back(running, name, pid, before["restarts"])
    assert running.row(name)["address"] == before["address"]


@pytest.mark.promise("S2-59")
def test_the_gateway(running: Running) -> None:
    """Services answer at their own addresses meanwhile; the gateway keeps its port."""
    before = running.rows()
    pid, since = _killed(running, "gateway")
    for name, path in (("one-1", "/one"), ("two-1", "/two")):
        assert ask(before[name]["address"], path).status == 200
    until(lambda: running.get("/one").status == 200, "the gateway", _BACK)
    assert time.perf_counter() - since < _BACK
    _back(running, "gateway", pid, before["gateway"]["restarts"])
    assert running.get("/two").status == 200


@pytest.mark.promise("S2-59")
@pytest.mark.parametrize("name", ["console", "broker", "starter"])
def test_what_they_stand_on(running: Running, name: str) -> None:
    """Without the console, the broker or the fork server, every call is answered as before."""
    restarts = running.row(name)["restarts"]
    pid, since = _killed(running, name)
    while running.row(name)["pid"] == pid and time.perf_counter() - since < _BACK:
        assert running.get("/one").status == running.get("/two").status == 200
    _back(running, name, pid, restarts)
    assert running.get("/one").status == running.get("/two").status == 200


def test_a_call_that_ends_the_process(running: Running) -> None:
    """Whoever called is told at once, and the next one is served."""
    before = running.row("two-1")
    assert running.post("/two/die").status in (502, 503)
    assert running.get("/two").status == 200
    running.logs(r"two-1 ended with exit code 3")
    after = running.row("two-1")
    assert (after["restarts"], after["state"]) == (before["restarts"] + 1, "up")
    assert after["pid"] != before["pid"]


def test_nothing_is_lost_without_the_fork_server(tmp_path: Path) -> None:
    """A service that dies at the same moment is back as soon as there is another fork server."""
    with Running(lab(tmp_path)) as running:
        rows = running.rows()
        for name in ("starter", "one-1"):
            os.kill(rows[name]["pid"], signal.SIGKILL)
        assert running.get("/two").status == 200
        until(lambda: running.get("/one").status == 200, "/one served again", 5)
        until(lambda: running.row("one-1")["restarts"] == 1)
        everyone = running.everyone()
        # What the first fork server forked is known to the second one, too.
        running.process.kill()
        running.process.wait()
        none_left(everyone, 2)


PARENT = """
    import subprocess
    from coterie import Service, get, on_start

    class OneService(Service, version="1.0"):
        @on_start
        async def begin(self) -> None:
            subprocess.Popen("sleep 600; true", shell=True, close_fds=False)

        @get("/one")
        async def one(self) -> str:
            return "one"
"""


def test_who_is_killed_leaves_nothing(tmp_path: Path) -> None:
    """What a service has started goes when the service goes, and is reaped; its own does not."""
    with Running(
        lab(tmp_path, one=PARENT, two=PARENT.replace("One", "Two").replace("/one", "/two"))
    ) as running:
        row = running.row("one-1")
        theirs = descendants(running.row("two-1")["pid"])
        left = descendants(row["pid"])
        assert len(left) == len(theirs) == 2
        for pid in left:  # a connection that is made to us must not wait there
            opened = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()]
            assert not any(name.startswith("socket:") for name in opened)
        os.kill(row["pid"], signal.SIGKILL)
        none_left(left, 2)
        for pid in left:
            until(lambda pid=pid: not Path(f"/proc/{pid}").exists(), "its burial", 2)  # type: ignore[misc]
        until(lambda: running.row("one-1")["state"] == "up", "one-1", _BACK)
        assert all(map(lives, theirs))
        known = {row["pid"] for row in running.rows().values()}
        assert len(running.everyone() - known) == 4
