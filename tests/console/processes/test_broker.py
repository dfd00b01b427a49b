"""The broker dies: calls go on, what happens meanwhile is not missed, and it comes back."""

import asyncio
import os
import signal
from pathlib import Path
from time import monotonic

import pytest

from .lab import Lab, eventually, lab, running_lab
from .load import under_load

HOPS = (("GET", "/relay/pids"), ("POST", "/relay/notes"))


async def another(running: Lab, name: str, before: int) -> int:
    """The process that runs under that name by now, once it is up."""

    async def up() -> int | None:
        row = (await running.rows())[name]
        return row.pid if row.state == "up" and row.pid != before else None

    found = await eventually(up, f"another {name}")
    assert found is not None
    return found


@pytest.mark.promise("S2-59")
@pytest.mark.parametrize("engine", ["envoy", "inprocess"])
async def test_no_call_between_services_fails(tmp_path: Path, engine: str) -> None:
    """Killed twice under load, and restarted; last known good is good enough."""
    folder = lab(tmp_path, f'[gateway]\nengine = "{engine}"')
    async with running_lab(folder) as running:
        async with under_load(running.url, rounds=HOPS) as counted:
            for _ in range(2):
                broker = await running.pid("broker")
                os.kill(broker, signal.SIGKILL)
                await another(running, "broker", broker)
            assert await running.restart("broker") == ["broker is up"]
        assert counted.failed == [], str(counted)
        assert counted.sent > 300


async def test_whoever_dies_meanwhile_is_replaced_and_found(tmp_path: Path) -> None:
    """While the broker is away, one of two is killed: reads of it go on without a failure."""
    reads = (("GET", "/relay/pids"), ("GET", "/desk/pid"))
    few = 4  # at a time: of five that are lost at once, the budget of retries gives up the last
    async with running_lab(lab(tmp_path, desk="replicas = 2")) as running:
        async with under_load(running.url, few, rounds=reads) as counted:
            broker, desk = await running.pid("broker"), await running.pid("desk-1")
            os.kill(broker, signal.SIGKILL)
            os.kill(desk, signal.SIGKILL)
            new = await another(running, "desk-1", desk)
            await another(running, "broker", broker)
            await eventually(lambda: _called(counted.answered_by, new), "an answer of it", 2)
        assert counted.failed == [], str(counted)


async def test_a_new_instance_is_known_once_it_is_back(tmp_path: Path) -> None:
    """One that came while the broker was away is called by other services a second later."""
    async with running_lab(lab(tmp_path)) as running:
        async with under_load(running.url, rounds=HOPS) as counted:
            broker = await running.pid("broker")
            os.kill(broker, signal.SIGSTOP)
            scaling = asyncio.create_task(running.scale("desk", 2))
            os.kill(broker, signal.SIGKILL)
            await another(running, "broker", broker)
            began = monotonic()
            assert await scaling == ["desk-2 is up"]
            new = await running.pid("desk-2")
            await eventually(lambda: _called(counted.answered_by, new), "a call of it", 5)
            assert monotonic() - began < 2
        assert counted.failed == [], str(counted)


async def test_one_that_left_meanwhile_is_not_called(tmp_path: Path) -> None:
    """Scaled down while the broker is away: when it is back, nobody is sent there."""
    async with running_lab(lab(tmp_path, desk="replicas = 2")) as running:
        async with under_load(running.url, rounds=HOPS) as counted:
            broker = await running.pid("broker")
            os.kill(broker, signal.SIGKILL)
            assert await running.scale("desk", 1) == ["desk-2 has stopped"]
            await another(running, "broker", broker)
        assert counted.failed == [], str(counted)


async def _called(answered: dict[int, int], pid: int) -> bool:
    return answered[pid] > 0
