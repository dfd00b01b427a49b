"""How long both gateways wait for a program: for its answer to begin, and in the midst of it."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from time import monotonic

import pytest
import pytest_asyncio

from tests.deploy.peers import Peer
from tests.deploy.programs import BOTH, Both, both_of
from tests.server.talk import Answer, Talk, request, soon, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

KINDS = pytest.mark.parametrize("kind", BOTH)
SILENCE = 1.2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Both]:
    """Where a whole call may take 0.5 s in all, and what is silent for a second is given up."""
    folder = tmp_path_factory.mktemp("hasty")
    async with both_of(folder, timeout=0.2, body_timeout=0.3, stream_idle_timeout=SILENCE) as found:
        yield found


async def ask(both: Both, kind: str, target: str, body: bytes = b"", **headers: str) -> Answer:
    async with Talk(*await asyncio.open_connection("127.0.0.1", both.ports[kind])) as talk:
        talk.say(request("POST", target, body, headers))
        return await talk.answer(of="POST")


class Mood:
    """A peer in a mood, for the length of the block."""

    def __init__(self, peer: Peer, mood: str) -> None:
        self.peer = peer
        self.mood = mood

    def __enter__(self) -> Peer:
        self.peer.mood = self.mood
        self.peer.asked.clear()
        return self.peer

    def __exit__(self, *_: object) -> None:
        self.peer.mood = "well"


@KINDS
async def test_a_program_that_hangs_is_given_up(both: Both, kind: str) -> None:
    """After its own time, which is not the system's; once asked, it is not asked again."""
    with Mood(both.peers["slow"], "silent") as slow:
        began = monotonic()
        answer = await ask(both, kind, "/slow/x", b"{}")
        assert (answer.status, answer.json["code"]) == (504, "deadline_exceeded")
        assert answer["content-type"] == "application/problem+json"
        assert answer.json["detail"] == "slow did not answer in time"
        assert 0.5 < monotonic() - began < 2
        assert len(slow.asked) == 1
        await until(lambda: slow.connections <= 2)  # one to each gateway, at most: that one is over


@KINDS
async def test_an_answer_that_moves_is_not_cut(both: Both, kind: str) -> None:
    """However long it takes: events sent by a server, and long downloads."""
    with Mood(both.peers["slow"], "drips"):
        began = monotonic()
        answer = await ask(both, kind, "/slow/events")
        assert (answer.status, answer.body) == (200, b"drip" * 15)
        assert monotonic() - began > 1.4


@KINDS
async def test_an_answer_that_stands_still_is_broken_off(both: Both, kind: str) -> None:
    """And without an end, so that who reads it notices."""
    with Mood(both.peers["slow"], "stalls"):
        port = both.ports[kind]
        async with Talk(*await asyncio.open_connection("127.0.0.1", port)) as talk:
            talk.say(request("GET", "/slow/x"))
            assert (await soon(talk.head()))[0] == 200
            began = monotonic()
            assert not (await talk.rest()).endswith(b"0\r\n\r\n")
            assert 0.5 < monotonic() - began < SILENCE + 2


@KINDS
async def test_whoever_watches_the_registry_is_waited_for(both: Both, kind: str) -> None:
    """Longer than a call may take."""
    with Mood(both.peers["console"], "waits") as console:
        asking = asyncio.create_task(ask(both, kind, "/registry/watch"))
        await until(lambda: console.asked)
        done, _ = await asyncio.wait([asking], timeout=1.0)
        assert not done
        console.go.set()
        assert (await asking).status == 200
        console.go.clear()


@KINDS
async def test_bodies_have_their_limit(both: Both, kind: str) -> None:
    """As everywhere outside."""
    answer = await ask(both, kind, "/legacy/x", b"x" * ((1 << 20) + 1))
    assert answer.status == 413
    assert (await ask(both, kind, "/legacy/x", b"x" * (1 << 20))).status == 200


async def test_pages_of_other_origins_are_let_in_as_the_system_says(tmp_path: Path) -> None:
    """Whatever a program says of its own; once, or browsers refuse it."""
    shop = "https://shop.example"
    async with both_of(tmp_path, cors=(shop,)) as both:
        with Mood(both.peers["legacy"], "shares"):
            for kind in BOTH:
                answer = await ask(both, kind, "/legacy/x", origin=shop)
                assert answer["access-control-allow-origin"] == shop
                varies = ",".join(answer.all("vary"))
                assert {word.strip() for word in varies.split(",")} == {"accept", "origin"}


@KINDS
async def test_who_is_away_is_told_of(kind: str, tmp_path: Path) -> None:
    """And a request that never left is tried again, one that did is not."""
    async with both_of(tmp_path) as both:
        with Mood(both.peers["legacy"], "breaks") as legacy:
            answer = await ask(both, kind, "/legacy/x", b"{}")
            assert answer.status == 503
            assert answer.json["detail"].startswith("legacy broke off before it answered; ")
            assert len(legacy.asked) == 1
        await both.peers["legacy"].die()
        answer = await ask(both, kind, "/legacy/x", b"{}", accept="text/html")
        assert answer.status == 503
        assert b"<title>legacy is away</title>" in answer.body
