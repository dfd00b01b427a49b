"""The control socket: every question and its answer, and what is asked wrongly."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from coterie.console.control import (
    BrokenOff,
    Catalogue,
    ControlClient,
    ControlError,
    ControlServer,
    LogLine,
    NotUp,
    Rows,
    UpLock,
)
from tests.console.pretend import INVENTORY, ROWS, Pretend

PATIENCE = 10.0


@asynccontextmanager
async def up(state: Path, **settings: float) -> AsyncGenerator[Pretend]:
    """A server in this event loop."""
    pretend = Pretend()
    server = ControlServer(state, pretend, **settings)
    await server.start()
    try:
        yield pretend
    finally:
        pretend.go.set()
        await server.stop()


async def said(state: Path, request: bytes, *, eof: bool = False) -> list[dict[str, Any]]:
    """What comes back for some bytes, to the end; with ``eof`` we say that no more will come."""
    reader, writer = await asyncio.open_unix_connection(state / "control.sock", limit=2**24)
    writer.write(request)
    if eof:
        writer.write_eof()
    async with asyncio.timeout(PATIENCE):
        lines = (await reader.read()).splitlines()
    writer.close()
    return [json.loads(line) for line in lines]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.005)


async def everything(steps: AsyncGenerator[Any, None]) -> list[Any]:
    return [step async for step in steps]


async def test_the_protocol_is_json_lines(tmp_path: Path) -> None:
    """What `nc -U` would see: objects, one a line, the last one says that it is done."""
    async with up(tmp_path) as pretend:
        rows, done = await said(tmp_path, b'{"do":"ps"}\n')
        assert [row["name"] for row in rows["rows"]] == ["orders-1", "web-1", "gateway"]
        assert rows["rows"][0]["memory"] == 14 * 2**20
        assert done == {"done": True}
        (found, _) = await said(tmp_path, b'{"do":"inventory"}\n')
        assert found["inventory"]["system"] == "lab"
        assert found["seen"] == [["orders", "users"], ["orders", "mail"]]
        assert await said(tmp_path, b'{"do":"scale","service":"orders","replicas":2}\n') == [
            {"told": "orders-1 is up"},
            {"told": "orders-2 is up"},
            {"done": True},
        ]
        assert await said(tmp_path, b'{"do":"logs","names":["a"],"lines":1}', eof=True) == [
            {"source": "a", "line": "a line 0"},
            {"done": True},
        ]
        (last,) = await said(tmp_path, b'{"do":"scale","service":"unfit","replicas":2}\n')
        assert last == {"error": "unfit runs alone", "remedy": "Write replicas in coterie.toml"}
        assert pretend.asked[-1] == ("scale", "unfit", 2)


async def test_answers_are_typed(tmp_path: Path) -> None:
    """The client gives structs, and raises what the supervisor raised."""
    client = ControlClient(tmp_path)
    async with up(tmp_path, beat=0.01) as pretend:
        assert await client.rows() == ROWS
        assert await client.inventory() == Catalogue(
            INVENTORY, (("orders", "users"), ("orders", "mail"))
        )
        assert await everything(client.scale("orders", 1)) == ["orders-1 is up"]
        assert await everything(client.restart(["users"])) == ["users restarts", "users is up"]
        assert len(await everything(client.stop())) == 3
        assert await everything(client.logs(["a", "b"], 1)) == [
            LogLine("a", "a line 0"),
            LogLine("b", "a line 0"),
        ]
        seen: set[type] = set()
        async for news in client.watch():
            seen.add(type(news))
            if seen == {Rows, LogLine}:
                break
        with pytest.raises(ControlError, match=r"unfit runs alone\. Write replicas") as caught:
            await everything(client.scale("unfit", 1))
        assert caught.value.remedy == "Write replicas in coterie.toml"
    assert pretend.asked[:3] == [("scale", "orders", 1), ("restart", "users"), ("stop",)]


WRONG = {
    "no JSON": b"hello\n",
    "nothing": b"\n",
    "a list": b"[]\n",
    "no verb": b'{"names":[]}\n',
    "an unknown verb": b'{"do":"explode"}\n',
    "a misspelt member": b'{"do":"stop","name":["orders"]}\n',
    "a name that is none": b'{"do":"stop","names":[""]}\n',
    "names that are no list": b'{"do":"stop","names":"orders"}\n',
    "a number too small": b'{"do":"scale","service":"orders","replicas":0}\n',
    "a number too large": b'{"do":"scale","service":"orders","replicas":1e9}\n',
    "no number": b'{"do":"scale","service":"orders"}\n',
    "no UTF-8": b'{"do":"stop","names":["\xff\xfe"]}\n',
    "deep": b'{"do":"stop","names":' + b"[" * 30_000 + b"\n",
    "long": b'{"do":"stop","names":["' + b"x" * 5_000_000 + b'"]}\n',
    "half a request": b'{"do":"stop"',
}


@pytest.mark.parametrize("request_", WRONG.values(), ids=WRONG)
async def test_what_is_wrong_is_told(tmp_path: Path, request_: bytes) -> None:
    """One line, with a remedy; nothing is changed, and the next is answered."""
    async with up(tmp_path, patience=0.2) as pretend:
        (told,) = await said(tmp_path, request_, eof=not request_.endswith(b"\n"))
        assert set(told) == {"error", "remedy"}
        assert '{"do": "ps"}' in told["remedy"]
        assert pretend.asked == []
        assert len(await said(tmp_path, b'{"do":"ps"}\n')) == 2


async def test_a_misspelt_member_would_have_stopped_all(tmp_path: Path) -> None:
    """Control: without names, that request is about the whole system."""
    async with up(tmp_path) as pretend:
        await said(tmp_path, b'{"do":"stop"}\n')
        assert pretend.asked == [("stop",)]


async def test_a_defect_ends_one_question_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told and logged; the socket goes on."""
    async with up(tmp_path) as pretend:
        pretend.defect = ZeroDivisionError("half of nothing")
        with pytest.raises(ControlError, match="ZeroDivisionError: half of nothing"):
            await ControlClient(tmp_path).rows()
        assert "a request at the control socket failed" in caplog.text
        pretend.defect = None
        assert await ControlClient(tmp_path).rows() == ROWS


async def test_a_stream_ends_with_its_reader(tmp_path: Path) -> None:
    """What is behind it is ended too, at once."""
    async with up(tmp_path) as pretend:
        follow = ControlClient(tmp_path).logs(follow=True)
        await anext(follow)
        assert pretend.ended == []
        await follow.aclose()
        await until(lambda: pretend.ended == ["logs"])


async def test_a_change_is_carried_through(tmp_path: Path) -> None:
    """Whoever asked for it may go: no system is left half restarted."""
    async with up(tmp_path) as pretend:
        pretend.go.clear()
        restart = ControlClient(tmp_path).restart()
        assert await anext(restart) == "orders restarts"
        await restart.aclose()
        pretend.go.set()
        await until(lambda: pretend.ended == ["restart: done", "restart"])


async def test_who_does_not_read_is_dropped(tmp_path: Path) -> None:
    """Its stream is ended, and others never notice; one that reads (the control) is kept."""
    async with up(tmp_path, patience=0.3) as pretend:
        pretend.text = "x" * 60_000
        _, writer = await asyncio.open_unix_connection(tmp_path / "control.sock", limit=1024)
        writer.write(b'{"do":"logs","lines":0,"follow":true}\n')
        reading = ControlClient(tmp_path).logs(["kept"], follow=True)
        await until(lambda: ("logs", 0, True) in pretend.asked)
        count = 0
        async for _ in reading:
            count += 1
            if pretend.ended:
                break
        assert count > 100
        before = list(pretend.ended)
        assert before == ["logs"]
        for _ in range(50):
            await anext(reading)
        assert pretend.ended == before
        await reading.aclose()
        writer.close()


async def test_who_says_nothing_is_dropped(tmp_path: Path) -> None:
    """A connection without a request ends by itself."""
    async with up(tmp_path, patience=0.1):
        (told,) = await said(tmp_path, b"")
        assert told["error"] == "no request came within 0.1 s"


async def test_stopping_ends_streams_and_finishes_changes(tmp_path: Path) -> None:
    """A follower sees the end; who stops the system is told that it is done."""
    pretend = Pretend()
    server = ControlServer(tmp_path, pretend)
    await server.start()
    client = ControlClient(tmp_path)
    follow, restart = client.logs(follow=True), client.restart(["orders"])
    await anext(follow)
    pretend.go.clear()
    await anext(restart)
    stopping = asyncio.ensure_future(server.stop())
    await until(lambda: "logs" in pretend.ended)
    pretend.go.set()
    assert await everything(restart) == ["orders is up"]
    await everything(follow)
    await stopping
    assert not any(tmp_path.iterdir())  # noqa: ASYNC240  # nothing else runs
    with pytest.raises(NotUp):
        await client.rows()
    await server.stop()


async def test_nobody_there(tmp_path: Path) -> None:
    """Not running, and just starting, are told apart."""
    client = ControlClient(tmp_path)
    with pytest.raises(NotUp, match=r"not running here\. Start it with `coterie up`"):
        await client.rows()
    with UpLock(tmp_path), pytest.raises(ControlError, match=r"just starting or stopping \(pid"):
        await client.rows()


async def test_a_supervisor_that_hangs_or_dies(tmp_path: Path) -> None:
    """A question has an end; a change that broke off says so."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "control.sock"))
        silent.listen()
        with pytest.raises(ControlError, match=r"did not answer within 0\.1 s"):
            await ControlClient(tmp_path, patience=0.1).rows()

        def die() -> None:
            for _ in range(2):  # the first is the one that gave up
                silent.accept()[0].close()

        thread = threading.Thread(target=die)
        thread.start()
        with pytest.raises(BrokenOff):
            await everything(ControlClient(tmp_path).stop())
        thread.join()
