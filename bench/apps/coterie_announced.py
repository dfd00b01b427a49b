"""A program that serves `Target` and announces itself to the registry of a running system.

`python -m bench.apps.coterie_announced STATE ID LEASE`. It says `ready` once it listens; then each
line on its input, `"announce"` or `"withdraw"`, is done and answered with the moment before it was.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

import msgspec
import uvloop

from bench.apps.coterie_target import Target
from coterie.console.control import ControlClient
from coterie.registry import Instance
from coterie.server import App, Host, HttpServer
from coterie.system.registries import registry_at


async def main(state: Path, name: str, lease: float) -> None:
    """Serve, and do as told, until the input ends."""
    host = Host(Target())
    server = HttpServer(App([host]), port=0)
    terms = await ControlClient(state).terms()
    registry = registry_at(terms.registry, terms.inventory.system, lease=lease)
    await host.start()
    await server.start()
    await registry.start()
    instance = Instance(service="target", id=name, url=f"http://127.0.0.1:{server.port}")
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        began = time.monotonic()
        if msgspec.json.decode(line) == "announce":
            await registry.announce(instance)
        else:
            await registry.withdraw(instance.service, instance.id)
        print(msgspec.json.encode({"at": began, "pid": os.getpid()}).decode(), flush=True)
    await registry.stop()
    await server.stop()
    await host.stop()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
