"""What policies did is counted and noted, and how they stand is told when somebody asks."""

import json
from typing import Any

from coterie.call import Call, Context, Trace
from coterie.contract import describe
from coterie.telemetry import Meter, Note, Resource, Spans, answer, exposition, traces_body
from tests.server.kit import Lab
from tests.telemetry.prometheus import linted, parsed

OPERATION = describe(Lab).operations[0]


def call(*, sampled: bool = True) -> Call:
    return Call(OPERATION, {}, Context(Trace.root(sampled=sampled)))


def met() -> Meter:
    """A meter that was told of three retries and a breaker."""
    meter = Meter("orders")
    one = call()
    for number in range(3):
        meter.tally("retry", "retried", one, f"attempt {number}")
    meter.note_made(one, None, 0.1)
    meter.watch("breaker", "users", lambda: {"users-1": 1.0, "users-2": 0.0})
    return meter


def test_prometheus_reads_what_policies_did_and_how_they_stand() -> None:
    """A series for each policy, operation and outcome; a gauge for each thing that stands somehow."""
    text = exposition([(met(), 0)]).decode()
    _, samples = parsed(text)
    linted(text)
    labels = {"service": "orders", "policy": "retry", "operation": OPERATION.id}
    counted = samples["coterie_policy_total", frozenset({**labels, "outcome": "retried"}.items())]
    assert counted == 3
    labels = {"service": "orders", "policy": "breaker", "of": "users", "name": "users-1"}
    assert samples["coterie_policy_state", frozenset(labels.items())] == 1


def test_a_span_has_the_notes_of_its_own_call() -> None:
    """In the order in which things were done; the next call's span has none of them."""
    meter = met()
    other = call()
    meter.note_made(other, None, 0.1)
    first, second = meter.spans
    assert [(n.policy, n.what, n.detail) for n in first.notes] == [
        ("retry", "retried", f"attempt {number}") for number in range(3)
    ]
    assert second.notes == ()


def test_telemetry_tells_totals_states_and_notes() -> None:
    """What the console reads: one answer has all of it."""
    meter = met()
    told: dict[str, Any] = json.loads(answer(meter.spans.after(0), [meter]))
    assert told["policies"] == [
        {
            "service": "orders",
            "policy": "retry",
            "what": "retried",
            "operation": OPERATION.id,
            "count": 3,
        }
    ]
    assert {state["name"]: state["value"] for state in told["states"]} == {
        "users-1": 1.0,
        "users-2": 0.0,
    }
    assert [note["what"] for note in told["spans"][0]["notes"]] == ["retried"] * 3


def test_otlp_has_notes_as_events_of_the_span() -> None:
    """With policy and outcome as attributes."""
    meter = met()
    body = json.loads(traces_body(Resource("shop"), meter.spans))
    span = body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert [event["name"] for event in span["events"]] == ["retry retried"] * 3
    attributes = {a["key"]: a["value"]["stringValue"] for a in span["events"][0]["attributes"]}
    assert attributes == {
        "coterie.policy": "retry",
        "coterie.policy.outcome": "retried",
        "coterie.policy.detail": "attempt 0",
    }


def test_notes_are_bounded() -> None:
    """Neither a call that is retried for ever nor calls without a span fill the memory."""
    meter = Meter("orders")
    one = call()
    for _ in range(100):
        meter.tally("retry", "retried", one)
    meter.note_made(one, None, 0.1)
    assert len(meter.spans[0].notes) == 16
    for _ in range(5000):
        meter.tally("fallback", "answered", call())  # nothing left the process: no span will come
    assert len(meter.spans.noted) == 1024
    assert sum(action.count for action in meter.actions()) == 5100


def test_what_is_not_sampled_is_counted_and_not_noted() -> None:
    """A trace that nobody records has no notes; metrics count all the same."""
    meter = Meter("orders")
    meter.tally("retry", "retried", call(sampled=False))
    assert not meter.spans.noted
    assert [action.count for action in meter.actions()] == [1]


def test_a_request_that_nobody_read_is_counted_without_an_operation() -> None:
    """Refused at the door, there is no call yet."""
    meter = Meter("orders")
    meter.follow("shed", lambda: {"refused": 5, "never": 0})
    assert [(a.policy, a.operation, a.count) for a in meter.actions()] == [("shed", "", 5)]


def test_a_note_goes_to_the_span_that_comes_next_with_its_id() -> None:
    """Client and server in one process keep theirs apart: they have different spans."""
    spans = Spans()
    spans.note("a" * 16, Note(1.0, "retry", "retried"))
    assert spans.notes_of("b" * 16) == ()
    assert [note.what for note in spans.notes_of("a" * 16)] == ["retried"]
    assert spans.notes_of("a" * 16) == ()
