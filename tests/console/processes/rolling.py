"""Every service replaced, again and again, while requests come in: none may fail.

``python -m tests.console.processes.rolling --requests 20000`` prints a line of JSON and ends with
1 if any did. With ``--kill`` processes are killed instead: the control, which must fail.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

from .lab import Lab, lab, running_lab
from .load import Counted, under_load

__all__ = ["Rolled", "roll"]

_GATEWAY = '[gateway]\nengine = "{engine}"\n'


@dataclass
class Rolled:
    """What a run came to; ``rounds`` is how often every service was replaced meanwhile."""

    requests: int
    failed: int
    rounds: int
    processes: int
    seconds: float
    slowest: float
    examples: list[str]


async def roll(
    folder: Path,
    requests: int,
    *,
    connections: int = 32,
    kill: bool = False,
    engine: str = "envoy",
    replicas: int = 1,
) -> Rolled:
    """Run the lab in ``folder`` under load until ``requests`` were sent and a round is over."""
    keys = f"replicas = {replicas}"
    written = lab(folder, _GATEWAY.format(engine=engine), desk=keys, relay=keys)
    async with running_lab(written) as running:
        began, rounds, seen = monotonic(), 0, set[int]()
        async with under_load(running.url, connections) as counted:
            while rounds == 0 or counted.sent < requests:
                seen |= set(filter(None, (await running.pids()).values()))
                await (_kill(running, counted) if kill else running.restart())
                rounds += 1
            seen |= set(filter(None, (await running.pids()).values()))
    return Rolled(
        counted.sent,
        len(counted.failed),
        rounds,
        len(seen),
        round(monotonic() - began, 1),
        round(counted.longest, 3),
        counted.failed[:5],
    )


async def _kill(running: Lab, counted: Counted) -> None:
    """The control: no process is warned. Each has answered something before the next goes."""
    for pid in (await running.pids()).values():
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        until = counted.sent + 200
        while counted.sent < until:  # noqa: ASYNC110  # a count has no event
            await asyncio.sleep(0.01)


def main() -> int:
    """See the module's first lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--engine", choices=("envoy", "inprocess"), default="envoy")
    parser.add_argument("--kill", action="store_true", help="the control: kill, do not drain")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coterie-rolling-") as folder:
        rolled = asyncio.run(
            roll(
                Path(folder),
                told.requests,
                connections=told.connections,
                kill=told.kill,
                engine=told.engine,
                replicas=told.replicas,
            )
        )
    print(json.dumps(asdict(rolled)))
    return 1 if rolled.failed else 0


if __name__ == "__main__":
    sys.exit(main())
