"""A service with long answers, in a process of its own; and our own gateway, in another.

Run as ``python -m tests.protection.wide`` it is the service; with a port and the gateway's limits,
as JSON, it is a gateway before the service at that port. It says its own port, and ends with its
standard input.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import msgspec

from coterie.contract import Contract, Struct, Text, get, post
from coterie.deploy import routes_of
from coterie.members.gateway import Gateway
from coterie.registry import Instance
from coterie.server import App, Host, HttpServer, Slowness
from coterie.system import ContractEntry, Inventory, OperationEntry, ServiceEntry
from tests.deploy.running import Known
from tests.server.talk import soon

__all__ = ["WIDE", "own_gateway", "wide"]


class Note(Struct):
    text: str = ""


class Wide(Contract, version="1.0"):
    """Short answers for the many, long ones for who reads slowly."""

    @get("/short")
    async def short(self) -> int: ...

    @get("/long")
    async def long(self, size: int = 0) -> Text: ...

    @post("/notes")
    async def note(self, note: Note) -> int: ...


class WideService(Wide):
    async def short(self) -> int:
        return 1

    async def long(self, size: int = 0) -> Text:
        return "x" * size

    async def note(self, note: Note) -> int:
        return len(note.text)


def _operation(name: str, method: str, path: str) -> OperationEntry:
    return OperationEntry(id=f"wide.{name}", method=method, path=path, route=path, attempts=3)


WIDE = Inventory(
    system="wide",
    services=(
        ServiceEntry(
            name="wide",
            target="tests.protection.wide:WideService",
            contracts=(
                ContractEntry(
                    name="wide",
                    version="1.0",
                    digest="",
                    operations=(
                        _operation("short", "GET", "/short"),
                        _operation("long", "GET", "/long"),
                        _operation("note", "POST", "/notes"),
                    ),
                ),
            ),
        ),
    ),
)


async def _serve() -> None:
    host = Host(WideService(), name="wide")
    await host.start()
    # What is looked at is the gateway: a busy machine is no reason to refuse anybody here.
    await _until_told(HttpServer(App([host], shed=None), patience=0.2))
    await host.stop(drain=0.2)


async def _pass_on(port: int, slowness: Slowness, body: float) -> None:
    found = Instance(service="wide", id="wide-1", url=f"http://127.0.0.1:{port}")
    gateway = Gateway(routes_of(WIDE), Known(found), body_timeout=body)
    await gateway.start()
    await _until_told(HttpServer(gateway, patience=0.2, slowness=slowness))
    await gateway.stop()


async def _until_told(server: HttpServer) -> None:
    await server.start()
    print(server.port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()


def wide() -> AbstractAsyncContextManager[int]:
    """The service, for the length of the block: its port."""
    return _running()


def own_gateway(port: int, slowness: Slowness, body: float) -> AbstractAsyncContextManager[int]:
    """Our own gateway before the service at ``port``, for the length of the block: its port.

    ``body`` is the seconds that a body may take.
    """
    return _running(str(port), msgspec.json.encode(slowness).decode(), str(body))


@asynccontextmanager
async def _running(*arguments: str) -> AsyncGenerator[int]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.protection.wide", *arguments),
        stdin=PIPE,
        stdout=PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    try:
        yield int(await soon(process.stdout.readline(), 30.0))
    finally:
        try:
            await soon(process.communicate(b""), 10.0)
        except TimeoutError:
            process.kill()
            await process.communicate(b"")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        asyncio.run(_serve())
    else:
        _port, _slowness, _body = sys.argv[1:]
        _limits = msgspec.json.decode(_slowness, type=Slowness)
        asyncio.run(_pass_on(int(_port), _limits, float(_body)))
