"""What the console tells of policies: breakers, budgets, bulkheads, and what was done."""

import re
import time

from coterie.console.dashboard import Action, Reading
from coterie.console.dashboard.protections import Protections
from tests.console.dashboard.conftest import Console
from tests.console.dashboard.fake import System, nested, protected, row

NOW = 1_764_000_000.0


def _words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


async def test_breakers_budgets_and_deeds_are_shown(console: Console, system: System) -> None:
    """Of every instance, what is wrong first."""
    for name in ("orders-1", "users-1"):
        instance = system.instances[name]
        instance.actions, instance.states = protected(name, "inventory")
    await console.shows("/console/protection", ">users-1</a>")
    words = _words(await console.shows("/console/protection", ">orders-1</a>"))
    assert "Breakers open 4 of 6" in words
    assert "Tried again 24" in words
    assert "Not tried again, for want of budget 14" in words
    # Two instances: 1,204 shed, 31 held back, and 4 for their keys, each.
    assert "Refused 2,478" in words
    assert "Answered without the service 10" in words
    assert "Answered as before 6" in words
    open_at = words.index("inventory-1 open it gets no calls orders-1 inventory")
    half = words.index("inventory-3 half-open one call finds out")
    assert open_at < half < words.index("inventory-2 closed")
    assert "orders-1 inventory spent 4.2 of 10 42 of 100 3 waiting" in words
    assert "shed refused orders" in words
    assert "idempotency replayed orders orders.place 3" in words


async def test_where_nothing_was_done_that_is_told(console: Console) -> None:
    """An empty page says what it will show."""
    words = _words(await console.text("/console/protection"))
    assert "No service has called another yet." in words
    assert "No policy has had to do anything yet." in words


async def test_what_is_gone_is_not_shown(console: Console, system: System) -> None:
    """The breakers of a process that has ended concern nobody."""
    instance = system.instances["orders-1"]
    instance.actions, instance.states = protected("orders-1")
    await console.shows("/console/protection", "half-open")
    system.supervisor.now = [row("mail-1")]
    await console.shows("/console/protection", "No service has called another yet.")


def told(count: int, service: str = "orders") -> list[Action]:
    return [
        Action(service=service, policy="retry", what="retried", operation="users.user", count=count)
    ]


def test_instances_are_counted_together_and_over_the_last_minute() -> None:
    """A rate is of now: what was long ago is in the count alone."""
    kept = Protections()
    for second in range(0, 121, 10):
        kept.note("orders-1", told(min(second, 60)), (), NOW + second)
        kept.note("orders-2", told(second), (), NOW + second)
    (done,) = kept.done()
    assert (done.service, done.operation, done.count) == ("orders", "users.user", 180)
    assert 0.9 <= done.rate <= 1.1


def test_an_instance_that_starts_anew_counts_from_nothing() -> None:
    """Its rate never goes below zero."""
    kept = Protections()
    kept.note("orders-1", told(500), (), NOW)
    kept.note("orders-1", told(2), (), NOW + 10)
    kept.note("orders-1", told(12), (), NOW + 20)
    (done,) = kept.done()
    assert (done.count, done.rate) == (12, 1.0)
    kept.keep({"users-1"})
    assert kept.done() == []


def test_what_an_instance_tells_is_bounded() -> None:
    """Whoever answers at an address may tell anything, and as much as they like."""
    kept = Protections()
    reading = Reading(service="a", policy="breaker", of="b", name="c", value=1.0)
    kept.note("a-1", [*told(1)] * 100_000, [reading] * 100_000, NOW)
    assert len(list(kept.states())) <= 2000


async def test_calls_that_nobody_was_told_of_are_counted(console: Console, system: System) -> None:
    """A list of traces that is not whole says so."""
    system.instances["orders-1"].lost = 1234
    system.instances["orders-1"].kept += nested(time.time())
    await console.shows("/console/traces", "1,234 more calls ended")


async def test_an_answer_that_is_too_deep_harms_nobody(console: Console, system: System) -> None:
    """The next one is read as ever."""
    instance = system.instances["orders-1"]
    instance.deep = True
    system.instances["users-1"].actions, system.instances["users-1"].states = protected("users-1")
    await console.shows("/console/protection", "half-open")
    assert instance.asked > 0
