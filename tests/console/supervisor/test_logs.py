"""The log of a system: one stream, a file a process, and nobody who holds up the others."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.console.process import COTERIE, environment
from tests.console.supervisor.kit import LAB, Running, ask, lab, objects, until, without

NOISY = """
    import asyncio
    import logging
    import sys
    from pathlib import Path
    from coterie import Service, blocking, get

    log = logging.getLogger("noisy")

    class NoisyService(Service, version="1.0"):
        @get("/noise")
        @blocking
        def noise(self) -> str:
            Path("begun").touch()
            for number in range(1000):
                sys.stdout.write("".join(f"line {number * 1000 + i}\\n" for i in range(1000)))
            sys.stdout.flush()
            return "done"

        @get("/odd")
        async def odd(self) -> str:
            sys.stdout.write('{"not": json}\\n{"process": "two", "a": 1}\\n{}\\n[1]\\nfa\u2028r\\n\\n')
            sys.stdout.flush()
            sys.stdout.buffer.write(b"\\xff\\xfe\\n")
            sys.stdout.buffer.flush()
            log.warning("a word \u2028 of %s", "mine")
            return "done"
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A system with a service that says much."""
    with Running(lab(tmp_path_factory.mktemp("logs"), noisy=NOISY, two=LAB["two"])) as system:
        yield system


def test_following(running: Running) -> None:
    """`coterie logs --follow` shows what was, and what comes, once."""
    assert running.get("/odd").status == 200
    until(lambda: "of mine" in (running.state / "logs" / "noisy-1.log").read_text(errors="replace"))
    where = ["--system", str(running.folder), "--state", str(running.state)]
    with subprocess.Popen(
        [*COTERIE, "logs", "noisy", "--follow", "--json", *where],
        cwd=running.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        seen: list[str] = []
        try:
            while not any("of mine" in line for line in seen):
                seen.append(json.loads(following.stdout.readline())["line"])
            assert running.get("/odd").status == 200
            while sum("of mine" in line for line in seen) < 2:
                seen.append(json.loads(following.stdout.readline())["line"])
        finally:
            following.send_signal(signal.SIGINT)
            following.stdout.read()
        assert seen.count('{"not": json}') == 2


def test_one_stream(running: Running) -> None:
    """With --json each line is an object that names its process, whatever a service prints.

    The system ends here.
    """
    assert running.get("/odd").status == 200
    os.kill(running.row("two-1")["pid"], signal.SIGKILL)  # so that the supervisor speaks, too
    running.logs('"process":"supervisor".*two-1 was ended by SIGKILL')
    running.logs("of mine")
    running.signal(signal.SIGTERM)
    assert running.ends() == 0
    told = objects(running.err.text)
    assert all(isinstance(line["process"], str) for line in told)
    mine = [line for line in told if line["process"] == "noisy-1"]
    assert any(line.get("message") == '{"not": json}' for line in mine)
    assert any(line.get("a") == 1 for line in mine)
    assert any(line.get("message") == "fa\u2028r" for line in mine)
    assert any(line.get("message") == "a word \u2028 of mine" for line in mine)
    kept = (running.state / "logs" / "noisy-1.log").read_text(errors="replace")
    assert '{"not": json}\n' in kept
    assert "of mine" in kept


def test_with_names_for_people(tmp_path: Path) -> None:
    """Without --json, every line begins with the name of its process."""
    running = _placed(lab(tmp_path))
    command = [*COTERIE, "up", str(tmp_path), "--port", "0", "--state", str(running.state)]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while b"ready in" not in process.stdout.readline():
            pass
        pid = running.row("two-1")["pid"]
        os.kill(pid, signal.SIGKILL)
        line = process.stderr.readline().decode()
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        rest = process.stderr.read().decode()
    assert process.returncode == 0
    assert "two-1 was ended by SIGKILL" in line
    assert all(" | " in told for told in (line + rest).splitlines())


def test_a_flood(tmp_path: Path) -> None:
    """A million lines of one service: the others answer, so does the supervisor, files end."""
    with Running(lab(tmp_path, noisy=NOISY, two=LAB["two"])) as running:
        _flood(running)


def _flood(running: Running) -> None:
    url = running.row("noisy-1")["address"]
    asking = running.row("two-1")["address"]
    request = subprocess.Popen(
        ["python3", "-c", f"import urllib.request as r; r.urlopen('{url}/noise').read()"]
    )
    until((running.folder / "begun").exists)
    slowest = 0.0
    while request.poll() is None:
        began = time.perf_counter()
        assert running.row("two-1")["state"] == "up"
        assert ask(asking, "/two").status == 200
        slowest = max(slowest, time.perf_counter() - began)
    assert slowest < 1
    folder = running.state / "logs"
    until(lambda: "line 999999" in (folder / "noisy-1.log").read_text()[-2000:], "the last line")
    files = sorted(folder.glob("noisy-1.log*"))
    assert [file.name for file in files] == ["noisy-1.log", "noisy-1.log.1"]
    assert all(file.stat().st_size <= 8 * 2**20 for file in files)
    last = [line["line"] for line in objects(running.do("logs", "noisy", "-n", 1000).stdout)]
    assert len(last) == 1000
    numbered = [line for line in last if line.startswith("line ")]  # others tell of the request
    assert numbered == [f"line {n}" for n in range(1_000_000 - len(numbered), 1_000_000)]
    assert len(numbered) > 900


_DIRECTLY = """
    import os
    import coterie.console.supervisor.outlet as at
    at.Outlet.write = lambda self, text: os.write(2, text.encode())
"""


@contextmanager
def _unread(folder: Path, **changes: str) -> Generator[tuple[Running, subprocess.Popen[bytes]]]:
    """A system whose standard error is a pipe that nobody reads."""
    running = _placed(lab(folder, noisy=NOISY, two=LAB["two"]))
    command = [*COTERIE, "up", str(folder), "--port", "0", "--state", str(running.state)]
    process = subprocess.Popen(
        [*command, "--json"],
        cwd=folder,
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        running.url = json.loads(process.stdout.readline())["url"]
        yield running, process
    finally:
        process.kill()
        process.communicate()


def test_nobody_reads(tmp_path: Path) -> None:
    """A pipe that is full holds up neither services nor the supervisor, nor its end."""
    with _unread(tmp_path) as (running, process):
        assert running.get("/noise").status == 200
        before = running.row("two-1")
        os.kill(before["pid"], signal.SIGKILL)  # so that the supervisor speaks, too
        until(lambda: running.row("two-1")["restarts"] == before["restarts"] + 1)
        assert running.get("/two").status == 200
        told = Path(f"/proc/{process.pid}/status").read_text()
        peak = next(line for line in told.splitlines() if line.startswith("VmHWM:"))
        assert int(peak.split()[1]) < 200_000  # kB: what is not read is not kept without end
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


def test_nobody_reads_and_we_wait(tmp_path: Path) -> None:
    """Control: where the supervisor writes by itself, it stands still, and the services after it."""
    with _unread(tmp_path, PYTHONPATH=without(tmp_path, _DIRECTLY)) as (running, _):
        assert running.get("/noise", patience=1.5).status == 0


def _placed(folder: Path) -> Running:
    """To ask a system that was started otherwise."""
    running = Running.__new__(Running)
    running.folder, running.state = folder, folder / "state"
    return running
