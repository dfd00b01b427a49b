"""Faults for tests: each a rule, put in force for the length of a block.

::

    with system.faults(delay("inventory.reserve", 0.2, probability=0.5), number=7) as injected:
        ...
    assert injected["delay"] > 0
"""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from coterie.contract import Code
from coterie.policy.inject import Injector, Kind, Rule, Side

__all__ = ["abort", "delay", "drop", "failure", "faults", "slow"]


def delay(on: str, seconds: float, *, probability: float = 1.0, side: Side = "server") -> Rule:
    """Calls of ``on``, a service or an operation of one, come ``seconds`` later."""
    return Rule(kind="delay", on=on, amount=seconds, probability=probability, side=side)


def failure(
    on: str,
    code: Code = Code.UNAVAILABLE,
    *,
    probability: float = 1.0,
    side: Side = "server",
) -> Rule:
    """Calls of ``on`` fail with ``code`` before anything is begun."""
    return Rule(kind="failure", on=on, code=code, probability=probability, side=side)


def abort(on: str, *, probability: float = 1.0, side: Side = "server") -> Rule:
    """Calls of ``on`` are carried out, and their answers cut off: the outcome is unknown."""
    return Rule(kind="abort", on=on, probability=probability, side=side)


def drop(
    on: str, seconds: float = 30.0, *, probability: float = 1.0, side: Side = "server"
) -> Rule:
    """Calls of ``on`` are swallowed: no answer until their deadline, or ``seconds`` without one."""
    return Rule(kind="drop", on=on, amount=seconds, probability=probability, side=side)


def slow(on: str, rate: float, *, probability: float = 1.0) -> Rule:
    """Answers of ``on`` come at ``rate`` bytes a second, where they go over a wire."""
    return Rule(kind="slow", on=on, amount=rate, probability=probability)


@contextmanager
def faults(injector: Injector, *rules: Rule, number: int = 0) -> Generator[Counter[Kind]]:
    """Put ``rules`` in force, beside those that are, for the length of the block.

    ``number`` decides which calls are struck: the same number, the same calls. Gives how often
    each kind struck since the block began.
    """
    before, known = injector.rules, injector.number
    counted, injector.injected = injector.injected, Counter()
    injector.set(number, (*before, *rules))
    try:
        yield injector.injected
    finally:
        injector.set(known, before)
        injector.injected = counted + injector.injected
