"""How a host ends: what it waits for, what it cuts short, what becomes of background work."""

import asyncio

import pytest

from coterie.call import Failure, spawn
from coterie.client import proxy
from coterie.contract import on_stop
from coterie.server import Host, State
from tests.server.bell import Bell, Part
from tests.server.kit import Lab, LabService, soon, until


@pytest.mark.promise("P2.12-10")
async def test_stopping_waits_for_the_calls_under_way() -> None:
    """They are answered; new ones are refused meanwhile; then the service is stopped."""
    lab = LabService()
    host = Host(lab)
    await host.start()
    client = proxy(Lab, host.handle)
    under_way = [asyncio.create_task(client.waits()) for _ in range(3)]
    await until(lambda: lab.waiting == 3)
    assert host.in_flight == 3
    stopping = asyncio.create_task(host.stop(drain=5))
    await until(lambda: host.state is State.DRAINING)
    with pytest.raises(Failure, match="draining"):
        await client.text()
    assert not stopping.done()
    lab.go.set()
    assert await asyncio.gather(*under_way) == ["done"] * 3
    await soon(stopping)
    assert (host.state, host.in_flight) == (State.STOPPED, 0)


async def test_control_without_draining_a_call_is_not_waited_for() -> None:
    """Control: `drain=0` stops at once, with the call still unanswered."""
    lab = LabService()
    host = Host(lab)
    await host.start()
    under_way = asyncio.create_task(proxy(Lab, host.handle).waits())
    await until(lambda: lab.waiting)
    await soon(host.stop(drain=0), 0.5)
    assert not under_way.done()
    lab.go.set()
    await under_way


async def test_draining_ends_when_its_time_is_over(caplog: pytest.LogCaptureFixture) -> None:
    """A call that never ends does not keep the process; the log says how many were left."""
    lab = LabService()
    host = Host(lab, name="lab")
    await host.start()
    under_way = asyncio.create_task(proxy(Lab, host.handle).waits())
    await until(lambda: lab.waiting)
    await soon(host.stop(drain=0.05), 1)
    assert "lab: 1 calls cut off after 0.1 s" in caplog.text
    assert host.state is State.STOPPED
    under_way.cancel()


async def test_stopping_what_never_started_stops_nothing() -> None:
    """A host that was only built has nothing to give back."""
    told: list[str] = []
    host = Host(Bell(told), components=[Part("database", told)])
    await host.stop()
    assert (told, host.state) == ([], State.STOPPED)


async def test_background_work_ends_with_its_service() -> None:
    """It is cancelled, and awaited: what it does at the end is done before `stop` returns."""
    told: list[str] = []
    host = Host(Bell(told))
    await host.start()
    await proxy(Bell, host.handle).toll()
    await until(lambda: "working" in told)
    await host.stop()
    assert told[-1] == "work ended"


async def test_background_work_begun_while_stopping_ends_too() -> None:
    """What a stop hook begins does not outlive the service either."""
    told: list[str] = []

    class Late(Bell):
        @on_stop
        async def once_more(self) -> None:
            spawn(self.work()).add_done_callback(lambda _: None)
            await asyncio.sleep(0)

    host = Host(Late(told))
    await host.start()
    await host.stop()
    assert told[-2:] == ["working", "work ended"]


async def test_background_work_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """With its name and trace back: nobody awaits it who could notice."""

    class Clumsy(Bell):
        async def work(self) -> None:
            raise RuntimeError("fell off the ladder")

    host = Host(Clumsy([]), name="belfry")
    await host.start()
    await proxy(Bell, host.handle).toll()
    await until(lambda: caplog.records)
    assert "belfry: background work tolling failed" in caplog.text
    assert "fell off the ladder" in caplog.text
    await host.stop()
