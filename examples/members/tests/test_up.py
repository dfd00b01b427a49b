"""The conference as one system: six programs and a service of ours behind one gateway."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from conference.contracts.conference import Conference, NoSuchTalk, TalkPage, VoteRefused
from conference.contracts.rooms import Room
from conference.contracts.speakers import Speaker
from conference.contracts.votes import Count, Vote
from coterie.client import connect
from coterie.client.http1 import Pool
from coterie.console.control import ControlClient
from direct import LAUNCH, MEMBERS, PATIENCE, files, surroundings

# The tests of this file share one system, and so one event loop.
pytestmark = pytest.mark.asyncio(loop_scope="module")


class Joined:
    """The running system: ``web`` goes to its gateway, ``state`` is where it keeps its own."""

    def __init__(self, url: str, web: Pool, state: Path) -> None:
        self.url = url
        self.web = web
        self.state = state

    async def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a page at the gateway."""
        answer = await self.web.request("GET", path)
        return answer.status, answer.body


@asynccontextmanager
async def joined() -> AsyncGenerator[Joined]:
    """All of it, by `coterie up`."""
    with tempfile.TemporaryDirectory(prefix="members-") as kept:
        folder = Path(kept)
        with started(folder) as process:
            line = await asyncio.to_thread(process.stdout.readline) if process.stdout else b""
            told = json.loads(line or b"{}")
            log = folder / "log"
            assert told.get("url"), log.read_text()
            assert not told.get("away"), log.read_text()
            async with Pool(told["url"]) as web:
                yield Joined(told["url"], web, folder / "state")
            process.terminate()
            assert await asyncio.to_thread(process.wait, PATIENCE) == 0, log.read_text()


@contextmanager
def started(folder: Path) -> Generator["subprocess.Popen[bytes]"]:
    command = [*LAUNCH, sys.executable, "-P", "-m", "coterie", "up", str(MEMBERS), "--json"]
    command += ["--port", "0", "--state", str(folder / "state")]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, env={**os.environ, **surroundings()}
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system() -> AsyncIterator[Joined]:
    """The system; joining it changes no file of the programs, and adds none."""
    before = files()
    async with joined() as system:
        yield system
    assert files() == before


@pytest_asyncio.fixture(loop_scope="module")
async def conference(system: Joined) -> AsyncIterator[Conference]:
    """What a visitor of the conference has: its contract, and the gateway's address."""
    async with connect(Conference, system.url) as conference:
        yield conference


async def test_one_answer_is_made_of_all_six(conference: Conference) -> None:
    """With types from each: a Flask talk, its RESTX speaker, the Django room, and so on."""
    given = await conference.vote(1, Vote(5))
    assert given == Count(1, 1, 5.0)
    page = await conference.talk(1)
    assert page == TalkPage(
        id=1,
        title="Services that age well",
        speaker=Speaker(1, "Ada Mensah", "Harbour Systems"),
        room=Room("aula", "Aula Magna", 320, "ground"),
        starts=page.starts,
        minutes=45,
        votes=given,
        plan="/plans/ground.svg",
    )
    assert page.starts is not None
    assert page.starts.isoformat() == "2027-05-12T09:00:00+02:00"
    assert [entry.id for entry in await conference.programme()] == [1, 2, 3]


async def test_a_strangers_no_is_a_declared_fault(conference: Conference) -> None:
    """Flask's 404, Node's 422 and FastAPI's 404 come as what their contracts call them."""
    with pytest.raises(NoSuchTalk) as unknown:
        await conference.talk(9)
    assert unknown.value == NoSuchTalk(9)
    with pytest.raises(VoteRefused) as refused:
        await conference.vote(1, Vote(6))
    assert refused.value == VoteRefused("stars must be 1 to 5")
    page = await conference.talk(3)
    assert (page.starts, page.minutes) == (None, None)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/talks", b"Services that age well"),
        ("/talks/2", b"Ten years of one monolith"),
        ("/speakers/1", b"Ada Mensah"),
        ("/venue/rooms/", b"The Old Library"),
        ("/venue/rooms/aula/", b"Aula Magna"),
        ("/slots/2", b"2027-05-12T10:00:00"),
        ("/votes/2", b'"votes":0'),
        ("/plans/", b"Floor plans"),
        ("/plans/first.svg", b"<svg"),
    ],
)
async def test_each_is_reached_through_the_gateway(system: Joined, path: str, words: bytes) -> None:
    """By the path that its contract, its routes or its mount says."""
    status, body = await system.get(path)
    assert (status, words in body) == (200, True), body


async def test_a_program_that_is_mounted_leads_back_to_where_it_is(system: Joined) -> None:
    """Django mends a path that lacks its last slash, and keeps what stands before it."""
    answer = await system.web.request("GET", "/venue/rooms/aula")
    assert (answer.status, dict(answer.headers)["location"]) == (301, "/venue/rooms/aula/")


@pytest.mark.parametrize("path", ["/rooms/", "/floors.json", "/nowhere"])
async def test_nobody_is_reached_by_another_path(system: Joined, path: str) -> None:
    """What is mounted elsewhere, or not at all, is a 404 of the gateway's."""
    status, body = await system.get(path)
    assert (status, msgspec.json.decode(body)["status"]) == (404, 404)


async def test_they_are_processes_of_the_system(system: Joined) -> None:
    """Each is up, and known by its name."""
    rows: dict[str, Any] = {row.name: row for row in await ControlClient(system.state).rows()}
    names = ("talks", "speakers", "rooms", "schedule", "votes", "plans", "conference")
    assert {name: rows[f"{name}-1"].state for name in names} == dict.fromkeys(names, "up")
