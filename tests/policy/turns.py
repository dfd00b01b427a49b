"""An event loop on paper: calls come when their time has come, and all share one processor.

Each turn takes in whatever has arrived by then, lets a batch of the new ones begin, and goes on with
those whom the time has come for.
"""

import heapq
import random
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field

from coterie.policy import Gate, Priority, Shedding

__all__ = ["Outcome", "Steps", "run"]

Steps = Sequence[float]
"""What a call does: seconds of the processor, and where negative, seconds of waiting."""

TAKING_IN, REFUSING, TURN = 50e-6, 30e-6, 20e-6
"""Seconds of the processor; generous."""


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class _Call:
    due: float
    steps: list[float]
    begun: bool = False


@dataclass(slots=True)
class Outcome:
    """When each call that was answered was due, and how long it took; the same of the refused."""

    gate: Gate
    answered: list[tuple[float, float]] = field(default_factory=list)
    refused: list[tuple[float, float]] = field(default_factory=list)
    most: int = 0

    def good(self, deadline: float, since: float = 0.0) -> int:
        """How many answers came within ``deadline`` seconds, of those due after ``since``."""
        return sum(due >= since and took <= deadline for due, took in self.answered)

    def slowest_refusal(self, since: float, share: float = 0.99) -> float:
        """In seconds, of this ``share`` of those due after ``since``."""
        times = sorted(took for due, took in self.refused if due >= since)
        return times[min(len(times) - 1, int(len(times) * share))]


def run(
    load: Sequence[tuple[float, float]],
    shapes: Sequence[Steps],
    *,
    settings: Shedding | None = None,
    on: bool = True,
    at_once: Sequence[tuple[float, int]] = (),
    priorities: Sequence[Priority] = ("normal",),
    again: float = 0.0,
) -> Outcome:
    """What becomes of a ``load`` of (seconds, calls a second), each call of a shape by chance.

    ``at_once`` are (time, number of calls) besides; ``priorities`` go round. Not ``on``: without
    the gate. For the first ``again`` seconds whoever is answered asks anew.
    """
    chance, clock = random.Random(1), _Clock()  # noqa: S311  # a load, and the same one each time
    gate = Gate(settings, clock=clock)
    arriving = sorted(_due(load, chance) + [at for at, number in at_once for _ in range(number)])
    outcome, end = Outcome(gate), max([sum(s for s, _ in load), *(at for at, _ in at_once)])
    asleep: list[tuple[float, int, _Call]] = []
    new: list[_Call] = []
    turn = number = under_way = 0
    while arriving[number:] or asleep or new:
        if clock.now > end + 60:
            break
        if not new:
            clock.now = max(clock.now, _nearest(arriving[number : number + 1], asleep))
        clock.now += TURN
        by = clock.now
        while number < len(arriving) and arriving[number] <= by:
            due, priority = arriving[number], priorities[number % len(priorities)]
            number += 1
            if on and not gate.enters(under_way) and not gate.takes(priority, under_way):
                clock.now += REFUSING
                outcome.refused.append((due, clock.now - due))
            else:
                clock.now += TAKING_IN
                under_way += 1
                new.append(_Call(due, list(chance.choice(shapes))))
        outcome.most = max(outcome.most, under_way)
        first = gate.batch if on else len(new)
        ready, new = new[:first] + _awake(asleep, clock.now), new[first:]
        for call in ready:
            if on and not call.begun:
                gate.begun()
            call.begun = True
            clock.now += _works(call)
            if call.steps:
                turn += 1
                heapq.heappush(asleep, (clock.now - call.steps.pop(0), turn, call))
            else:
                under_way -= 1
                outcome.answered.append((call.due, clock.now - call.due))
                if clock.now < again:
                    insort(arriving, clock.now, lo=number)
    return outcome


def _works(call: _Call) -> float:
    took = 0.0
    while call.steps and call.steps[0] >= 0:
        took += call.steps.pop(0)
    return took


def _nearest(arriving: list[float], asleep: list[tuple[float, int, _Call]]) -> float:
    return min(arriving + ([asleep[0][0]] if asleep else []))


def _awake(asleep: list[tuple[float, int, _Call]], now: float) -> list[_Call]:
    found = []
    while asleep and asleep[0][0] <= now:
        found.append(heapq.heappop(asleep)[2])
    return found


def _due(load: Sequence[tuple[float, float]], chance: random.Random) -> list[float]:
    found, now, end = [], 0.0, 0.0
    for seconds, rate in load:
        end += seconds
        while rate and (now := now + chance.expovariate(rate)) < end:
            found.append(now)
        now = end
    return found
