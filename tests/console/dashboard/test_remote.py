"""The source reads a real control socket and real instances, and leaves them alone when it may."""

import time

from tests.console.dashboard.conftest import Console, until
from tests.console.dashboard.fake import System, nested, row


async def test_each_span_is_taken_once_from_whichever_instance(
    console: Console, system: System
) -> None:
    spans = nested(time.time())
    system.instances["orders-1"].kept += spans[:4]
    system.instances["users-1"].kept += spans[4:]
    target = f"/console/traces/{spans[0].trace_id}"
    page = await console.shows(target, "<dd>7</dd>")
    assert page.count("<tr data-key") == 7


async def test_the_supervisor_may_come_and_go(console: Console, system: System) -> None:
    await system.control.stop()
    page = await console.shows("/console", "Not connected")
    assert "orders-1" in page  # what was known last
    system.supervisor.now = [row("mail-1")]
    await system.control.start()
    page = await console.shows("/console", "mail-1")
    assert "Not connected" not in page
    assert "orders-1" not in page


async def test_an_instance_that_does_not_answer_takes_nothing_from_the_others(
    console: Console, system: System
) -> None:
    system.supervisor.now = [
        *system.supervisor.now,
        row("mail-1", "http://127.0.0.1:9"),
        row("pay-1", "no address at all"),
    ]
    await console.shows("/console", "mail-1")
    spans = nested(time.time())
    system.instances["orders-1"].kept += spans
    await console.shows(f"/console/traces/{spans[0].trace_id}", "orders.place")


async def test_an_idle_system_is_asked_rarely_and_one_that_works_soon(
    console: Console, system: System
) -> None:
    instance = system.instances["users-1"]
    await until(lambda: instance.asked >= 3)  # after 1 and 2 seconds, then after 4 and 5
    asked, began = instance.asked, time.monotonic()
    # More calls than before are a reason to ask at once.
    system.supervisor.now = [row("users-1", instance.server.url, calls=5)]
    await until(lambda: instance.asked > asked)
    assert time.monotonic() - began < 2.5


async def test_the_metrics_of_all_are_one_text(console: Console, system: System) -> None:
    text = await console.text("/metrics")
    assert text.count("# TYPE coterie_calls_in_flight gauge") == 1
    assert 'coterie_calls_in_flight{instance="orders-1",service="orders"} 1' in text
    assert 'coterie_calls_in_flight{instance="users-1",service="users"} 1' in text
    assert 'coterie_instance_up{instance="users-1",kind="service"} 1' in text
