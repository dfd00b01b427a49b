"""Open pages are told what changes, at the pace of their reader, and end when they must."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from coterie.client.http1 import Body
from coterie.console.dashboard.sse import Event, Streams
from tests.console.dashboard.conftest import Console, until
from tests.console.dashboard.fake import System, row

EVENTS = (("accept", "text/event-stream"),)


class Reader:
    """What comes over one stream, event by event."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._rest = b""

    async def event(self) -> dict[str, str]:
        async with asyncio.timeout(10):
            while b"\n\n" not in self._rest:
                self._rest += await anext(self._body)
        raw, _, self._rest = self._rest.partition(b"\n\n")
        found: dict[str, str] = {}
        for line in raw.decode().split("\n"):
            name, _, value = line.partition(": ")
            found[name] = f"{found[name]}\n{value}" if name in found else value
        return found

    async def end(self) -> None:
        async with asyncio.timeout(10):
            async for _ in self._body:
                pass

    async def until(self, text: str) -> dict[str, str]:
        while text not in (event := await self.event()).get("data", ""):
            pass
        return event


async def _open(console: Console, target: str, **headers: str) -> tuple[Any, Reader]:
    more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    answer = await console.pool.request("GET", target, (*EVENTS, *more), stream=True)
    assert answer.status == 200
    assert ("content-type", "text/event-stream; charset=utf-8") in answer.headers
    return answer, Reader(answer.body)


async def test_a_page_is_told_what_has_changed(console: Console, system: System) -> None:
    answer, reader = await _open(console, "/console")
    async with answer:
        await reader.until("orders-1")
        system.supervisor.now = [*system.supervisor.now, row("mail-1", state="starting")]
        event = await reader.until("mail-1")
        assert event["event"] == "part"
        assert event["data"].startswith("processes\n")


async def test_lines_come_as_they_are_written_and_only_those_wanted(
    console: Console, system: System
) -> None:
    answer, reader = await _open(console, "/console/logs?level=error")
    async with answer:
        await until(lambda: len(console.dashboard.app.streams) == 1)
        system.supervisor.write("orders-1", "INFO quiet")
        system.supervisor.write("orders-1", "ERROR loud")
        event = await reader.until("loud")
        assert "quiet" not in event["data"]
        last = event["id"]
    system.supervisor.write("orders-1", "ERROR missed")
    await console.shows("/console/logs", "missed")
    answer, reader = await _open(console, "/console/logs?level=error", last_event_id=last)
    async with answer:
        event = await reader.until("missed")
        assert "loud" not in event["data"]


async def test_a_system_that_goes_away_is_told_and_so_is_its_return(
    console: Console, system: System
) -> None:
    answer, reader = await _open(console, "/console")
    async with answer:
        await reader.until("orders-1")
        await system.control.stop()
        await reader.until("Not connected")
        await system.control.start()
        while (await reader.until("notice"))["data"] != "notice\n":
            pass


async def test_open_pages_end_when_the_console_stops(console: Console) -> None:
    answer, reader = await _open(console, "/console")
    async with answer:
        await reader.event()
        began = time.monotonic()
        await console.dashboard.stop()
        await reader.end()
        assert time.monotonic() - began < 3
    assert len(console.dashboard.app.streams) == 0


async def test_a_reader_who_leaves_is_forgotten(console: Console) -> None:
    answer, _ = await _open(console, "/console/logs")
    async with answer:
        await until(lambda: len(console.dashboard.app.streams) == 1)
    await until(lambda: len(console.dashboard.app.streams) == 0)


async def _many() -> AsyncIterator[Event]:
    for number in range(1000):
        yield Event("part", f"one\ntwo {number}", str(number))


async def _never() -> Mapping[str, Any]:
    await asyncio.Event().wait()
    return {}


@pytest.mark.parametrize("slow", [0.05, 60.0])
async def test_a_reader_who_takes_nothing_is_dropped(slow: float) -> None:
    """With the limit at a minute the same reader is still there: so it is the limit that drops."""
    sent: list[bytes] = []

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message["body"])
        if len(sent) == 3:
            await asyncio.Event().wait()

    streams = Streams(slow=slow)
    pouring = asyncio.create_task(streams.pour(_many(), _never, send))
    done, _ = await asyncio.wait([pouring], timeout=0.5)
    assert bool(done) is (slow < 1)
    assert len(streams) == (0 if slow < 1 else 1)
    assert len(sent) == 3  # and nothing was made ahead for it
    await streams.close()
    await asyncio.wait_for(pouring, 1)


async def test_silence_is_broken_by_a_heartbeat() -> None:
    async def silent() -> AsyncIterator[Event]:
        await asyncio.Event().wait()
        yield Event("never", "")

    sent: list[bytes] = []

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message["body"])

    streams = Streams(heartbeat=0.01)
    pouring = asyncio.create_task(streams.pour(silent(), _never, send))
    await until(lambda: len(sent) >= 3)
    await streams.close()
    await pouring
    assert sent[0] == b": still here\n\n"


async def test_too_many_open_pages_are_refused() -> None:
    streams = Streams()
    tasks = [asyncio.create_task(streams.pour(_slowly(), _never, _taken)) for _ in range(64)]
    await until(lambda: streams.full)
    await streams.close()
    await asyncio.gather(*tasks)


async def _slowly() -> AsyncIterator[Event]:
    await asyncio.Event().wait()
    yield Event("never", "")


async def _taken(message: Mapping[str, Any]) -> None:
    return


def test_an_event_cannot_be_broken_out_of() -> None:
    assert Event("part", "a\r\nb\rc\n\nevent: x", "7").encode() == (
        b"event: part\nid: 7\ndata: a\ndata: b\ndata: c\ndata: \ndata: event: x\n\n"
    )
