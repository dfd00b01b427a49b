"""A run is planned wholly before it begins, from its number and what there is to harm."""

from collections import Counter
from pathlib import Path

import pytest

from coterie.console.chaos import WEIGHTS, Fault, Targets, plan, targets_of
from coterie.system import load

TARGETS = Targets(("one-1", "two-1", "gateway", "broker", "console"), ("one", "two"))
SHOP = Path(__file__).parents[3] / "examples" / "shop"


def test_the_same_number_plans_the_same() -> None:
    """Strike by strike, and so the same digest; another number, time or system another one."""
    first = plan(42, 300, TARGETS)
    assert first == plan(42, 300, TARGETS)
    digests = {
        first.digest,
        plan(43, 300, TARGETS).digest,
        plan(42, 301, TARGETS).digest,
        plan(42, 300, Targets(TARGETS.processes, ("one",))).digest,
    }
    assert len(digests) == 4


def test_a_digest_is_the_same_on_every_machine_and_day() -> None:
    """So that a number in a report still means the same later."""
    assert plan(42, 30, TARGETS).digest == "6b597427b99d"


def test_everything_is_harmed_in_every_way() -> None:
    """In five minutes each process is killed and paused, each service given each kind of fault."""
    strikes = plan(42, 300, TARGETS).strikes
    assert {strike.kind for strike in strikes} == set(WEIGHTS)
    for kind in ("kill", "pause"):
        count = Counter(strike.target for strike in strikes if strike.kind == kind)
        assert set(count) == set(TARGETS.processes)
        assert max(count.values()) - min(count.values()) <= 3, "in turn"
    assert {s.target for s in strikes if s.rule is not None} == set(TARGETS.services)


def test_strikes_come_in_order_and_end_in_time() -> None:
    """And none comes upon a process that is only just back."""
    strikes = plan(42, 300, TARGETS).strikes
    assert [strike.at for strike in strikes] == sorted(strike.at for strike in strikes)
    assert all(strike.at + strike.seconds <= 300 for strike in strikes if strike.rule)
    last: dict[str, float] = {}
    for strike in strikes:
        if strike.rule is None:
            assert strike.at - last.get(strike.target, -99.0) >= 10
            last[strike.target] = strike.at


def test_weights_choose_the_kinds() -> None:
    """A kind of weight 0 never comes; with nothing left there is nothing to plan."""
    only: dict[Fault, float] = {**dict.fromkeys(WEIGHTS, 0.0), "delay": 1.0}
    assert {s.kind for s in plan(42, 60, TARGETS, only).strikes} == {"delay"}
    with pytest.raises(ValueError, match="leave one above it"):
        plan(42, 60, TARGETS, dict.fromkeys(WEIGHTS, 0.0))


def test_a_short_run_harms_nothing() -> None:
    assert plan(42, 3, TARGETS).strikes == ()


def test_the_targets_are_every_process_of_the_system() -> None:
    """But the one that watches over the others, which nothing would start again."""
    assert targets_of(load(SHOP, environment={})) == Targets(
        ("users-1", "orders-1", "inventory-1", "gateway", "broker", "console", "starter"),
        ("users", "orders", "inventory"),
    )
    grouped = load(SHOP, profile="grouped", environment={})
    assert targets_of(grouped).processes[:2] == ("core-1", "inventory-1")
