"""How one of several instances is chosen."""

import os
from collections import Counter
from dataclasses import dataclass

import pytest

from coterie.registry import Instance, InstanceState, RoundRobin, eligible, two_choices


@dataclass
class Way:
    instance: Instance
    in_flight: int = 0

    @property
    def weight(self) -> float:
        return self.instance.weight


def instance(
    id: str, state: InstanceState = InstanceState.UP, *, zone: str = "", weight: float = 1.0
) -> Instance:
    return Instance(service="s", id=id, url="", state=state, zone=zone, weight=weight)


UP = [instance("up-1", zone="east"), instance("up-2", zone="west")]
STARTING = [instance("starting-1", InstanceState.STARTING, zone="west")]
DRAINING = [instance("draining-1", InstanceState.DRAINING)]


@pytest.mark.parametrize(
    ("there", "zone", "expected"),
    [
        (UP + STARTING + DRAINING, "", ["up-1", "up-2"]),
        (UP + STARTING + DRAINING, "west", ["up-2"]),
        (UP + STARTING + DRAINING, "north", ["up-1", "up-2"]),
        (UP[:1] + STARTING, "west", ["up-1"]),
        (STARTING + DRAINING, "east", ["starting-1"]),
        (DRAINING, "", []),
        ([], "", []),
        ([instance("a", weight=0), instance("b")], "", ["b"]),
        ([instance("a", weight=0)], "", ["a"]),
    ],
)
def test_who_may_be_called(there: list[Instance], zone: str, expected: list[str]) -> None:
    """Up before starting, near before far, never draining."""
    assert [i.id for i in eligible(there, zone)] == expected


def test_two_choices_keep_the_load_level() -> None:
    """10,000 calls that never end lie within a few of each other; at random they do not."""
    ways = [Way(instance(str(n))) for n in range(10)]
    for _ in range(10_000):
        two_choices(ways).in_flight += 1
    loads = [way.in_flight for way in ways]
    assert max(loads) - min(loads) <= 12


@pytest.mark.parametrize("busy", [0, 50])
def test_two_choices_follow_the_weights(busy: int) -> None:
    """Three times the weight, three times the calls: with little load and with much."""
    ways = [Way(instance("a", weight=0.5)), Way(instance("b", weight=1.5))]
    for way in ways:
        way.in_flight = busy * (1 if way.instance.id == "a" else 3)
    count: Counter[str] = Counter()
    for _ in range(8_000):
        chosen = two_choices(ways)
        count[chosen.instance.id] += 1
        chosen.in_flight += 1 if busy else 0
    assert 2.6 < count["b"] / count["a"] < 3.4


def test_two_choices_leave_the_busy_alone() -> None:
    """Of two, the one with calls under way is chosen by nobody."""
    ways = [Way(instance("a"), 3), Way(instance("b"))]
    assert {two_choices(ways).instance.id for _ in range(100)} == {"b"}


def test_round_robin_takes_turns_by_weight() -> None:
    """Evenly spread, not in bursts."""
    ways = [Way(instance("a", weight=2)), Way(instance("b")), Way(instance("c"))]
    choose = RoundRobin()
    assert [choose(ways).instance.id for _ in range(8)] == ["a", "b", "c", "a"] * 2
    assert {choose(ways[1:]).instance.id for _ in range(2)} == {"b", "c"}


def test_a_single_one_is_chosen() -> None:
    """Whatever its load and weight."""
    way = Way(instance("a", weight=0), 99)
    assert two_choices([way]) is way
    assert RoundRobin()([way]) is way


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_forked_processes_choose_unlike_each_other() -> None:
    """Two children of one parent do not run to the same instances."""
    ways = [Way(instance(str(n))) for n in range(100)]

    def choices_of_a_child() -> bytes:
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            os.write(writing, bytes(int(two_choices(ways).instance.id) for _ in range(20)))
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writing)
        with open(reading, "rb") as pipe:  # noqa: PTH123  # a descriptor
            return pipe.read()

    assert choices_of_a_child() != choices_of_a_child()
