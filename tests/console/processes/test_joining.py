"""`coterie up --join`: a process from elsewhere serves in the place of the system's own."""

import asyncio
import os
import signal
from pathlib import Path
from time import monotonic

from coterie.client.http1 import Pool
from tests.console.process import Command

from .lab import Lab, eventually, lab, running_lab
from .load import under_load


def joined(running: Lab, services: str, folder: Path | None = None) -> Command:
    """`coterie up --join` in a process of its own."""
    place = folder or running.folder
    return Command("up", place, "--state", running.state, "--join", services, cwd=place)


async def told(command: Command, pattern: str) -> None:
    """Wait for a line of it."""
    await asyncio.to_thread(command.says, pattern)


async def by(running: Lab, wanted: int) -> None:
    """Wait until every answer of `desk` is that process's."""
    async with Pool(running.url) as pool:

        async def all_by() -> bool:
            found = await asyncio.gather(*(pool.request("GET", "/relay/pids") for _ in range(8)))
            return all(a.status == 200 and a.body.endswith(b",%d]" % wanted) for a in found)

        await eventually(all_by, f"answers of {wanted}", 5)


async def back(running: Lab) -> bool:
    """Whether the system's own answers."""
    rows = await running.rows()
    return rows["desk-1"].state == "up" and not any(row.note == "joined" for row in rows.values())


async def test_requests_go_to_who_joined_until_it_leaves(tmp_path: Path) -> None:
    """Straight and over another service; Ctrl-C brings the system's own back, and none fails."""
    async with running_lab(lab(tmp_path)) as running, under_load(running.url) as counted:
        with joined(running, "desk") as guest:
            await told(guest, r"^desk-joined-\d+ serves desk at http://127")
            pid = guest.process.pid
            await by(running, pid)
            row = (await running.rows())[f"desk-joined-{pid}"]
            assert (row.state, row.pid, row.note) == ("up", pid, "joined")
            guest.signal(signal.SIGINT)
            assert await asyncio.to_thread(guest.ends) == 0, guest.err.text
            assert await back(running)
            await by(running, await running.pid("desk-1"))
        assert counted.failed == [], str(counted)


async def test_who_leaves_at_once_leaves_nothing_behind(tmp_path: Path) -> None:
    """Before the system's own have even gone; each of them runs once, and is called."""
    async with running_lab(lab(tmp_path)) as running, under_load(running.url) as counted:
        for _ in range(2):
            with joined(running, "desk") as guest:
                await eventually(lambda: _joined(running), "the guest")
                guest.signal(signal.SIGINT)
                assert await asyncio.to_thread(guest.ends) == 0, guest.err.text
            await eventually(lambda: back(running), "the system's own")
            await by(running, await running.pid("desk-1"))
    assert counted.failed == [], str(counted)


async def _joined(running: Lab) -> bool:
    return any(row.note == "joined" for row in (await running.rows()).values())


async def test_one_that_is_killed_is_replaced_within_a_second(tmp_path: Path) -> None:
    """Nobody need say goodbye: its end is seen; later requests wait instead of failing."""
    async with running_lab(lab(tmp_path)) as running:
        with joined(running, "desk") as guest:
            await told(guest, r"serves desk")
            await by(running, guest.process.pid)
            guest.signal(signal.SIGKILL)
            began = monotonic()
            await asyncio.to_thread(guest.ends)
            async with Pool(running.url) as pool:
                await eventually(lambda: _answers(pool), "an answer", 5)
            assert monotonic() - began < 1
            await eventually(lambda: back(running), "the system's own")
        await by(running, await running.pid("desk-1"))


async def _answers(pool: Pool) -> bool:
    return (await pool.request("GET", "/desk/pid")).status == 200


async def test_another_version_is_refused(tmp_path: Path) -> None:
    """With what to do; the system's own go on."""
    async with running_lab(lab(tmp_path / "home")) as running:
        other = lab(tmp_path / "other")
        contracts = other / "lab" / "contracts.py"
        text = contracts.read_text()
        contracts.write_text(
            text.replace(
                'class Desk(Contract, version="1.0")', 'class Desk(Contract, version="2.0")'
            )
        )
        before = await running.pids()
        with joined(running, "desk", other) as guest:
            assert await asyncio.to_thread(guest.ends) != 0
            log = guest.err.text
        assert "offers version 2.0 of desk, and the running system expects 1.0" in log
        assert "Start the system again, or join with that version" in log
        assert await running.pids() == before
        await by(running, await running.pid("desk-1"))


async def test_what_shares_a_process_joins_together(tmp_path: Path) -> None:
    """One of them alone is refused, with the words that work."""
    folder = lab(tmp_path, '[process.office]\ntogether = ["desk", "relay"]')
    async with running_lab(folder) as running:
        with joined(running, "desk") as guest:
            assert await asyncio.to_thread(guest.ends) != 0
            assert "office runs relay too" in guest.err.text
            assert "Join with desk,relay" in guest.err.text
        with joined(running, "desk,relay") as guest:
            await told(guest, r"serves desk, relay")
            pid = guest.process.pid
            async with Pool(running.url) as pool:

                async def both() -> bool:
                    answer = await pool.request("GET", "/relay/pids")
                    return answer.body == b"[%d,%d]" % (pid, pid)

                await eventually(both, "both by the guest")
            guest.signal(signal.SIGINT)
            assert await asyncio.to_thread(guest.ends) == 0
        assert (await running.rows())["office-1"].state == "up"


async def test_what_is_joined_is_not_restarted_nor_reloaded(tmp_path: Path) -> None:
    """It is somebody else's process; a restart of everything is of everything else."""
    async with running_lab(lab(tmp_path), "--reload") as running:
        with joined(running, "desk") as guest:
            await told(guest, r"serves desk")
            before = await running.pid("relay-1")
            assert await running.restart() == ["relay-1 is up"]
            assert await running.pid("relay-1") != before
            before = await running.pid("relay-1")
            contracts = running.folder / "lab" / "contracts.py"
            contracts.write_text(contracts.read_text() + "\n# a word\n")

            async def reloaded() -> bool:
                return (await running.rows())["relay-1"].pid not in (None, before)

            await eventually(reloaded, "the change")
            assert (await running.rows())["desk-1"].state == "stopped"
            await by(running, guest.process.pid)
            assert os.getpgid(guest.process.pid)
            guest.signal(signal.SIGINT)
            assert await asyncio.to_thread(guest.ends) == 0


async def test_who_joined_a_system_that_stops_ends_too(tmp_path: Path) -> None:
    """In good order, and says why."""
    async with running_lab(lab(tmp_path)) as running:
        with joined(running, "desk") as guest:
            await told(guest, r"serves desk")
            running.command.signal(signal.SIGTERM)
            assert await asyncio.to_thread(running.command.ends) == 0
            await told(guest, "the system has stopped")
            assert await asyncio.to_thread(guest.ends) == 0, guest.err.text


async def test_there_must_be_something_to_join(tmp_path: Path) -> None:
    """A system that is not running is named, and how to run it."""
    folder = lab(tmp_path)
    with Command("up", folder, "--join", "desk", cwd=folder) as guest:
        assert await asyncio.to_thread(guest.ends) != 0
    assert "is not running" in guest.err.text
    assert "coterie up" in guest.err.text
