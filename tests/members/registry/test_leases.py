"""Leases: who falls silent is called no more, and who is heard of again is."""

from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from coterie.members.registry.server import Limits
from tests.members.registry.kit import Live, live

INSTANCES = "/services/billing/instances"
BEAT = f"{INSTANCES}/b-1/heartbeat"
QUICK = Limits(shortest=0.01, shown=0.1)


async def _changes(here: Live, index: int) -> tuple[list[dict[str, Any]], int]:
    answer = await here.ask("GET", f"/watch?index={index}&wait=5")
    return answer.json["changes"], answer.index


async def _reached(here: Live, index: int, event: str, status: str | None = None) -> dict[str, Any]:
    """The first change after ``index`` of that kind, to that status."""
    while True:
        told, index = await _changes(here, index)
        assert told, "it did not come in time"
        for change in told:
            if change["event"] == event:
                instance = change.get("instance")
                if status is None or (instance and instance["status"] == status):
                    return dict(change)


async def _now(here: Live) -> int:
    return (await here.ask("GET", "/health")).index


@pytest.mark.promise("S0-84")
async def test_who_falls_silent_is_down_and_then_forgotten(tmp_path: Path) -> None:
    """Not before the lease has ended, and soon after; a watcher is told of both."""
    async with live(tmp_path, limits=Limits(shortest=0.01, shown=0.5)) as here:
        index = await _now(here)
        sent = {"id": "b-1", "url": "http://localhost:5000", "ttl": 0.5}
        began = monotonic()
        assert (await here.ask("POST", INSTANCES, sent)).json["status"] == "UP"
        assert (await here.ask("GET", "/discover/billing")).status == 200
        down = await _reached(here, index, "instance", "DOWN")
        assert 0.5 <= monotonic() - began < 2
        missed = await here.ask("GET", "/discover/billing")
        assert (missed.status, missed.json) == (404, {"error": "Service billing not found"})
        gone = await _reached(here, down["index"], "instance-removed")
        assert 1.0 <= monotonic() - began < 3
        assert gone["id"] == "b-1"
        assert (await here.ask("PUT", BEAT)).status == 404
        assert (await here.ask("POST", INSTANCES, sent)).status == 201


@pytest.mark.promise("S0-84")
async def test_a_heartbeat_keeps_the_lease(tmp_path: Path) -> None:
    """As long as they come, it is up; each tells when the instance was heard of last."""
    async with live(tmp_path, limits=QUICK) as here:
        sent = {"id": "b-1", "url": "http://localhost:5000", "ttl": 0.5}
        heard = (await here.ask("POST", INSTANCES, sent)).json["last_heartbeat"]
        index = await _now(here)
        until = monotonic() + 1.2
        while monotonic() < until:
            # Answers nothing: no heartbeat is a change. And it is the pause between two of them.
            answer = await here.ask("GET", f"/watch?index={index}&wait=0.05")
            assert answer.json["changes"] == []
            beat = await here.ask("PUT", BEAT)
            assert (beat.status, beat.json["status"]) == (200, "UP")
            assert beat.json["last_heartbeat"] > heard
            heard = beat.json["last_heartbeat"]
        assert (await _reached(here, index, "instance"))["instance"]["status"] == "DOWN"


async def test_who_is_heard_of_again_is_up_at_once(tmp_path: Path) -> None:
    """A lease that ended begins anew with a heartbeat, while the instance is still known."""
    async with live(tmp_path, limits=Limits(shortest=0.01, shown=60)) as here:
        index = await _now(here)
        sent = {"id": "b-1", "url": "http://localhost:5000", "ttl": 0.4}
        await here.ask("POST", INSTANCES, sent)
        for _ in range(2):
            down = await _reached(here, index, "instance", "DOWN")
            assert (await here.ask("GET", "/discover/billing")).status == 404
            assert (await here.ask("PUT", BEAT)).json["status"] == "UP"
            assert (await here.ask("GET", "/discover/billing")).status == 200
            index = (await _reached(here, down["index"], "instance", "UP"))["index"]


async def test_without_a_lease_it_stays(tmp_path: Path) -> None:
    """Control: the silence of who promised no heartbeat means nothing."""
    async with live(tmp_path, limits=QUICK) as here:
        index = await _now(here)
        await here.ask("POST", INSTANCES, {"id": "b-0", "url": "http://localhost:4000"})
        sent = {"id": "b-1", "url": "http://localhost:5000", "ttl": 0.05}
        await here.ask("POST", INSTANCES, sent)
        assert (await _reached(here, index, "instance-removed"))["id"] == "b-1"
        assert await here.found("billing") == {"http://localhost:4000"}


@pytest.mark.promise("S0-84")
async def test_a_restart_is_nobodys_silence(tmp_path: Path) -> None:
    """What was registered is there again, and each lease has its whole time before it."""
    about = {"description": "Sends invoices.", "tags": ["money"], "metadata": {"a": "b"}}
    async with live(tmp_path, limits=QUICK) as here:
        await here.ask("POST", "/register", {"name": "ServiceA", "url": "http://localhost:5000"})
        await here.ask("PUT", "/services/billing", about)
        sent = {"id": "b-1", "url": "http://localhost:5001", "ttl": 1.5, "zone": "a", "weight": 2}
        await here.ask("POST", INSTANCES, sent)
        await here.ask("POST", INSTANCES, {"id": "b-2", "url": "http://localhost:5002"})
        await here.ask("PUT", f"{INSTANCES}/b-2/heartbeat", {"status": "DRAINING"})
        await here.ask("POST", "/register", {"name": "gone", "url": "http://localhost:5003"})
        await here.ask("DELETE", "/services/gone")
        before, index = await here.state(), await _now(here)
    began = monotonic()
    async with live(tmp_path, limits=QUICK) as here:
        assert await here.state() == before
        assert await here.found("billing") == {"http://localhost:5001"}
        again = await _now(here)
        assert again > index
        assert (await _reached(here, again, "instance", "DOWN"))["instance"]["id"] == "b-1"
        assert monotonic() - began >= 1.5
        foreign = await here.ask(
            "POST",
            "/register",
            {"name": "ServiceA", "url": "http://x"},
            token="the-token-of-shipping",
        )
        assert foreign.status == 403
