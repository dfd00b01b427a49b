"""A program that calls `Target` without end, as a service calls another, and remembers whom.

`python -m bench.apps.coterie_caller STATE`. It says `ready` after its first answer. A line of input,
`{"since": moment, "name": id, "pid": number}`, is answered with what happened since: when the
instance was chosen for a call, when that process first answered, and which calls failed.
"""

import asyncio
import bisect
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import uvloop

from bench.apps.coterie_target import Target
from coterie.call import Failure
from coterie.client import Discovered, proxy
from coterie.console.control import ControlClient
from coterie.registry import two_choices
from coterie.registry.choose import Loaded
from coterie.system.registries import registry_at

L = TypeVar("L", bound=Loaded)

CALLERS = 4
PAUSE = 0.002
"""Seconds between two calls of one of the callers: together they make near 2,000 a second."""


class Question(msgspec.Struct):
    """About one instance: its name in the registry, its process, and since when."""

    since: float
    name: str = ""
    pid: int = 0


class Memory:
    """Who was chosen and who answered, and when."""

    def __init__(self) -> None:
        self.chosen: dict[str, list[float]] = defaultdict(list)
        self.answered: dict[int, list[float]] = defaultdict(list)
        self.failed: Counter[str] = Counter()
        self.calls = 0

    def choose(self, among: Sequence[L], key: str | None = None, /) -> L:
        """As is usual, and noted."""
        one = two_choices(among, key)
        self.chosen[one.instance.id].append(time.monotonic())
        return one

    async def call(self, target: Target) -> None:
        """One call."""
        self.calls += 1
        try:
            pid = await target.pid()
        except Failure as failure:
            self.failed[str(failure)] += 1
        else:
            self.answered[pid].append(time.monotonic())

    def tell(self, asked: Question) -> dict[str, object]:
        """What is known; the failures are told once."""
        chosen, answered = self.chosen[asked.name], self.answered[asked.pid]
        first = bisect.bisect(answered, asked.since)
        failed, self.failed = self.failed, Counter()
        return {
            "chosen": chosen[bisect.bisect(chosen, asked.since) :],
            "answered": answered[first] if first < len(answered) else None,
            "failed": dict(failed),
            "calls": self.calls,
        }


async def main(state: Path) -> None:
    """Call, and answer questions, until the input ends."""
    memory = Memory()
    terms = await ControlClient(state).terms()
    registry = registry_at(terms.registry, terms.inventory.system)
    await registry.start()
    way = Discovered("target", registry, choose=memory.choose)
    await way.start()
    target = proxy(Target, way.handle)

    async def calling() -> None:
        while True:
            await memory.call(target)
            await asyncio.sleep(PAUSE)

    await target.pid()
    tasks = [asyncio.create_task(calling()) for _ in range(CALLERS)]
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        told = memory.tell(msgspec.json.decode(line, type=Question))
        print(msgspec.json.encode(told).decode(), flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await way.stop()
    await registry.stop()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1])))
