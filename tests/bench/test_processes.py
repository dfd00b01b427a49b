"""What the bench starts, it ends; what a client program reports, it measured."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import drive, orders
from bench.server import Server, ServerError, free_port

PARENT = """
import http.server, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.BaseHTTPRequestHandler).serve_forever()
"""


async def test_a_stopped_server_leaves_no_process_behind(tmp_path: Path) -> None:
    """Its children end with it, even those it would have left running."""
    port, log = free_port(), tmp_path / "log"
    server = Server("parent", [sys.executable, "-c", PARENT, str(port)], log=log, port=port)
    await server.start()
    child = int(log.read_text().split()[0])
    assert alive(child)
    await server.stop()
    async with asyncio.timeout(5):
        while alive(child):  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.01)


async def test_a_server_that_ends_at_its_start_says_why(tmp_path: Path) -> None:
    """The last lines of its log are in the message."""
    command = [sys.executable, "-c", "raise SystemExit('no database')"]
    server = Server("broken", command, log=tmp_path / "log", port=free_port())
    with pytest.raises(ServerError, match="no database"):
        await server.start()
    await server.stop()


def alive(process: int) -> bool:
    """Whether it runs: an ended one that nobody has reaped yet does not."""
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat")
        return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except ProcessLookupError:
        return False


class Caller:
    """A client in this process: right for even kinds, wrong or failing where it is told to."""

    def __init__(self, wrong: int = -1, failing: int = -1) -> None:
        self.wrong = wrong
        self.failing = failing

    async def call(self, kind: int) -> int:
        await asyncio.sleep(0)
        if kind == self.failing:
            raise ConnectionResetError
        total: int = orders.answer(kind)["total"]
        return total + (kind == self.wrong)

    async def plain(self, kind: int) -> dict[str, Any]:
        return orders.answer(kind) | ({"total": 0} if kind == self.wrong else {})

    async def refused(self) -> bool:
        return self.failing < 0


async def test_a_client_counts_right_answers_alone() -> None:
    """A wrong total and an exception are errors by kind, whoever else is in flight."""
    right = await drive.measure(Caller(), drive.Command(4, 0.05))
    assert right.errors == {}
    assert right.count > orders.KINDS
    wrong = await drive.measure(Caller(wrong=3, failing=5), drive.Command(4, 0.05))
    assert set(wrong.errors) == {"wrong answer", "ConnectionResetError"}


async def test_a_client_that_checks_less_is_turned_away() -> None:
    """Before any round: every answer in full, and the order that breaks a rule refused."""
    await drive.check(Caller())
    with pytest.raises(SystemExit, match="wrong answer to order 7"):
        await drive.check(Caller(wrong=7))
    with pytest.raises(SystemExit, match="not refused"):
        await drive.check(Caller(failing=1))
