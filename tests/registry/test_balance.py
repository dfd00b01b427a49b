"""Balance by rule: turns, two choices, or the same key to the same instance."""

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.registry import (
    Balance,
    Choose,
    Hashing,
    Instance,
    RoundRobin,
    chooser,
    hashed,
    two_choices,
)

FEW = [f"order-{number}" for number in range(100)]
KEYS = [f"user-{number}" for number in range(2000)]


@dataclass(eq=False)
class Way:
    id: str
    weight: float = 1.0
    in_flight: int = 0
    instance: Instance = field(init=False)

    def __post_init__(self) -> None:
        self.instance = Instance(service="s", id=self.id, url="")


def placed(ways: list[Way], keys: list[str] = KEYS) -> dict[str, str]:
    return {key: hashed(ways, key).id for key in keys}


def ways_of(weights: dict[str, float]) -> list[Way]:
    return [Way(name, weight) for name, weight in weights.items()]


NAMES = st.text("abcdefgh-", min_size=1, max_size=6)
WEIGHTS = st.dictionaries(NAMES, st.sampled_from([0.1, 0.5, 1.0, 3.0]), min_size=1, max_size=6)


@given(WEIGHTS)
def test_keys_move_only_to_who_came(weights: dict[str, float]) -> None:
    """And only from who went, read the other way round."""
    before = placed(ways_of(weights), FEW)
    after = placed([*ways_of(weights), Way("new")], FEW)
    assert all(after[key] in (before[key], "new") for key in FEW)


@given(WEIGHTS, st.data())
def test_keys_move_only_to_who_gained_weight(
    weights: dict[str, float], data: st.DataObject
) -> None:
    """So a new instance takes them over one by one as it warms."""
    chosen = data.draw(st.sampled_from(sorted(weights)))
    before = placed(ways_of(weights), FEW)
    after = placed(ways_of({**weights, chosen: weights[chosen] * 2}), FEW)
    assert all(after[key] in (before[key], chosen) for key in FEW)


def test_keys_are_spread_by_weight() -> None:
    weights = {"a": 1.0, "b": 2.0, "c": 0.5, "d": 0.0}
    count = Counter(placed(ways_of(weights)).values())
    assert count["d"] == 0
    for name in "abc":
        assert count[name] == pytest.approx(len(KEYS) * weights[name] / 3.5, rel=0.15)


@given(WEIGHTS, st.randoms(use_true_random=False))
def test_the_order_of_instances_does_not_matter(weights: dict[str, float], luck: Random) -> None:
    """Every caller ranks alike, whatever it was told first."""
    mixed = ways_of(weights)
    luck.shuffle(mixed)
    assert placed(ways_of(weights), FEW) == placed(mixed, FEW)


def test_every_process_ranks_alike() -> None:
    """Python's own hash differs from process to process; this must not."""
    program = (
        "from tests.registry.test_balance import *;"
        "print(','.join(placed(ways_of({'a': 1, 'b': 1, 'c': 2})).values()))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True
        ).stdout
        for _ in range(2)
    }
    assert len(said) == 1
    assert said.pop().strip() == ",".join(placed(ways_of({"a": 1, "b": 1, "c": 2})).values())


def test_a_hot_key_sinks_nobody() -> None:
    """1,000 calls under way for one key: nobody has more than 1.25 of its share, rounded up.

    Control: by rank alone, one instance has them all.
    """
    weights = {"a": 1.0, "b": 1.0, "c": 2.0}
    ways = ways_of(weights)
    by_rank = Counter(hashed(ways, "hot").id for _ in range(1000))
    assert len(by_rank) == 1
    for number in range(1, 1001):
        hashed(ways, "hot").in_flight += 1
        for way in ways:
            assert way.in_flight <= 1.25 * number * way.weight / 4 + 1


def test_what_is_idle_stays_with_its_key() -> None:
    """One call at a time never moves on."""
    ways = ways_of({"a": 1.0, "b": 1.0, "c": 1.0})
    first = placed(ways)
    for key in KEYS[:50]:
        assert hashed(ways, key).id == first[key]


@pytest.mark.parametrize("weights", [{"a": 0.0, "b": 0.0}, {"a": 0.0}])
def test_somebody_is_chosen_where_nobody_has_weight(weights: dict[str, float]) -> None:
    assert set(placed(ways_of(weights)).values()) <= {"a", "b"}


@pytest.mark.parametrize("key", ["", "\ud800", "ż" * 10_000, "a\0b"])
def test_any_text_is_a_key(key: str) -> None:
    assert hashed(ways_of({"a": 1.0, "b": 1.0}), key).id in "ab"


def test_calls_without_a_key_go_where_there_is_less_to_do() -> None:
    ways = ways_of({"a": 1.0, "b": 1.0})
    ways[0].in_flight = 9
    assert {hashed(ways).id for _ in range(50)} == {"b"}


@pytest.mark.parametrize("choose", [two_choices, RoundRobin(), hashed])
def test_who_is_new_gets_its_part_alone(choose: Choose) -> None:
    """A tenth of the weight, a tenth of the calls; the only one gets all of them."""
    ways = ways_of({"a": 1.0, "b": 0.1})
    count = Counter(choose(ways, key).id for key in KEYS)
    assert count["b"] / count["a"] == pytest.approx(0.1, abs=0.04)
    assert {choose(ways[1:], key).id for key in KEYS[:50]} == {"b"}


def test_a_rule_is_known_by_its_name() -> None:
    """As it is written in a file; whoever takes turns remembers for itself."""
    rules = msgspec.json.decode(
        b'["two-choices", "round-robin", {"hash": "id"}]', type=list[Balance]
    )
    assert chooser(rules[0]) is two_choices
    assert isinstance(chooser(rules[1]), RoundRobin)
    assert chooser(rules[1]) is not chooser(rules[1])
    assert rules[2] == Hashing(hash="id")
    assert chooser(rules[2]) is hashed
    for wrong in (b'["random"]', b'[{"hash": ""}]', b'[{"hash": "id", "x": 1}]', b"[{}]"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(wrong, type=list[Balance])
