"""The end of a system, in good order or not: nothing of it is left."""

import os
import signal
from pathlib import Path

import pytest

from tests.console.process import Answer
from tests.console.supervisor.kit import LAB, Running, lab, lives, none_left, until, without

PARENT = """
    import asyncio
    import subprocess
    from pathlib import Path
    from coterie import Service, get, on_start, on_stop

    class OneService(Service, version="1.0"):
        @on_start
        async def begin(self) -> None:
            subprocess.Popen(["sleep", "600"])
            subprocess.Popen(["sleep", "601"], start_new_session=True)
            subprocess.Popen("trap '' TERM; while :; do sleep 1; done", shell=True)

        @get("/one/slow")
        async def slow(self) -> str:
            Path("begun").touch()
            while not Path("go").exists():
                await asyncio.sleep(0.01)
            return "finished"

        @on_stop
        async def end(self) -> None:
            Path("ended").touch()
"""


def test_killed(tmp_path: Path) -> None:
    """After SIGKILL to the supervisor every process is gone, those too that services started."""
    with Running(lab(tmp_path, one=PARENT.replace(", start_new_session=True", ""))) as running:
        everyone = running.everyone()
        assert len(everyone) >= 9
        running.process.kill()
        running.process.wait()
        none_left(everyone, 2)


def test_killed_without_the_fork_server_s_care(tmp_path: Path) -> None:
    """Control: what a service has started is nobody's, when nobody looks for it."""
    taken = "import coterie.console.supervisor.forkserver as at\nat.sweep = lambda sessions: None\n"
    path = without(tmp_path, taken)
    with Running(lab(tmp_path, one=PARENT), PYTHONPATH=path) as running:
        rows = {row["pid"] for row in running.rows().values()}
        strays = running.everyone() - rows
        running.process.kill()
        running.process.wait()
        try:
            none_left(rows, 2)
            assert all(map(lives, strays))
        finally:
            _kill(strays)


def test_killed_without_the_kernel_s_word(tmp_path: Path) -> None:
    """Control: without the signal at their parent's death, and without care, programs live on."""
    taken = (
        "import coterie.console.supervisor.forkserver as at\n"
        "at.sweep = lambda sessions: None\nat.end_with = lambda parent: None\n"
    )
    path = without(tmp_path, taken)
    with Running(lab(tmp_path), PYTHONPATH=path) as running:
        everyone = running.everyone() - {running.pid}
        programs = {running.row(name)["pid"] for name in ("broker", "gateway")}
        running.process.kill()
        running.process.wait()
        try:
            assert all(map(lives, programs))
        finally:
            _kill(everyone)


@pytest.mark.parametrize("how", ["terminal", "SIGHUP", "stop"])
def test_in_good_order(tmp_path: Path, how: str) -> None:
    """A call under way is answered, then all end: the exit code is 0, and nothing is left."""
    with Running(lab(tmp_path, one=PARENT, two=LAB["two"])) as running:
        everyone = running.everyone()
        answer = Answer(int(running.url.rpartition(":")[2]), "/one/slow")
        until((tmp_path / "begun").exists)
        if how == "terminal":
            running.interrupt()
        elif how == "SIGHUP":
            running.signal(signal.SIGHUP)  # the terminal was closed
        else:
            assert running.control(do="stop", names=[])["told"] == "lab is stopping"
        until(lambda: running.get("/two").status != 200, "the gateway closed")
        assert running.process.poll() is None
        (tmp_path / "go").touch()
        assert (answer.come().status, answer.body) == (200, '"finished"')
        assert running.ends(10) == 0
        none_left(everyone, 0)
        assert "Traceback" not in running.err.text
    assert (tmp_path / "ended").exists()
    assert _left_in(tmp_path / "state") == []


def test_twice(tmp_path: Path) -> None:
    """Ctrl-C once more ends at once: the call is broken off, and nothing is left."""
    with Running(lab(tmp_path, one=PARENT, two=LAB["two"])) as running:
        everyone = running.everyone()
        answer = Answer(int(running.url.rpartition(":")[2]), "/one/slow")
        until((tmp_path / "begun").exists)
        running.interrupt()
        until(lambda: running.get("/two").status != 200, "the gateway closed")
        running.interrupt()
        assert running.ends(5) == 130
        none_left(everyone, 1)
        assert answer.come().status != 200
        assert "Traceback" not in running.err.text
    assert "control.sock" not in _left_in(tmp_path / "state")


def test_interrupted_before_it_is_up(tmp_path: Path) -> None:
    """Ctrl-C while services start ends at once, too."""
    slow = """
        import asyncio
        from pathlib import Path
        from coterie import Service, on_start

        class OneService(Service, version="1.0"):
            @on_start
            async def begin(self) -> None:
                Path("begun").touch()
                await asyncio.sleep(600)
    """
    with Running(lab(tmp_path, one=slow), wait=False) as running:
        until((tmp_path / "begun").exists)
        everyone = running.everyone()
        running.interrupt()
        assert running.ends(5) == 130
        none_left(everyone, 1)
        assert "Traceback" not in running.err.text


def _left_in(state: Path) -> list[str]:
    """Sockets, and what points to them."""
    return [path.name for path in state.rglob("*") if path.is_socket() or path.suffix == ".path"]


def _kill(pids: set[int]) -> None:
    for pid in pids:
        if lives(pid):
            os.kill(pid, signal.SIGKILL)
