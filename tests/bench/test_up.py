"""A system that the bench brings up, kills parts of, and takes down again."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bench.ask import status
from bench.cores import Cores
from bench.figures import discovery, recovery
from bench.server import ServerError
from bench.setting import QUICK, Setting
from bench.systems import TARGET, small, system
from bench.up import Spent, Up

from .test_processes import alive

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a fork server is Linux only")


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    """Here, on any core, quickly."""
    nowhere: frozenset[int] = frozenset()
    return Setting(Path(sys.executable), tmp_path, Cores(nowhere, nowhere), QUICK, {})


@pytest.fixture
async def up(setting: Setting) -> AsyncGenerator[Up]:
    """Two small services."""
    started = Up(setting, small(setting.folder / "small", 2))
    try:
        await started.start()
        yield started
    finally:
        await started.stop()


async def test_generated_services_answer_and_leave_nothing_behind(up: Up) -> None:
    """Through the gateway, each a process of its own; all end with the system."""
    there = await up.processes()
    assert {"s1-1", "s2-1", "gateway", "console"} <= set(there)
    assert [await status(up.port, f"/api/s{n}/ping") for n in (1, 2, 3)] == [200, 200, 404]
    pids = [row.pid for row in there.values() if row.pid is not None]
    assert Spent(pids).used() > 0
    await up.stop()
    async with asyncio.timeout(5):
        while any(map(alive, pids)):  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.01)


async def test_recovery_is_timed_from_the_kill(up: Up) -> None:
    """The process that answers afterwards is another one."""
    before = (await up.processes())["s1-1"].pid
    seconds, _ = await recovery._one(up, before, "/api/s1/ping")
    assert 0 < seconds < recovery.LIMIT
    assert (await up.processes())["s1-1"].pid not in (before, None)
    with pytest.raises(ServerError, match="not served"):
        await recovery._one(up, before, "/api/nothing")


async def test_the_caller_remembers_whom_it_called_and_what_failed(setting: Setting) -> None:
    """Chosen while there, no longer when dead; with nobody left, calls fail and are told."""
    up = Up(setting, system(setting.folder / "target", f"{TARGET}replicas = 2\n"))
    caller = discovery._program(setting, up, "caller")
    try:
        await up.start()
        await caller.start()

        async def told(since: float, name: str, pid: int) -> discovery._Remembered:
            asked = {"since": since, "name": name, "pid": pid}
            return await caller.ask(asked, discovery._Remembered)

        began = time.monotonic()
        pid = (await up.processes())["target-1"].pid or 0
        async with asyncio.timeout(10):
            while not (seen := await told(began, "target-1", pid)).chosen:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert seen.calls > 0
        assert not seen.failed
        os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        await discovery._again(up, "target-1", pid)
        assert (await told(killed + 1, "target-1", pid)).answered is None
        await up.tell("stop", "target", "--system", str(up.system))
        async with asyncio.timeout(20):
            while not (await told(killed, "target-1", pid)).failed:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        await caller.stop()
        await up.stop()
