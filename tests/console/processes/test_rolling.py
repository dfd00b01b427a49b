"""`coterie restart`: every service replaced under load, and nobody outside notices."""

import asyncio
import signal
import subprocess
from pathlib import Path

import pytest

from coterie.console.control import ControlError
from tests.console.process import COTERIE, gone

from .lab import lab, running_lab
from .load import under_load
from .rolling import roll

REQUESTS = 3000


@pytest.mark.parametrize("engine", ["envoy", "inprocess"])
async def test_no_request_fails_while_everything_is_replaced(tmp_path: Path, engine: str) -> None:
    """Reads and writes, straight and over two services; `python -m ...rolling` does 20,000."""
    rolled = await roll(tmp_path, REQUESTS, engine=engine)
    assert rolled.failed == 0, rolled
    assert rolled.requests >= REQUESTS
    assert rolled.processes == 2 * (rolled.rounds + 1), rolled


async def test_control_killed_instead_of_replaced_requests_fail(tmp_path: Path) -> None:
    """Control: without the warning the same load loses requests that are no longer sure."""
    rolled = await roll(tmp_path, 1000, kill=True)
    assert rolled.failed > 0, rolled


async def test_the_verb_says_what_it_does(tmp_path: Path) -> None:
    """One instance after the other; a name of a service, or of one process of it."""
    folder = lab(tmp_path, desk="replicas = 2")
    async with running_lab(folder) as running:
        before = await running.pids()
        done = await asyncio.to_thread(
            subprocess.run,
            [*COTERIE, "restart", "desk", "--system", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "desk-1 is up\ndesk-2 is up\n"), done.stderr
        after = await running.pids()
        assert after["relay-1"] == before["relay-1"]
        assert {after["desk-1"], after["desk-2"]}.isdisjoint(before.values())
        assert await running.restart("desk-2") == ["desk-2 is up"]
        assert (await running.pid("desk-1"), await running.pid("desk-2")) != (
            after["desk-1"],
            after["desk-2"],
        )
        assert await running.pid("desk-1") == after["desk-1"]


async def test_one_that_does_not_start_anew_leaves_the_old_one(tmp_path: Path) -> None:
    """A restart after a bad edit says so, and the service goes on as it was."""
    folder = lab(tmp_path)
    async with running_lab(folder) as running:
        before = await running.pids()
        service = folder / "lab" / "desk.py"
        whole = service.read_text()
        service.write_text(f"{whole}\nraise RuntimeError('no more')\n")
        async with under_load(running.url) as counted:
            with pytest.raises(ControlError) as told:
                await running.restart("desk")
        assert told.value.what.startswith("desk-1 does not start: ")
        assert told.value.what.endswith("; the one there is goes on")
        assert counted.failed == [], str(counted)
        assert await running.pids() == before
        service.write_text(whole)
        assert await running.restart("desk") == ["desk-1 is up"]


async def test_our_own_gateway_is_replaced_too(tmp_path: Path) -> None:
    """At the same port, and no request notices."""
    folder = lab(tmp_path, '[gateway]\nengine = "inprocess"')
    async with running_lab(folder) as running:
        before = await running.pid("gateway")
        async with under_load(running.url) as counted:
            for _ in range(2):
                assert await running.restart("gateway") == ["gateway is up"]
        assert counted.failed == [], str(counted)
        assert await running.pid("gateway") != before


async def test_the_console_is_replaced_too(tmp_path: Path) -> None:
    """The gateway's pages answer throughout."""
    async with running_lab(lab(tmp_path)) as running:
        before = await running.pid("console")
        pages = (("GET", "/health/ready"), ("GET", "/openapi.json"))
        async with under_load(running.url, 4, pages) as counted:
            assert await running.restart("console") == ["console is up"]
        assert counted.failed == [], str(counted)
        assert await running.pid("console") != before


async def test_a_system_that_is_stopped_meanwhile_stops(tmp_path: Path) -> None:
    """What is being replaced is not started again, and nothing is left."""
    async with running_lab(lab(tmp_path)) as running:
        seen = {row.pid for row in (await running.rows()).values()}
        restarting = asyncio.create_task(running.restart())
        await asyncio.sleep(0.1)
        seen |= {row.pid for row in (await running.rows()).values()}
        running.command.signal(signal.SIGTERM)
        assert await asyncio.to_thread(running.command.ends) == 0
        await asyncio.gather(restarting, return_exceptions=True)
        assert all(gone(pid) for pid in seen if pid is not None)
        assert not _left(running.state)


def _left(state: Path) -> list[str]:
    """Command lines of processes that know the folder ``state``."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = place.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(state) in line:
            found.append(line)
    return found
