"""A program ends with whoever started it, however that ends."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from coterie.engine import Failed, Nats, launch
from tests.console.process import gone, until

STARTER = """
    import asyncio, os, subprocess, sys, time
    from pathlib import Path
    from coterie.engine import Nats, launch

    class Plain:
        def __init__(self, command, log):
            self.process = subprocess.Popen(command, env={}, stdout=log, stderr=log)
            self.pid = self.process.pid
        async def wait(self):
            return await asyncio.to_thread(self.process.wait)
        def signal(self, number):
            self.process.send_signal(number)

    async def plainly(command, *, environment, log):
        return Plain(command, log)

    async def main():
        broker = Nats(Path(sys.argv[1]), launch=launch if sys.argv[2] == "ours" else plainly)
        await broker.start()
        print(broker.pid, flush=True)
        time.sleep(600)

    asyncio.run(main())
"""


@pytest.fixture(params=["ours", "plain"])
def orphaned(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, int]]:
    """The number of a broker whose starter was killed with SIGKILL, and how it was launched."""
    command = [sys.executable, "-c", dedent(STARTER), tmp_path, request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert not gone(pid)
        starter.kill()
    yield request.param, pid
    if not gone(pid):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's death")
def test_kill_minus_nine_leaves_no_orphan(orphaned: tuple[str, int]) -> None:
    """The broker dies with the process that started it. Control: launched plainly, it lives on."""
    how, pid = orphaned
    if how == "ours":
        until(lambda: gone(pid), "the end of the broker", patience=5)
    else:
        assert not gone(pid)


async def test_the_terminals_interrupt_is_not_for_it(tmp_path: Path) -> None:
    """It is in a group of its own, and the number told is the program's own."""
    broker = Nats(tmp_path)
    await broker.start()
    try:
        pid = broker.pid
        assert pid is not None
        assert os.getpgid(pid) == pid != os.getpgrp()
        assert os.readlink(f"/proc/{pid}/exe").endswith("/nats-server")  # noqa: PTH115
    finally:
        await broker.stop()


async def test_a_program_gets_what_it_is_given_and_nothing_more(tmp_path: Path) -> None:
    """Arguments as they are, without a shell; the environment; the log. Signals to the dead pass."""
    with tempfile.TemporaryFile() as log:
        code = "import os, sys; print(sys.argv[1:], dict(os.environ), sys.stdin.read() == '')"
        process = await launch(
            [sys.executable, "-c", code, "$HOME; a b", ""],
            environment={"WORD": "a=b", "LC_ALL": "C.UTF-8"},
            log=log.fileno(),
        )
        assert await process.wait() == 0
        assert await process.wait() == 0
        process.signal(signal.SIGTERM)
        log.seek(0)
        expected = "['$HOME; a b', ''] {'WORD': 'a=b', 'LC_ALL': 'C.UTF-8'} True\n"
        assert log.read().decode() == expected


async def test_what_cannot_be_started_is_told(tmp_path: Path) -> None:
    """A launcher that fails is no riddle: the program, the reason, and nothing left behind."""

    async def refusing(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    broker = Nats(tmp_path, launch=refusing)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(Failed, match="nats-server cannot be started: Permission denied"):
        await broker.start()
    assert broker.pid is None


async def test_a_program_that_ends_ill_is_told_with_its_last_words(tmp_path: Path) -> None:
    """Exit code and the end of the log, of this start only."""
    (tmp_path / "nats-server.log").write_text("of an earlier start\n")

    async def dying(*_: object, log: int, **__: object) -> object:
        script = "import sys; sys.exit('I cannot go on')"
        return await launch([sys.executable, "-c", script], environment={}, log=log)

    with pytest.raises(Failed, match="ended at once, with exit code 1") as told:
        await Nats(tmp_path, launch=dying).start()  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert told.value.lines == ("I cannot go on",)


async def test_who_does_not_obey_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop has an end: a broker that is halted cannot go in good order, and is gone all the same."""
    monkeypatch.setattr("coterie.engine.nats._STOP", 0.05)
    broker = Nats(tmp_path)
    await broker.start()
    pid = broker.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    await broker.stop()
    assert await broker.wait() == -signal.SIGKILL
    assert gone(pid)


async def test_a_stop_that_is_cut_short_kills(tmp_path: Path) -> None:
    """A second Ctrl-C cancels the waiting; it does not leave the program behind."""
    broker = Nats(tmp_path)
    await broker.start()
    pid = broker.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    stopping = asyncio.create_task(broker.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert await asyncio.wait_for(broker.wait(), 5) == -signal.SIGKILL
