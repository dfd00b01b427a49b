"""Faults for the services of a running system: handed to those that run, and to those to come."""

import os
import signal
from pathlib import Path

import pytest

from coterie.client.http1 import Pool
from coterie.console.control import ControlClient, ControlError
from coterie.contract import Code
from coterie.policy.inject import Rule
from tests.console.processes.lab import Lab, eventually, lab, running_lab

FAIL = Rule(kind="failure", on="desk", code=Code.RESOURCE_EXHAUSTED)


async def told(client: ControlClient, *rules: Rule) -> list[str]:
    return [line async for line in client.faults(7, rules)]


async def status(running: Lab, path: str) -> int:
    async with Pool(running.url) as pool:
        return (await pool.request("GET", path, (), b"")).status


async def test_rules_reach_every_instance_and_go_again(tmp_path: Path) -> None:
    """Also one that is started while they are in force; the other services never notice."""
    async with running_lab(lab(tmp_path), "--harmed") as running:
        assert await status(running, "/desk/pid") == 200
        assert await told(running.client, FAIL) == ["1 rules are in force"]

        async def fails() -> bool:
            return await status(running, "/desk/pid") == Code.RESOURCE_EXHAUSTED.status

        await eventually(fails, "the rule in force")
        before = await running.pid("desk-1")
        os.kill(before, signal.SIGKILL)

        async def another() -> bool:
            return (await running.pids("desk-1"))["desk-1"] not in (before, None)

        await eventually(another, "another process")
        await eventually(fails, "the rule in force there too")
        assert await told(running.client) == ["no rules are in force"]

        async def well() -> bool:
            return await status(running, "/desk/pid") == 200

        await eventually(well, "no rule any more")


async def test_a_system_that_is_not_to_be_harmed_is_not(tmp_path: Path) -> None:
    """Whoever may open its control socket can stop it, but cannot make it go wrong unseen."""
    async with running_lab(lab(tmp_path)) as running:
        with pytest.raises(ControlError, match="was not started to be harmed"):
            await told(running.client, FAIL)
        assert await status(running, "/desk/pid") == 200
