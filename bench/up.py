"""A system of ours that is up: `coterie up`, as anyone would start it, and asked as anyone may."""

import asyncio
import subprocess
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.server import STOP_LIMIT, ServerError, end, free_port, output, spawn, used_by
from bench.setting import Setting

READY_LIMIT = 60.0

# Modules are compiled once, as on anybody's machine, whatever this shell says of it.
_ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": ""}


class Process(Struct, frozen=True):
    """A row of `coterie ps --json`; `memory` is its proportional share in octets (PSS)."""

    name: str
    kind: str
    state: str
    pid: int | None = None
    address: str | None = None
    memory: int | None = None


class _Ready(Struct):
    event: str


class Up:
    """The system in `system`, its gateway at `port`, its state in a folder of the figure.

    `spread`: its processes may use both cores; else they share the one that serves.
    """

    def __init__(
        self,
        setting: Setting,
        system: Path,
        *,
        name: str = "up",
        options: Sequence[str] = (),
        spread: bool = False,
    ) -> None:
        self.name = name
        self.system = system
        self.state = setting.folder / f"{name}.state"
        self.port = free_port()
        self.log = setting.folder / f"{name}.log"
        self.spawned = 0.0
        """When it was started, by `time.monotonic`."""
        self._cores = setting.cores
        self._spread = spread
        self._coterie = (str(setting.python), "-m", "coterie")
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it; returns once it says that it is ready. Raises `ServerError`."""
        self.spawn()
        deadline = time.monotonic() + READY_LIMIT
        while not self._ready():
            if self._process is not None and self._process.poll() is not None:
                raise ServerError(f"{self.name} ended at its start:\n{self._tail()}")
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} is not ready in time:\n{self._tail()}")
            await asyncio.sleep(0.05)

    def spawn(self) -> None:
        """Start it, and do not wait."""
        cores = self._cores.serving | (self._cores.asking if self._spread else frozenset())
        places = ("--port", str(self.port), "--state", str(self.state), "--json")
        with self.log.open("wb") as log:
            self.spawned = time.monotonic()
            self._process = spawn(
                [*self._coterie, "up", str(self.system), *places, *self._options],
                cores=cores,
                environment=_ENVIRONMENT,
                log=log.fileno(),
            )

    async def stop(self) -> None:
        """End it, and all its processes with it."""
        process, self._process = self._process, None
        if process is not None:
            await end(process, patience=3 * STOP_LIMIT)

    async def processes(self) -> dict[str, Process]:
        """Every process of the system, by name."""
        printed = await self.tell("ps", str(self.system), "--json")
        return {row.name: row for row in msgspec.json.decode(printed, type=list[Process])}

    async def tell(self, verb: str, *arguments: str) -> bytes:
        """What a verb of the command line prints. Raises `ServerError`."""
        command = [*self._coterie, verb, *arguments, "--state", str(self.state)]
        return await output(command, cores=self._cores.asking, environment=_ENVIRONMENT)

    async def scale(self, service: str, replicas: int) -> None:
        """Run as many instances of a service."""
        await self.tell("scale", f"{service}={replicas}", "--system", str(self.system))

    def _ready(self) -> bool:
        for line in self.log.read_bytes().splitlines():
            try:
                if msgspec.json.decode(line, type=_Ready).event == "ready":
                    return True
            except msgspec.MsgspecError:
                continue  # a line of the log
        return False

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


class Spent:
    """Processor time of some processes of a system, as `Server.used` tells it."""

    def __init__(self, pids: Collection[int]) -> None:
        self.pids = frozenset(pids)

    def used(self) -> float:
        """Seconds so far."""
        return used_by(self.pids)
