"""Coterie: a service with more to do than it can, alone on a port; it says its port first.

Run as ``python -m bench.apps.coterie_busy CORES [--no-gate]``; it ends with its standard input.
"""

import asyncio
import hashlib
import sys

import uvloop

from bench.cores import pin
from coterie.contract import Service, get
from coterie.policy import deadline
from coterie.server import App, Host, HttpServer

ROUNDS = 30_000
WAIT = 0.1


class Busy(Service, version="1.0"):
    """What takes the processor, and what takes only time."""

    @get("/think")
    async def think(self) -> str:
        """Some milliseconds of work that nobody else can do meanwhile."""
        return hashlib.pbkdf2_hmac("sha256", b"a word", b"salt", ROUNDS).hex()

    @get("/wait")
    async def wait(self) -> str:
        """A tenth of a second for somebody else, and next to no work."""
        await asyncio.sleep(WAIT)
        return "done"

    @get("/sleep")
    async def sleep(self, seconds: float = 5.0) -> str:
        """As long as it is told."""
        await asyncio.sleep(seconds)
        return "done"


async def main(*, gate: bool) -> None:
    """Serve until standard input ends."""
    host = Host(Busy(), policies=[deadline()])
    server = HttpServer(App([host]) if gate else App([host], shed=None), patience=0.2)
    await host.start()
    await server.start()
    print(server.port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()
    await host.stop(drain=0.2)


if __name__ == "__main__":
    pin(frozenset(int(core) for core in sys.argv[1].split(",") if core))
    uvloop.run(main(gate="--no-gate" not in sys.argv))
