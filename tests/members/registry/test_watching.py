"""Watching: each change is told once, in order, at once, and to those who come back too."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from coterie.members.registry.server import Limits
from coterie.registry import Instance, Memory
from tests.members.registry.kit import Live, live
from tests.server.talk import Talk, request, soon, until

A = "http://localhost:5000"


async def register(here: Live, name: str, url: str = A) -> None:
    answer = await here.ask("POST", "/register", {"name": name, "url": url})
    assert answer.status == 201


async def now(here: Live) -> int:
    return (await here.ask("GET", "/health")).index


class Stream:
    """Server-sent events, read as a browser reads them."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._held = b""
        self.id = ""

    async def event(self) -> tuple[str, dict[str, Any]]:
        while True:
            while b"\n\n" not in self._held:
                chunk = await soon(self._talk.chunk())
                if not chunk:
                    raise EOFError
                self._held += chunk
            block, _, self._held = self._held.partition(b"\n\n")
            fields = dict(line.split(": ", 1) for line in block.decode().split("\n"))
            if "event" in fields:
                self.id = fields["id"]
                return fields["event"], json.loads(fields["data"])


@asynccontextmanager
async def stream(here: Live, query: str = "", last: str = "") -> AsyncGenerator[Stream]:
    headers = {"accept": "text/event-stream"} | ({"last-event-id": last} if last else {})
    async with Talk(*await asyncio.open_connection("127.0.0.1", here.server.port)) as talk:
        talk.say(request("GET", f"/registry/watch{query}", headers=headers))
        status, told = await soon(talk.head())
        assert status == 200
        assert dict(told)["content-type"].startswith("text/event-stream")
        yield Stream(talk)


async def follow(here: Live, index: int, enough: int) -> list[dict[str, Any]]:
    """Changes by long polls from ``index`` on, until there are ``enough``."""
    seen: list[dict[str, Any]] = []
    while len(seen) < enough:
        answer = await here.ask("GET", f"/watch?index={index}&wait=5")
        assert not answer.json["reset"]
        assert answer.json["changes"], "nothing came in time"
        seen += answer.json["changes"]
        index = answer.index
    return seen


@pytest.mark.promise("S0-84")
async def test_a_change_is_told_within_a_moment(tmp_path: Path) -> None:
    """A long poll returns within 100 ms of it; one that nothing happens for, when its time is over."""
    async with live(tmp_path) as here:
        index = await now(here)
        began = monotonic()
        answer = await here.ask("GET", f"/watch?index={index}&wait=0.2")
        assert 0.2 <= monotonic() - began < 2
        assert answer.json == {"index": index, "reset": False, "changes": []}
        late: list[float] = []
        for number in range(10):
            index = await now(here)
            waiting = asyncio.create_task(here.ask("GET", f"/watch?index={index}&wait=5"))
            await until(lambda: here.app._watch.watching._watchers)
            await register(here, "ServiceA", f"{A}/{number}")
            done = monotonic()
            changes = (await waiting).json["changes"]
            late.append(monotonic() - done)
            assert changes[-1]["instance"]["url"] == f"{A}/{number}"
        assert sorted(late)[5] < 0.1


@pytest.mark.promise("S0-79", "S0-84")
async def test_each_change_is_seen_once_and_in_order(tmp_path: Path) -> None:
    """50 register at the same time; watchers of both kinds see the same, nothing twice, nothing less."""
    async with live(tmp_path) as here:
        index = await now(here)
        async with stream(here, f"?index={index}") as events:
            watching = [asyncio.create_task(follow(here, index, 100)) for _ in range(5)]
            names = [f"service-{number}" for number in range(50)]
            await asyncio.gather(*(register(here, name) for name in names))
            polled = await soon(asyncio.gather(*watching))
            streamed = [(await events.event())[1] for _ in range(100)]
        assert [change["index"] for change in streamed] == list(range(index + 1, index + 101))
        assert all(seen == streamed for seen in polled)
        for name in names:
            mine = [change["event"] for change in streamed if change["service"] == name]
            assert mine == ["service", "instance"]
        assert {service["name"] for service in await here.state()} == set(names)


async def test_no_wakeup_is_lost(tmp_path: Path) -> None:
    """One who asks from index to index while others write never waits for what has happened."""
    async with live(tmp_path) as here:
        index = await now(here)
        await register(here, "ServiceA")

        async def write() -> None:
            for number in range(100):
                await register(here, "ServiceA", f"{A}/{number}")

        seen, _ = await soon(asyncio.gather(follow(here, index, 102), write()), 20)
        assert [change["index"] for change in seen] == list(range(index + 1, index + 103))
        urls = [change["instance"]["url"] for change in seen if change["event"] == "instance"]
        assert urls == [A, *(f"{A}/{number}" for number in range(100))]


async def test_a_change_at_any_moment_of_a_question_is_told(tmp_path: Path) -> None:
    """Before it arrives, while it is looked at, while it waits: none falls between."""
    system = Memory()
    async with live(tmp_path, registry=system) as here:
        for turns in range(100):
            index = await now(here)
            asking = asyncio.create_task(here.ask("GET", f"/watch?index={index}&wait=30"))
            for _ in range(turns):
                await asyncio.sleep(0)
            url = f"http://127.0.0.1:{turns + 1}"
            await system.announce(Instance(service="orders", id="orders-1", url=url))
            changes = (await soon(asking)).json["changes"]
            assert changes[-1]["instance"]["url"] == url


@pytest.mark.promise("S0-84")
async def test_who_comes_back_to_a_stream_has_missed_nothing(tmp_path: Path) -> None:
    """The browser sends the id of the last event: the next one follows. Without, all there is."""
    async with live(tmp_path) as here:
        await register(here, "ServiceA")
        async with stream(here) as events:
            name, told = await events.event()
            assert name == "reset"
            assert [service["name"] for service in told["services"]] == ["ServiceA"]
            await register(here, "ServiceB")
            assert (await events.event())[0] == "service"
            last = events.id
        await here.ask("DELETE", "/services/ServiceA")
        async with stream(here, last=last) as events:
            names = [(await events.event()) for _ in range(3)]
        assert [(name, told["service"]) for name, told in names] == [
            ("instance", "ServiceB"),
            ("instance-removed", "ServiceA"),
            ("service-removed", "ServiceA"),
        ]


@pytest.mark.promise("S0-84")
async def test_who_knows_what_is_not_kept_begins_anew(tmp_path: Path) -> None:
    """Too long ago, from before a restart, or never: all there is, and from there on changes."""
    few = Limits(changes=4)
    async with live(tmp_path, limits=few) as here:
        old = await now(here)
        await register(here, "ServiceA")
        await register(here, "ServiceB")
        reached = (await here.ask("GET", f"/watch?index={old}")).json
        assert len(reached["changes"]) == 4
        await register(here, "ServiceC")
        for index in (0, old, 10**15):
            answer = (await here.ask("GET", f"/watch?index={index}")).json
            assert answer["reset"]
            assert len(answer["services"]) == 3
        last = str(await now(here))
    async with live(tmp_path, limits=few) as here, stream(here, last=last) as events:
        name, told = await events.event()
        assert (name, len(told["services"])) == ("reset", 3)


async def test_one_service_can_be_watched(tmp_path: Path) -> None:
    """What happens to others wakes nobody."""
    async with live(tmp_path) as here:
        index = await now(here)
        waiting = asyncio.create_task(
            here.ask("GET", f"/watch?index={index}&wait=5&service=ServiceB")
        )
        async with stream(here, "?service=ServiceB") as events:
            assert (await events.event())[1]["services"] == []
            await register(here, "ServiceA")
            await register(here, "ServiceB")
            assert {change["service"] for change in (await waiting).json["changes"]} == {"ServiceB"}
            assert (await events.event())[1]["service"] == "ServiceB"


async def test_what_the_system_does_is_told_too(tmp_path: Path) -> None:
    """Its own instances come and go in the same order as all the rest."""
    system = Memory()
    async with live(tmp_path, registry=system) as here:
        index = await now(here)
        await system.announce(Instance(service="orders", id="orders-1", url="http://127.0.0.1:1"))
        await system.withdraw("orders", "orders-1")
        seen = await follow(here, index, 4)
        assert [change["event"] for change in seen] == [
            "service", "instance", "instance-removed", "service-removed",
        ]  # fmt: skip


async def test_who_leaves_is_waited_for_no_more(tmp_path: Path) -> None:
    """A watcher's place is free as soon as it has gone; there are as many as the limit says."""
    async with live(tmp_path, limits=Limits(watchers=2)) as here:
        watching = here.app._watch.watching
        index = await now(here)
        talk = Talk(*await asyncio.open_connection("127.0.0.1", here.server.port))
        async with talk, stream(here):
            talk.say(request("GET", f"/registry/watch?index={index}&wait=60"))
            await until(lambda: watching._watchers == 2)
            answer = await here.ask("GET", f"/watch?index={index}")
            assert (answer.status, bool(answer.error)) == (503, True)
            assert answer.headers["retry-after"]
            refused = await here.ask("GET", "/watch", headers={"accept": "text/event-stream"})
            assert refused.status == 503
        await until(lambda: not watching._watchers)
        assert (await here.ask("GET", "/watch?wait=0")).status == 200


async def test_when_it_stops_watchers_are_answered(tmp_path: Path) -> None:
    """Nobody is cut off in the middle of a wait or a stream."""
    async with live(tmp_path) as here, stream(here) as events:
        index = await now(here)
        waiting = asyncio.create_task(here.ask("GET", f"/watch?index={index}&wait=60"))
        await until(lambda: here.app._watch.watching._watchers == 2)
        await events.event()
        await here.app.stop()
        assert (await soon(waiting)).json["changes"] == []
        with pytest.raises(EOFError):
            await events.event()


async def test_who_asks_while_it_stops_is_told_so(tmp_path: Path) -> None:
    """503, never 404: that a service is unknown is said by a registry that knows."""
    async with live(tmp_path) as here:
        await register(here, "ServiceA")
        await here.app.stop()
        for path in ("/discover/ServiceA", "/services", "/services/ServiceA", "/health", "/watch"):
            answer = await here.ask("GET", path)
            assert (answer.status, bool(answer.error)) == (503, True)
        sent = {"name": "ServiceB", "url": A}
        assert (await here.ask("POST", "/register", sent)).status == 503
        await here.app.start()
        assert await here.found("ServiceA") == {A}
        assert await here.found("ServiceB") == set()
