"""The inside of a client program: reads commands, makes calls, answers with a round.

A contestant's client is a `Caller`; the loop that counts is therefore the same for all. Commands
and answers are JSON lines: `{"in_flight": 32, "seconds": 2}` in, a `Round` out.
"""

import asyncio
import sys
import time
from collections import Counter
from typing import Any, Protocol

import msgspec

from bench import orders
from bench.round import Round

TOTALS = [orders.answer(kind)["total"] for kind in range(orders.KINDS)]


class Command(msgspec.Struct, frozen=True):
    """One round to run."""

    in_flight: int
    seconds: float


class Caller(Protocol):
    """A typed client of the orders service, as a contestant's documentation has it."""

    async def call(self, kind: int) -> int:
        """Place the typed order `kind`; gives the `total` of the typed answer."""
        ...

    async def plain(self, kind: int) -> dict[str, Any]:
        """The same call, giving the whole answer as a plain JSON value."""
        ...

    async def refused(self) -> bool:
        """Whether the service refuses the order that breaks a rule."""
        ...


async def drive(caller: Caller) -> None:
    """Check the contestant once, say `ready`, then run a round a command until the input ends."""
    await check(caller)
    say(b"ready\n")
    # Reading in a thread leaves the loop free to notice connections that the server closes.
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        command = msgspec.json.decode(line, type=Command)
        say(msgspec.json.encode(await measure(caller, command)) + b"\n")


async def check(caller: Caller) -> None:
    """Every kind of order is answered in full as expected, the wrong one is refused."""
    for kind in range(orders.KINDS):
        if problem := wrong_answer(kind, await caller.plain(kind)):
            raise SystemExit(problem)
    if not await caller.refused():
        raise SystemExit("the order that breaks a rule was not refused")


def wrong_answer(kind: int, given: dict[str, Any]) -> str | None:
    """What is wrong with the whole answer to `order(kind)`, as plain JSON, or None."""
    due = msgspec.json.encode(orders.answer(kind), order="sorted")
    if msgspec.json.encode(given, order="sorted") == due:
        return None
    return f"wrong answer to order {kind}: {given!r}"


def say(line: bytes) -> None:
    """One line to the harness."""
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


async def measure(caller: Caller, command: Command) -> Round:
    times: list[float] = []
    errors: Counter[str] = Counter()
    counted = total = 0
    started, cpu = time.perf_counter(), time.process_time()
    end = started + command.seconds

    async def one_after_another(kind: int) -> None:
        nonlocal counted, total
        asked = time.perf_counter()
        while asked < end:
            try:
                given = await caller.call(kind)
            except Exception as error:  # noqa: BLE001  any class a contestant has: counted by name
                errors[type(error).__name__] += 1
                given = -1
            now = time.perf_counter()
            if given == TOTALS[kind]:
                total += 1
                if now <= end:
                    counted += 1
                    times.append(now - asked)
            elif given >= 0:
                errors["wrong answer"] += 1
            kind = (kind + 1) % orders.KINDS
            asked = now

    flights = (one_after_another(turn % orders.KINDS) for turn in range(command.in_flight))
    await asyncio.gather(*flights)
    busy = (time.process_time() - cpu) / (time.perf_counter() - started)
    return Round.of(counted, command.seconds, times, errors=errors, total=total, busy=busy)
