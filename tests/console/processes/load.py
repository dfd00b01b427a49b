"""Load: requests through the gateway over many connections, every failure kept."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

from coterie.client.http1 import NotSent, Pool, Unknown

__all__ = ["ROUNDS", "Counted", "load", "under_load"]

_NOTE = json.dumps({"text": "a note"}).encode()
_JSON = (("content-type", "application/json"),)

ROUNDS: Sequence[tuple[str, str]] = (
    ("GET", "/desk/pid"),
    ("POST", "/desk/notes"),
    ("GET", "/relay/pids"),
    ("POST", "/relay/notes"),
)
"""What is asked in turn: half of it goes on from one service to another."""


@dataclass
class Counted:
    """What became of the requests."""

    sent: int = 0
    failed: list[str] = field(default_factory=list[str])
    answered_by: Counter[int] = field(default_factory=Counter[int])
    """Answers by the process that gave them, where it says so."""
    longest: float = 0.0
    """Seconds of the slowest answer."""

    def __str__(self) -> str:
        shown = "".join(f"\n  {line}" for line in self.failed[:5])
        return f"{len(self.failed)} failed of {self.sent}, slowest {self.longest:.3f} s{shown}"


async def load(url: str, requests: int, connections: int = 32) -> Counted:
    """Send so many requests, as fast as the answers come."""
    counted = Counted()
    async with Pool(url, connections=connections) as pool:
        await asyncio.gather(*(_worker(pool, counted, requests) for _ in range(connections)))
    return counted


@asynccontextmanager
async def under_load(
    url: str, connections: int = 16, rounds: Sequence[tuple[str, str]] = ROUNDS
) -> AsyncGenerator[Counted]:
    """Requests without end for the length of the block; those under way then are waited for."""
    counted = Counted()
    stop = asyncio.Event()
    async with Pool(url, connections=connections) as pool:
        workers = [
            asyncio.create_task(_worker(pool, counted, None, stop, rounds))
            for _ in range(connections)
        ]
        try:
            yield counted
        finally:
            stop.set()
            await asyncio.gather(*workers)


async def _worker(
    pool: Pool,
    counted: Counted,
    most: int | None,
    stop: asyncio.Event | None = None,
    rounds: Sequence[tuple[str, str]] = ROUNDS,
) -> None:
    while not (stop and stop.is_set()) and (most is None or counted.sent < most):
        method, path = rounds[counted.sent % len(rounds)]
        counted.sent += 1
        began = monotonic()
        try:
            headers, body = (_JSON, _NOTE) if method == "POST" else ((), b"")
            answer = await pool.request(method, path, headers, body)
        except (NotSent, Unknown) as error:
            counted.failed.append(f"{method} {path}: {error!r}")
            continue
        finally:
            counted.longest = max(counted.longest, monotonic() - began)
        if answer.status != 200:
            told = answer.body.decode(errors="replace")[:300]
            counted.failed.append(f"{method} {path}: {answer.status} {told}")
            continue
        found = json.loads(answer.body)
        last = found[-1] if isinstance(found, list) else found
        if isinstance(last, int):
            counted.answered_by[last] += 1
