"""`coterie scale`, and scaling by load: more instances are used at once, fewer lose nothing."""

import asyncio
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from coterie.client.http1 import Pool
from coterie.console.supervisor.autoscale import Scaler
from coterie.system import Replicas

from .lab import Lab, eventually, lab, running_lab
from .load import under_load

SLOW = (("GET", "/desk/slow?seconds=0.3"),)


async def used(url: str, wanted: int) -> float:
    """Seconds until that process answers through the gateway."""
    began = monotonic()
    async with Pool(url) as pool:

        async def answers() -> bool:
            found = await asyncio.gather(*(pool.request("GET", "/desk/pid") for _ in range(8)))
            return any(int(answer.body) == wanted for answer in found)

        await eventually(answers, f"an answer of {wanted}", 5)
    return monotonic() - began


@pytest.mark.promise("S2-60")
@pytest.mark.parametrize("engine", ["envoy", "inprocess"])
async def test_new_instances_are_used_and_old_ones_go_in_peace(tmp_path: Path, engine: str) -> None:
    """Up to three, each used at once (Envoy left alone takes a second); down to one under load, and no request fails."""
    folder = lab(tmp_path, f'[gateway]\nengine = "{engine}"')
    async with running_lab(folder) as running:
        assert await running.scale("desk", 3) == ["desk-2 is up", "desk-3 is up"]
        for name in ("desk-2", "desk-3"):
            assert await used(running.url, await running.pid(name)) < 0.5
        async with under_load(running.url) as counted:
            for _ in range(2):
                told = await running.scale("desk", 1)
                assert sorted(told) == ["desk-2 has stopped", "desk-3 has stopped"]
                last = dict(counted.answered_by)
                await _more(counted, 200)
                first = await running.pid("desk-1")
                assert {p for p, n in counted.answered_by.items() if n != last.get(p)} == {first}
                await running.scale("desk", 3)
        assert counted.failed == [], str(counted)
        rows = await running.rows()
        assert [name for name in rows if name.startswith("desk-")] == ["desk-1", "desk-2", "desk-3"]


async def _more(counted: Any, requests: int) -> None:
    until = counted.sent + requests

    async def sent() -> bool:
        return bool(counted.sent >= until)

    await eventually(sent, f"{requests} more requests")


async def test_what_was_stopped_is_started_by_scaling(tmp_path: Path) -> None:
    """Three wanted are three that run."""
    async with running_lab(lab(tmp_path)) as running:
        async for _ in running.client.stop(["desk"]):
            pass
        assert (await running.rows())["desk-1"].state == "stopped"
        assert await running.scale("desk", 2) == ["desk-1 is up", "desk-2 is up"]


@pytest.mark.promise("S2-60", "S2-61")
async def test_load_brings_more_instances(tmp_path: Path) -> None:
    """Slow calls, four at a time, at two an instance: a second one comes by itself."""
    pool = "replicas = { min = 1, max = 3, target_in_flight = 2 }"
    async with running_lab(lab(tmp_path, desk=pool)) as running:
        assert len(await _desks(running)) == 1
        async with under_load(running.url, 6, SLOW) as counted:
            await eventually(lambda: _desks(running, 3), "three instances", 15)
        assert counted.failed == [], str(counted)


async def _desks(running: Lab, wanted: int = 0) -> list[str]:
    rows = await running.rows()
    up = [n for n, row in rows.items() if n.startswith("desk-") and row.state == "up"]
    return up if len(up) >= wanted else []


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Instances:
    """A crew, as far as a scaler looks at it."""

    def __init__(self, count: int) -> None:
        self.name = "desk"
        self.guest = None
        self.members = list(range(count))


@pytest.fixture
def looks() -> Any:
    """``looks(have, loads)``: what a scaler wants at each look, a second apart."""

    def look(have: int, loads: list[int], cool_down: float = 10.0) -> list[int | None]:
        clock, crew = Clock(), Instances(have)
        pool = Replicas(min=1, max=4, target_in_flight=2)
        scaler = Scaler(crew, pool, cool_down=cool_down, clock=clock)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        found = []
        for in_flight in loads:
            clock.now += 1
            wanted = scaler.wanted(in_flight)
            found.append(wanted)
            if wanted is not None:
                crew.members = list(range(wanted))
        return found

    return look


@pytest.mark.promise("S2-60", "S2-61")
def test_as_many_as_the_calls_under_way_ask_for(looks: Any) -> None:
    """The mean of three looks, by the calls that one instance should have; never beyond max."""
    assert looks(1, [2]) == [None]
    assert looks(1, [5]) == [3]
    assert looks(1, [0, 0, 9]) == [None, None, 2]
    assert looks(1, [100]) == [4]


@pytest.mark.promise("S2-60")
def test_fewer_only_after_the_cool_down_and_one_by_one(looks: Any) -> None:
    """Ten seconds of less, each time; a single busy look begins them anew; never below min."""
    quiet = looks(3, [0] * 40)
    assert [at for at, wanted in enumerate(quiet) if wanted is not None] == [10, 20]
    assert [wanted for wanted in quiet if wanted] == [2, 1]
    busy = looks(2, [0] * 6 + [12] + [0] * 14)
    assert [wanted for wanted in busy if wanted] == [1]


@pytest.mark.promise("S2-60")
def test_control_without_a_cool_down_it_would_fall_at_once(looks: Any) -> None:
    """Control: it is the cool-down that keeps instances through a lull."""
    assert looks(2, [0], cool_down=0.0) == [1]
