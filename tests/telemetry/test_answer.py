"""What a process tells of its spans: all, as long as it is not busy."""

import json
import random
from typing import Any

from coterie.call import Trace
from coterie.contract import Code
from coterie.telemetry import Span, Spans, answer


def told(spans: Spans) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer(spans.after(0)))
    return found


def filled(count: int, *, code: Code | None = None) -> Spans:
    spans = Spans()
    drawn = random.Random(7)  # noqa: S311  # not for secrets
    for _ in range(count):
        trace = Trace(f"{drawn.getrandbits(128):032x}", f"{drawn.getrandbits(64):016x}")
        spans.append(Span("orders.place", trace, 1.0, 0.1, code, "server", "orders"))
    return spans


def test_a_process_that_is_not_busy_tells_all() -> None:
    found = told(filled(256))
    assert (len(found["spans"]), found["one_in"]) == (256, 1)


def test_a_busy_one_tells_some_traces() -> None:
    found = told(filled(1024))
    assert found["one_in"] == 4
    assert 200 < len(found["spans"]) < 320
    # What a busier one tells of a trace, this one tells too: traces stay whole.
    fewer = {span["trace_id"] for span in told(filled(20_000))["spans"]}
    assert fewer
    assert all(int(trace[-8:], 16) % 4 == 0 for trace in fewer)


def test_failures_are_told_before_others() -> None:
    """Up to as many as would be told anyway."""
    found = told(filled(1024, code=Code.INTERNAL))
    assert 400 < len(found["spans"]) <= 256 + 320
