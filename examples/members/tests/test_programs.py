"""The six programs by themselves, and the contracts that are held against them."""

import datetime
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from conference.contracts.conference import Conference
from conference.contracts.plans import Floor, Plans
from conference.contracts.rooms import Room, RoomNotFound, Rooms
from conference.contracts.schedule import NotScheduled, Schedule, Slot
from conference.contracts.speakers import Speaker, SpeakerNotFound, Speakers
from conference.contracts.talks import Talk, TalkNotFound, Talks
from conference.contracts.votes import Count, NotAVote, Vote, Votes
from conference.service import ConferenceService
from coterie import Fault, describe
from coterie.client import connect
from coterie.client.http1 import Pool
from coterie.system import load
from direct import MEMBERS, PROGRAMS, direct, files

# The tests of this file share the programs, and so one event loop.
pytestmark = pytest.mark.asyncio(loop_scope="module")

STARTS = datetime.datetime.fromisoformat("2027-05-12T09:00:00+02:00")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def urls() -> AsyncIterator[Mapping[str, str]]:
    """Where each program answers; running them changes no file of theirs, and adds none."""
    before = files()
    async with direct() as urls:
        yield urls
    assert files() == before


async def test_each_runs_by_its_own_tool(urls: Mapping[str, str]) -> None:
    """`flask run`, `manage.py runserver`, `uvicorn`, `node` and `sh`; it answers in its own words."""
    first = {
        "talks": "/talks/1",
        "speakers": "/speakers/1",
        "rooms": "/rooms/aula/",
        "schedule": "/slots/1",
        "votes": "/votes/1",
        "plans": "/ground.svg",
    }
    for name, path in first.items():
        async with Pool(urls[name]) as pool:
            assert (await pool.request("GET", path)).status == 200


async def test_the_system_is_made_of_these_programs_and_they_do_not_know_it() -> None:
    """The folders run directly are those that `coterie.toml` names; no file there has its name."""
    system = load(MEMBERS, environment={})
    named = {spec.name: spec.directory for spec in system.services if spec.kind != "implements"}
    assert named == PROGRAMS
    for path in files():
        assert "coterie" not in (MEMBERS / path).read_text().lower(), path


async def test_each_keeps_its_contract(urls: Mapping[str, str]) -> None:
    """Called with types, each answers in them."""
    async with connect(Talks, urls["talks"]) as talks:
        assert await talks.talk(1) == Talk(1, "Services that age well", 1, "aula")
        assert [talk.id for talk in await talks.talks()] == [1, 2, 3]
    async with connect(Speakers, urls["speakers"]) as speakers:
        assert await speakers.speaker(2) == Speaker(2, "Jonas Lind", "Lind & Daughters")
        assert [speaker.id for speaker in await speakers.speakers()] == [1, 2]
    async with connect(Rooms, urls["rooms"]) as rooms:
        assert await rooms.room("library") == Room("library", "The Old Library", 60, "first")
        assert [room.slug for room in (await rooms.rooms()).rooms] == ["aula", "library"]
    async with connect(Schedule, urls["schedule"]) as schedule:
        assert await schedule.slot(1) == Slot(1, STARTS, 45)
        assert [slot.talk_id for slot in await schedule.slots()] == [1, 2]
    async with connect(Votes, urls["votes"]) as votes:
        assert await votes.vote(7, Vote(4)) == Count(7, 1, 4.0)
        assert await votes.vote(7, Vote(5)) == await votes.votes(7) == Count(7, 2, 4.5)
    async with connect(Plans, urls["plans"]) as plans:
        assert Floor("ground", "ground.svg") in await plans.floors()


async def test_a_no_is_a_fault_of_its_contract(urls: Mapping[str, str]) -> None:
    """Each says it in its own way: an object of its own, two words for a message, a page of HTML."""
    async with connect(Talks, urls["talks"]) as talks:
        assert await fault(talks.talk(9)) == TalkNotFound(9)
    async with connect(Speakers, urls["speakers"]) as speakers:
        assert await fault(speakers.speaker(9)) == SpeakerNotFound("Speaker 9 doesn't exist")
    async with connect(Rooms, urls["rooms"]) as rooms:
        assert await fault(rooms.room("attic")) == RoomNotFound()
    async with connect(Schedule, urls["schedule"]) as schedule:
        assert await fault(schedule.slot(9)) == NotScheduled("Talk 9 is not scheduled yet")
    async with connect(Votes, urls["votes"]) as votes:
        assert await fault(votes.vote(7, Vote(6))) == NotAVote("stars must be 1 to 5")


async def fault(call: Awaitable[object]) -> Fault:
    """What the call is refused with."""
    with pytest.raises(Fault) as refused:
        await call
    return refused.value


@pytest.mark.parametrize(
    ("contract", "name", "document"),
    [(Speakers, "speakers", "/swagger.json"), (Schedule, "schedule", "/openapi.json")],
)
async def test_a_contract_says_what_the_program_says_of_itself(
    urls: Mapping[str, str], contract: type[Any], name: str, document: str
) -> None:
    """Where it describes itself, its operations are there, at the same paths, and no others."""
    async with Pool(urls[name]) as pool:
        told = (await pool.request("GET", document)).body
    promised = {(op.method, op.route) for op in describe(contract).operations}
    paths: dict[str, dict[str, Any]] = msgspec.json.decode(told)["paths"]
    methods = {"get", "post", "put", "patch", "delete"}
    assert promised == {
        (method.upper(), path) for path, item in paths.items() for method in item.keys() & methods
    }


async def test_one_answer_is_made_of_all_six(urls: Mapping[str, str]) -> None:
    """The service that is handed their clients cannot tell how they are written."""
    async with AsyncExitStack() as stack:
        clients: list[Any] = [
            await stack.enter_async_context(connect(contract, urls[name]))
            for name, contract in (
                ("talks", Talks),
                ("speakers", Speakers),
                ("rooms", Rooms),
                ("schedule", Schedule),
                ("votes", Votes),
                ("plans", Plans),
            )
        ]
        conference: Conference = ConferenceService(*clients)
        assert await conference.vote(1, Vote(5)) == Count(1, 1, 5.0)
        page = await conference.talk(1)
        assert (page.title, page.speaker.name, page.room.name, page.starts, page.plan) == (
            "Services that age well",
            "Ada Mensah",
            "Aula Magna",
            STARTS,
            "/plans/ground.svg",
        )
        assert page.votes == Count(1, 1, 5.0)
        assert [entry.id for entry in await conference.programme()] == [1, 2, 3]
