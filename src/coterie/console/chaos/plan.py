"""Plan: all that will be done to a system, decided before it begins."""

import random
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from coterie.contract import Code
from coterie.engine import is_embedded
from coterie.policy.inject import Rule
from coterie.system import Replicas, System

__all__ = ["WEIGHTS", "Fault", "Plan", "Strike", "Targets", "plan", "targets_of"]

T = TypeVar("T")

Fault: TypeAlias = Literal["kill", "pause", "delay", "failure", "abort", "drop", "slow"]

WEIGHTS: Mapping[Fault, float] = {
    "kill": 5,
    "pause": 2,
    "delay": 2,
    "failure": 2,
    "abort": 2,
    "drop": 1,
    "slow": 1,
}
"""How often each kind is chosen, compared with the others."""

_FIRST = 1.0
_LAST = 2.0
"""Seconds at the beginning and at the end in which nothing new is done."""

_PAUSE_BETWEEN = (0.4, 1.6)
_AGAIN = 11.0
"""Seconds until a process is struck again: one that ends sooner is taken for one that keeps
crashing, and started again after a pause."""

_CODES = (Code.UNAVAILABLE, Code.INTERNAL, Code.RESOURCE_EXHAUSTED, Code.DEADLINE_EXCEEDED)


class Strike(Struct, frozen=True, kw_only=True):
    """One fault: ``at`` seconds after the beginning, on ``target``.

    For ``kill`` and ``pause`` the target is a process; for all others, whose ``rule`` is in force
    for so long, a service. ``seconds`` is how long it lasts; a kill lasts none.
    """

    at: float
    kind: Fault
    target: str
    seconds: float = 0.0
    rule: Rule | None = None

    def __str__(self) -> str:
        told = f"{self.at:6.1f} s  {self.kind:<8} {self.target}"
        if self.rule is None:
            return told + (f"  for {self.seconds:g} s" if self.seconds else "")
        rule = self.rule
        more = {"delay": f"{rule.amount:g} s", "slow": f"{rule.amount:g} bytes/s"}
        what = more.get(rule.kind, rule.code.value if rule.kind == "failure" else "")
        return f"{told}  {what}{' ' * bool(what)}{rule.probability:.0%} for {self.seconds:g} s"


class Targets(Struct, frozen=True):
    """What there is to strike, by name."""

    processes: tuple[str, ...]
    services: tuple[str, ...]


class Plan(Struct, frozen=True, kw_only=True):
    """A run: its ``number``, how many ``seconds`` it takes, and every strike in its order."""

    number: int
    seconds: float
    strikes: tuple[Strike, ...]

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits; equal for equal plans, on any machine."""
        said = msgspec.json.encode(self, order="deterministic")
        return blake2b(said, digest_size=6, person=b"coterie.chaos").hexdigest()


def targets_of(system: System) -> Targets:
    """The processes of ``system``, but the one that watches over the others, and its services."""
    instances = [
        f"{group.name}-{number}"
        for group in system.groups
        for number in range(1, _count(group.replicas) + 1)
    ]
    broker = ["broker"] if is_embedded(system.engines.registry) else []
    services = tuple(service.name for service in system.services)
    return Targets((*instances, "gateway", *broker, "console", "starter"), services)


def plan(
    number: int, seconds: float, targets: Targets, weights: Mapping[Fault, float] | None = None
) -> Plan:
    """What a run of ``seconds`` does: a pure function of what it is given.

    Every process is killed once before any is killed twice. Raises `ValueError` for weights that
    leave nothing to do.
    """
    weighed: dict[Fault, float] = {
        kind: (weights or {}).get(kind, weight) for kind, weight in WEIGHTS.items()
    }
    if not any(weighed.values()):
        raise ValueError("every kind of fault has the weight 0; leave one above it")
    drawn = _Drawn(number)
    rounds: dict[str, list[str]] = {}
    struck: dict[str, float] = {}
    strikes: list[Strike] = []
    at = _FIRST
    while at < seconds - _LAST:
        kind = drawn.weighed(weighed)
        moment = round(at, 2)
        if kind in ("kill", "pause"):
            waiting = rounds.setdefault(kind, [])
            if not waiting:
                waiting += drawn.shuffled(targets.processes)
            free = [name for name in waiting if struck.get(name, -_AGAIN) + _AGAIN <= at]
            if free:
                waiting.remove(free[0])
                struck[free[0]] = at
                lasts = drawn.between(0.3, 3.0) if kind == "pause" else 0.0
                strikes.append(Strike(at=moment, kind=kind, target=free[0], seconds=lasts))
        else:
            service = drawn.one(targets.services)
            lasts = min(drawn.between(1.0, 4.0), round(seconds - _LAST / 2 - at, 3))
            rule = _rule(kind, service, drawn)
            strikes.append(Strike(at=moment, kind=kind, target=service, seconds=lasts, rule=rule))
        at += drawn.between(*_PAUSE_BETWEEN)
    return Plan(number=number, seconds=seconds, strikes=tuple(strikes))


def _rule(kind: Fault, service: str, drawn: "_Drawn") -> Rule:
    match kind:
        case "delay":
            chance, amount = drawn.between(0.2, 0.8), drawn.between(0.02, 0.5)
            return Rule(kind=kind, on=service, probability=chance, amount=amount)
        case "failure":
            chance, code = drawn.between(0.1, 0.4), drawn.one(_CODES)
            return Rule(kind=kind, on=service, probability=chance, code=code)
        case "slow":
            chance, amount = drawn.between(0.2, 0.6), round(drawn.between(500, 5000))
            return Rule(kind=kind, on=service, probability=chance, amount=amount)
        case "drop":
            return Rule(kind=kind, on=service, probability=drawn.between(0.02, 0.1), amount=5.0)
        case "abort":
            return Rule(kind=kind, on=service, probability=drawn.between(0.05, 0.3))
        case _:
            raise ValueError(f"{kind} is done to processes, not by a rule")


def _count(replicas: int | Replicas) -> int:
    return replicas.min if isinstance(replicas, Replicas) else replicas


class _Drawn:
    """Draws by a number. Of `random` it uses the one method whose results are promised to stay."""

    def __init__(self, number: int) -> None:
        self._random = random.Random(number)  # noqa: S311  # it must be foreseeable

    def between(self, least: float, most: float) -> float:
        return round(least + (most - least) * self._random.random(), 3)

    def one(self, things: Sequence[T]) -> T:
        return things[int(self._random.random() * len(things))]

    def shuffled(self, things: Sequence[str]) -> list[str]:
        return sorted(sorted(things), key=lambda _: self._random.random())

    def weighed(self, weights: Mapping[Fault, float]) -> Fault:
        left = self._random.random() * sum(weights.values())
        for kind, weight in weights.items():
            left -= weight
            if left < 0:
                return kind
        return next(kind for kind, weight in reversed(list(weights.items())) if weight)
