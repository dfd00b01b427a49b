"""A real Envoy on the files that are made for it, and instances that are told to it by hand."""

import asyncio
import ctypes
import json
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from coterie.deploy.envoy import Edge, endpoints, files, swap
from coterie.registry import Instance, Told
from coterie.system import Inventory
from tests.server.talk import soon

__all__ = ["BINARY", "Gate", "Known", "gate_of"]

BINARY = Path(sys.prefix) / (
    f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages/envoy/_bin/envoy"
)


class Known:
    """A registry of what a test tells it."""

    def __init__(self, *instances: Instance) -> None:
        self.instances = instances
        self._told: list[Told] = []

    def tell(self, *instances: Instance) -> None:
        """From now on these are all."""
        self.instances = instances
        for told in self._told:
            told(instances)

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def announce(self, instance: Instance) -> None:
        self.tell(*self.instances, instance)

    async def withdraw(self, service: str, id: str) -> None:
        self.tell(*(one for one in self.instances if (one.service, one.id) != (service, id)))

    async def watch(self, service: str | None = None, told: Told | None = None) -> "Known":
        if told is not None:
            self._told.append(told)
            told(self.instances)
        return self

    def close(self) -> None: ...


class Gate:
    """A running Envoy."""

    def __init__(self, folder: Path, admin: str) -> None:
        self.folder = folder
        self.admin = admin
        self.port = 0

    @property
    def log(self) -> str:
        return (self.folder / "envoy.log").read_text()

    async def ask(self, path: str) -> bytes:
        """Ask the administration's socket."""
        reader, writer = await asyncio.open_unix_connection(self.admin)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n".encode())
        try:
            answer = await soon(reader.read())
        finally:
            writer.close()
            await writer.wait_closed()
        head, _, body = answer.partition(b"\r\n\r\n")
        if b"chunked" in head:
            body = b"".join(body.split(b"\r\n")[1::2])
        return body

    async def ready(self) -> None:
        """As soon as it listens."""
        async with asyncio.timeout(20):
            while not self.port:
                await asyncio.sleep(0.02)
                try:
                    told: dict[str, Any] = json.loads(await self.ask("/listeners?format=json"))
                    live = await self.ask("/ready")
                except (OSError, ValueError):
                    continue
                if told.get("listener_statuses") and live.startswith(b"LIVE"):
                    ports = {
                        one["name"]: one["local_address"]["socket_address"]["port_value"]
                        for one in told["listener_statuses"]
                    }
                    self.port = ports["gateway"]

    def tell(self, service: str, *instances: Instance) -> None:
        """Swap the endpoint file of ``service``."""
        swap(self.folder, {f"eds/{service}.json": endpoints(service, instances)})

    async def healthy(self, service: str, count: int) -> None:
        """As soon as so many instances of ``service`` passed their health check."""
        async with asyncio.timeout(10):
            while True:
                told = (await self.ask("/clusters")).decode()
                lines = [line for line in told.splitlines() if line.startswith(f"{service}::")]
                if sum("::health_flags::healthy" in line for line in lines) == count:
                    return
                await asyncio.sleep(0.02)


_LIBC = ctypes.CDLL(None)


def _die_with_us() -> None:
    """However this process ends, Envoy does too (prctl(2), PR_SET_PDEATHSIG)."""
    _LIBC.prctl(1, signal.SIGKILL)


@asynccontextmanager
async def gate_of(
    folder: Path,
    inventory: Inventory,
    instances: Mapping[str, tuple[Instance, ...]],
    edge: Callable[[Edge], Edge] = lambda edge: edge,
    alter: Callable[[dict[str, bytes]], None] = lambda files: None,
) -> AsyncGenerator[Gate]:
    """An Envoy on a free port for the length of the block. ``alter`` is for controls."""
    admin = str(folder / "admin.sock")
    told = edge(
        Edge(folder=str(folder), host="127.0.0.1", port=0, admin=admin, log=str(folder / "access"))
    )
    made = files(inventory, told)
    made |= {f"eds/{name}.json": endpoints(name, found) for name, found in instances.items()}
    alter(made)
    swap(folder, made)
    with (folder / "envoy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(BINARY, "-c", folder / "bootstrap.json", "--concurrency", "1"),
            *("--disable-hot-restart", "--log-level", "warning"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_us,
        )
        gate = Gate(folder, admin)
        try:
            ready = asyncio.create_task(gate.ready())
            ended = asyncio.create_task(process.wait())
            await asyncio.wait((ready, ended), return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                ready.cancel()
                raise RuntimeError(gate.log)
            await ready
            for name, found in instances.items():
                await gate.healthy(name, len(found))
            yield gate
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
