"""A service with more to do than it can: the processes, and what is asked of them."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.cores import Cores
from bench.open_loop import Plan, Told
from bench.setting import ROOT

__all__ = ["PATHS", "Busy", "Load", "busy", "percentile"]

PATHS = ["/think", "/think", "/think", "/wait"]
"""Three that take the processor to one that takes only time."""

_START = 30.0
_ANSWER = 60.0
_PROC = Path("/proc")


class Load(Struct, frozen=True):
    """What came of a plan; ``share`` is how much of its core the service could have had meanwhile.

    A machine that has other things to do gives it less, and nobody can answer more than that:
    rates are those of a whole core. ``asking`` is the same of who asked, whose clock it is.
    """

    told: Told
    share: float
    asking: float

    @property
    def goodput(self) -> float:
        """Answers a second that came in time."""
        return len(self.told.good) / self.told.seconds / self.share

    @property
    def asked(self) -> float:
        """Requests a second."""
        return self.told.asked / self.told.seconds / self.share


class Busy:
    """The service, and who asks it."""

    def __init__(self, service: Process, asker: Process) -> None:
        self._service = service
        self._asker = asker

    async def asked(self, plan: Plan) -> Load:
        """What comes of it."""
        assert self._asker.stdin is not None
        loop = asyncio.get_running_loop()
        began = loop.time()
        before = [_waited(process) for process in (self._service, self._asker)]
        self._asker.stdin.write(msgspec.json.encode(plan) + b"\n")
        told = msgspec.json.decode(await _line(self._asker, plan.seconds + _ANSWER), type=Told)
        took = loop.time() - began
        after = [_waited(process) for process in (self._service, self._asker)]
        shares = [max(0.05, 1 - (b - a) / took) for a, b in zip(before, after, strict=True)]
        return Load(told, *shares)

    def memory(self) -> int:
        """Octets that it has in memory; 0 where the system does not say."""
        with suppress(OSError):
            for line in (_PROC / str(self._service.pid) / "status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        return 0


@asynccontextmanager
async def busy(cores: Cores, *, gate: bool = True) -> AsyncGenerator[Busy]:
    """The service, with its gate or without, for the length of the block."""
    serving, asking = (",".join(map(str, sorted(c))) for c in (cores.serving, cores.asking))
    off = [] if gate else ["--no-gate"]
    service = await _started("bench.apps.coterie_busy", [serving, *off])
    try:
        port = (await _line(service, _START)).decode().strip()
        asker = await _started("bench.open_loop", [port, asking])
        try:
            yield Busy(service, asker)
        finally:
            await _ended(asker)
    finally:
        await _ended(service)


def percentile(times: Sequence[float], share: float) -> float:
    """Of sorted times; 0 of none."""
    return times[min(len(times) - 1, int(len(times) * share))] if times else 0.0


async def _started(module: str, arguments: list[str]) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=PIPE, stdout=PIPE, cwd=ROOT, limit=1 << 24
    )


def _waited(process: Process) -> float:
    """Seconds that it was ready to run, and something else ran on its core."""
    with suppress(OSError, IndexError):
        return int((_PROC / str(process.pid) / "schedstat").read_text().split()[1]) / 1e9
    return 0.0


async def _line(process: Process, seconds: float) -> bytes:
    assert process.stdout is not None
    async with asyncio.timeout(seconds):
        return await process.stdout.readline()


async def _ended(process: Process) -> None:
    # To the end of its pipes, too: an event loop that ends before them leaves them open.
    try:
        async with asyncio.timeout(5):
            await process.communicate(b"")
    except TimeoutError:
        process.kill()
        await process.communicate(b"")
