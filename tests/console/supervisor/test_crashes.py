"""A service that does not stay up: the others run, one sees why, and mending it is enough."""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.console.supervisor.kit import LAB, Running, ask, lab, until

RAISES = """
    from pathlib import Path
    from coterie import Service, get, on_start

    class RaisesService(Service, version="1.0"):
        @on_start
        async def begin(self) -> None:
            print("looking for the key", flush=True)
            if not Path("mended").exists():
                raise RuntimeError("no key")

        @get("/raises")
        async def raises(self) -> str:
            return "mended"
"""
DIES = """
    import asyncio
    import os
    from coterie import Service, get, on_start

    class DiesService(Service, version="1.0"):
        @on_start
        async def begin(self) -> None:
            asyncio.get_running_loop().call_later(0.05, os._exit, 3)

        @get("/dies")
        async def dies(self) -> str:
            return ""
"""
HANGS = """
    import asyncio
    from coterie import Service, get, on_start

    class HangsService(Service, version="1.0"):
        @on_start
        async def begin(self) -> None:
            await asyncio.sleep(600)

        @get("/hangs")
        async def hangs(self) -> str:
            return ""
"""


@pytest.mark.promise("S2-59")
def test_a_loop(tmp_path: Path) -> None:
    """Tried again after growing pauses; told why, with the end of its log, in log and rows."""
    with Running(lab(tmp_path, raises=RAISES, dies=DIES, one=LAB["one"])) as running:
        assert "raises-1" in running.told["away"]
        assert "one-1" not in running.told["away"]
        assert running.get("/one").status == 200
        for name, how in (("raises-1", "no key"), ("dies-1", "ended with exit code 3")):
            until(lambda name=name: running.row(name)["state"] == "crashed", f"{name} crashed")  # type: ignore[misc]
            row = running.row(name)
            assert how in row["note"]
            assert row["pid"] is None
            assert row["restarts"] >= 4
            assert ask(row["address"], "/health/live").status == 0  # it holds nobody up
        assert running.get("/raises").status == 503
        assert running.get("/one").status == 200
        told = running.err.text
        tries = re.findall(r"raises-1 [^\n]*no key[^\n]*?next try in ([\d.]+) s", told)
        assert [float(pause) for pause in tries[:4]] == [0.25, 0.5, 1.0, 2.0]
        assert re.search(r"next try in 0\.5 s\. The last lines of its log:[^\n]*for the key", told)

        (tmp_path / "mended").touch()
        assert running.do("restart", "raises").returncode == 0
        assert running.get("/raises").body == '"mended"'
        row = running.row("raises-1")
        assert (row["state"], row["note"]) == ("up", "")
        refused = running.do("restart", "dies")
        assert "dies-1" in refused.stdout + refused.stderr


def test_never_ready(tmp_path: Path) -> None:
    """What does not start within the patience is ended and tried again; the others are up."""
    with Running(lab(tmp_path, hangs=HANGS, one=LAB["one"]), "--patience", 1) as running:
        assert running.told["away"] == ["hangs-1"]
        assert running.get("/one").status == 200
        assert "1 s" in running.row("hangs-1")["note"]
        first = running.rows()
        running.signal(signal.SIGTERM)
        assert running.ends(10) == 0
        assert first["one-1"]["restarts"] == 0


def test_a_file_that_is_broken_while_it_runs(tmp_path: Path) -> None:
    """Nothing happens until the process ends; then it says what is wrong with the file."""
    with Running(lab(tmp_path)) as running:
        file = tmp_path / "lab" / "one.py"
        good = file.read_text()
        file.write_text(f"{good}\nimport no_such_module\n")
        assert running.get("/one").status == 200
        refused = running.do("restart", "one")  # the one there is goes on
        assert "no_such_module" in refused.stdout + refused.stderr
        assert running.get("/one").status == 200
        os.kill(running.row("one-1")["pid"], signal.SIGKILL)
        until(lambda: "no_such_module" in running.row("one-1")["note"], "its note")
        assert running.get("/two").status == 200
        file.write_text(good)
        assert running.do("restart", "one").returncode == 0
        assert running.get("/one").status == 200
