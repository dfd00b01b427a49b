"""What one call owes to others: its events, its failures, its arguments, its end."""

import asyncio
import socket
from typing import Annotated, Any, cast

import pytest

from coterie.call import Failure, spawn
from coterie.client import connect, proxy
from coterie.contract import (
    Code,
    Contract,
    Event,
    Fault,
    Meta,
    Service,
    Struct,
    call,
    get,
    on_stop,
    post,
)
from coterie.server import App, Host, HttpServer
from coterie.testing import recording


class Said(Struct):
    words: str


class Refused(Fault):
    """No."""


class Talk(Service, version="1.0"):
    """Talks."""

    said = Event(Said)

    @post("/say", faults=[Refused])
    async def say(self, words: str) -> str:
        await self.said(Said(words))
        if words == "no":
            raise Refused
        return words


async def test_a_failed_call_has_told_nobody_anything() -> None:
    """Its events do not leave; those of calls that succeed do, in order."""
    async with recording(Talk()) as (talk, events):
        await talk.say("one")
        with pytest.raises(Refused):
            await talk.say("no")
        await talk.say("two")
    assert events.of(Talk.said) == [Said("one"), Said("two")]


class Deep(Contract, version="1.0"):
    """What others stand on."""

    @call()
    async def dig(self, code: str) -> int: ...


class DeepService(Deep):
    async def dig(self, code: str) -> int:
        raise Failure(Code(code), "secret: table users at 10.0.0.7", retry_after=3)


class High(Service, version="1.0"):
    """Stands on others."""

    def __init__(self, deep: Deep) -> None:
        self.deep = deep

    @get("/look")
    async def look(self, code: str) -> int:
        return await self.deep.dig(code)


@pytest.mark.parametrize("code", list(Code))
async def test_a_failure_of_another_service_is_passed_on_by_its_code_alone(code: Code) -> None:
    """Codes that mean the same further out stay; the rest is this service's own failure."""
    deep = Host(DeepService())
    await deep.start()
    high = Host(High(proxy(Deep, deep.handle)))
    await high.start()
    with pytest.raises(Failure) as caught:
        await proxy(High, high.handle).look(code.value)
    kept = {
        Code.UNAVAILABLE,
        Code.DEADLINE_EXCEEDED,
        Code.RESOURCE_EXHAUSTED,
        Code.CANCELLED,
        Code.ABORTED,
        Code.UNAUTHENTICATED,
        Code.PERMISSION_DENIED,
    }
    assert caught.value.code is (code if code in kept else Code.INTERNAL)
    assert "secret" not in caught.value.message
    assert caught.value.retry_after == (3 if code in kept else None)
    await high.stop()
    await deep.stop()


class Box(Struct):
    size: int


class Store(Service, version="1.0"):
    """Takes only what its contract says."""

    @call()
    async def take(
        self, count: Annotated[int, Meta(ge=1)], box: Box, note: str | None = None
    ) -> Box:
        return box

    @call()
    async def lie(self) -> Box:
        lie: Any = "no box"
        return cast(Box, lie)


@pytest.mark.parametrize(
    "arguments",
    [
        {"count": -50, "box": Box(1)},
        {"count": "many", "box": Box(1)},
        {"count": 1, "box": "a box"},
        {"count": 1, "box": Box(1), "note": 7},
    ],
)
async def test_a_call_in_the_process_keeps_the_contract_too(arguments: dict[str, Any]) -> None:
    """What a wire refuses as invalid is refused here, with the same code."""
    host = Host(Store())
    await host.start()
    client = proxy(Store, host.handle)
    assert (await client.take(1, Box(1))).size == 1
    with pytest.raises(Failure) as caught:
        await client.take(**arguments)
    assert caught.value.code is Code.INVALID_ARGUMENT
    with pytest.raises(Failure) as caught:
        await client.lie()
    assert caught.value.code is Code.INTERNAL
    await host.stop()


class Lists(Service, version="1.0"):
    """Has a default that could be changed."""

    @get("/lists")
    async def add(self, items: list[int] = []) -> int:  # noqa: B006  # that is the point
        items.append(1)
        return len(items)


async def test_a_default_is_each_calls_own() -> None:
    """What one call does to it, the next does not see."""
    host = Host(Lists())
    await host.start()
    client = proxy(Lists, host.handle)
    assert [await client.add() for _ in range(3)] == [1, 1, 1]
    await host.stop()


async def test_two_who_stop_a_host_wait_for_the_same_end() -> None:
    """The second neither runs hooks again nor closes anything under the first."""
    told: list[str] = []

    class Slow(Service, version="1.0"):
        @get("/")
        async def root(self) -> None: ...

        @on_stop
        async def end(self) -> None:
            told.append("begins")
            await asyncio.sleep(0)
            told.append("ends")

    class Part:
        async def start(self) -> None: ...

        async def stop(self) -> None:
            told.append("part")

    host = Host(Slow(), components=[Part()])
    await host.start()
    await asyncio.gather(host.stop(), host.stop())
    assert told == ["begins", "ends", "part"]


async def test_background_work_that_does_not_end_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is named in the log, and the host stops all the same."""
    monkeypatch.setattr("coterie.server.host._LAST_WAIT", 0.05)
    released = asyncio.Event()

    class Stubborn(Service, version="1.0"):
        @get("/")
        async def root(self) -> None:
            async def work() -> None:
                while not released.is_set():
                    try:
                        await released.wait()
                    except asyncio.CancelledError:
                        continue

            _ = spawn(work(), name="stubborn")

    host = Host(Stubborn())
    await host.start()
    await proxy(Stubborn, host.handle).root()
    await asyncio.sleep(0)
    await asyncio.wait_for(host.stop(), 5)
    released.set()
    assert "stubborn does not end" in caplog.text


@pytest.mark.parametrize("shape", ["one long header", "many headers", "a long target"])
async def test_a_head_without_end_is_refused(shape: str) -> None:
    """431 and a closed connection, long before it fills the memory."""
    host = Host(Talk())
    await host.start()
    server = HttpServer(App([host]))
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    begin, more = {
        "one long header": (b"GET / HTTP/1.1\r\nhost: x\r\nlong: ", b"a" * 4096),
        "many headers": (b"GET / HTTP/1.1\r\nhost: x\r\n", b"name: value\r\n" * 300),
        "a long target": (b"GET /", b"a" * 4096),
    }[shape]
    writer.write(begin)
    sent = 0
    try:
        while not reader.at_eof() and sent < 4 << 20:
            writer.write(more)
            sent += len(more)
            await writer.drain()
            await asyncio.sleep(0)
        answer = await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        answer = b""
    assert sent < 1 << 20
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431")
    async with connect(Talk, server.url) as talk:
        assert await talk.say("still here") == "still here"
    writer.close()
    await server.stop()
    await host.stop()
