"""`coterie up --reload`: what changed is replaced under load, and nothing else."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent

import pytest
import pytest_asyncio

from coterie.client.http1 import Pool

from .lab import Lab, eventually, lab, running_lab
from .load import under_load


def edit(running: Lab, file: str, old: str, new: str) -> None:
    """Save a file as an editor does."""
    path = running.folder / file
    text = path.read_text()
    assert old in text, f"no {old!r} in {file}"
    path.write_text(text.replace(old, new))


@asynccontextmanager
async def replaced(running: Lab, *names: str) -> AsyncGenerator[None]:
    """What is changed in the block makes others of these, once it is over, and of no more."""
    before = await running.pids()
    yield

    async def changed() -> bool:
        now = await running.rows()
        return all(now[n].state == "up" and now[n].pid not in (None, before[n]) for n in names)

    try:
        await eventually(changed, f"others for {', '.join(names)}")
    except AssertionError as error:
        raise AssertionError(f"{error}; its log:\n{running.command.err.text[-3000:]}") from None
    after = await running.pids()
    assert {n for n, pid in after.items() if pid != before[n]} == set(names)


async def status(running: Lab, path: str) -> int:
    """What a GET through the gateway is answered with."""
    async with Pool(running.url) as pool:
        return (await pool.request("GET", path)).status


@pytest_asyncio.fixture(loop_scope="function")
async def running(tmp_path: Path) -> AsyncIterator[Lab]:
    """The lab, watched."""
    async with running_lab(lab(tmp_path / "home"), "--reload") as started:
        yield started


@pytest.mark.promise("S3-42")
async def test_what_is_edited_is_replaced_and_nothing_else(running: Lab) -> None:
    """One service's module, then the contract that both have loaded; no request fails."""
    async with under_load(running.url) as counted:
        async with replaced(running, "desk-1"):
            edit(running, "lab/desk.py", "first", "second")
        async with replaced(running, "desk-1", "relay-1"):
            edit(
                running, "lab/contracts.py", "class Note", "class Other(Struct): ...\n\nclass Note"
            )
    assert counted.failed == [], str(counted)


async def test_a_mistake_is_told_and_everything_goes_on(running: Lab) -> None:
    """With file and line; mended, it runs."""
    before = await running.pids()
    async with under_load(running.url) as counted:
        edit(running, "lab/desk.py", "return os.getpid()", "return return")
        running_log = await asyncio.to_thread(
            running.command.logs, r"nothing is started anew until this is mended:.*desk\.py"
        )
        assert "this is no Python" in running_log.string
        assert await running.pids() == before
        async with replaced(running, "desk-1"):
            edit(running, "lab/desk.py", "return return", "return os.getpid()")
    assert counted.failed == [], str(counted)


async def test_what_is_mended_elsewhere_takes_both_changes_over(running: Lab) -> None:
    """A module imports another that is not there yet; the service follows once it is."""
    edit(running, "lab/desk.py", "import os", "import os\nimport lab.extra")
    await asyncio.to_thread(running.command.logs, r"mended:.*desk")
    (running.folder / "lab" / "extra.py").write_text("raise RuntimeError('not yet')\n")
    await asyncio.to_thread(running.command.logs, r"mended:.*not yet")
    async with replaced(running, "desk-1"):
        (running.folder / "lab" / "extra.py").write_text("")


async def test_one_that_did_not_start_is_tried_again_at_the_next_change(running: Lab) -> None:
    """Whatever is changed: the reason may be in a file that the old one has never loaded."""
    hook = (
        "@on_start\n    async def late(self) -> None:\n        import lab.late\n\n    async def pid"
    )
    (running.folder / "lab" / "late.py").write_text("raise RuntimeError('not yet')\n")
    async with under_load(running.url) as counted:
        async with replaced(running, "desk-1"):
            edit(running, "lab/desk.py", "import os", "import os\nfrom coterie import on_start")
        edit(running, "lab/desk.py", "async def pid", hook)
        await asyncio.to_thread(running.command.logs, r"desk-1 does not start: .*goes on")
        async with replaced(running, "desk-1"):
            (running.folder / "lab" / "late.py").write_text("")
    assert counted.failed == [], str(counted)


async def test_a_mistake_in_the_file_of_the_system_is_told(running: Lab) -> None:
    """Everything goes on; mended, nothing is started anew, for nothing is different."""
    toml = running.folder / "coterie.toml"
    text, before = toml.read_text(), await running.pids()
    toml.write_text(f"{text}\n[service.")
    await asyncio.to_thread(running.command.logs, r"mended:.*coterie\.toml")
    toml.write_text(text)
    async with replaced(running, "relay-1"):
        edit(running, "lab/relay.py", "first", "second")
    assert (await running.pids())["desk-1"] == before["desk-1"]


async def test_a_new_operation_is_routed(running: Lab) -> None:
    """And stands in the document; one that is gone is not routed any more."""
    assert await status(running, "/desk/word") == 404
    async with under_load(running.url) as counted:
        added = '\n    @get("/desk/word", allow=anyone)\n    async def word(self) -> str: ...\n'
        edit(
            running,
            "lab/desk.py",
            "async def pid",
            "async def word(self) -> str:\n        return WORD\n\n    async def pid",
        )
        edit(running, "lab/contracts.py", "class Relay(", f"    {added.strip()}\n\nclass Relay(")

        async def routed() -> bool:
            return await status(running, "/desk/word") == 200

        await eventually(routed, "the new operation")

        async def documented() -> bool:
            async with Pool(running.url) as pool:
                answer = await pool.request("GET", "/openapi.json")
            return "/desk/word" in json.loads(answer.body)["paths"]

        await eventually(documented, "the new operation in the document")
    assert counted.failed == [], str(counted)


SECOND = """
    import os
    from coterie import Service, anyone, get

    class ClerkService(Service, version="1.0"):
        @get("/clerk/pid", allow=anyone)
        async def pid(self) -> int:
            return os.getpid()
"""


async def test_the_file_of_the_system_is_followed(running: Lab) -> None:
    """Replicas up and down, a service that comes and goes, and two that move together."""
    toml = running.folder / "coterie.toml"
    plain = toml.read_text()
    key = 'implements = "lab.desk:DeskService"\n'
    async with under_load(running.url) as counted:
        first = await running.pids()
        toml.write_text(plain.replace(key, f"{key}replicas = 2\n"))
        await eventually(lambda: _up(running, "desk-1", "desk-2", "relay-1"), "a second desk")

        (running.folder / "lab" / "clerk.py").write_text(dedent(SECOND).lstrip())
        clerk = '[service.clerk]\nimplements = "lab.clerk:ClerkService"\n'
        toml.write_text(f"{plain}\n{clerk}")
        await eventually(lambda: _up(running, "desk-1", "relay-1", "clerk-1"), "the clerk")

        async def answers() -> bool:
            return await status(running, "/clerk/pid") == 200

        await eventually(answers, "the clerk's answer")
        assert (await running.pids())["relay-1"] == first["relay-1"]

        toml.write_text(f'{plain}\n[process.office]\ntogether = ["desk", "relay"]\n')
        await eventually(lambda: _up(running, "office-1"), "both in one process")
    assert counted.failed == [], str(counted)


async def _up(running: Lab, *names: str) -> bool:
    rows = await running.rows()
    found = {name for name, row in rows.items() if row.kind == "service"}
    return found == set(names) and all(rows[name].state == "up" for name in names)


async def test_a_link_to_the_folder_is_followed(tmp_path: Path) -> None:
    """Whatever name the folder is reached by."""
    (tmp_path / "home").symlink_to(lab(tmp_path / "elsewhere"))
    async with (
        running_lab(tmp_path / "home", "--reload") as running,
        replaced(running, "desk-1"),
    ):
        edit(running, "lab/desk.py", "first", "second")
