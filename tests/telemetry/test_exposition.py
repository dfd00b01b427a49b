"""What Prometheus reads is what happened, in the form it asks for."""

import os
import time
from typing import Any

import pytest

from coterie import __version__
from coterie.call import Call, Context, Trace
from coterie.contract import Code, Service, describe, get
from coterie.telemetry import BOUNDS, Meter, exposition
from tests.server.kit import Missing, a_call
from tests.telemetry.prometheus import histograms, linted, parsed
from tests.telemetry.trio import Empty, trio

FAMILIES = {
    "coterie_call_seconds": "histogram",
    "coterie_client_call_seconds": "histogram",
    "coterie_calls_in_flight": "gauge",
    "coterie_policy_total": "counter",
    "coterie_policy_state": "gauge",
    "coterie_build_info": "gauge",
    "process_cpu_seconds_total": "counter",
    "process_start_time_seconds": "gauge",
    "process_resident_memory_bytes": "gauge",
}


def text_of(*meters: Meter) -> str:
    return exposition([(meter, 0) for meter in meters]).decode()


async def test_numbers_are_those_of_the_calls_made() -> None:
    """At both ends of each hop, by service, operation and code; and promtool has no complaint."""
    async with trio() as three:
        for _ in range(3):
            await three.front.ask("tea")
        with pytest.raises(Empty):
            await three.front.ask("nothing")
        text = text_of(*three.meters.values())
    _, samples = parsed(text)
    served = {
        (h["service"], h["operation"], h["version"], h["code"]): count
        for h, _, count in histograms(samples)
    }
    assert served == {
        ("front", "front.ask", "1", "ok"): 3,
        ("front", "front.ask", "1", "not_found"): 1,
        ("middle", "middle.hand", "1", "ok"): 3,
        ("middle", "middle.hand", "1", "not_found"): 1,
        ("back", "back.fetch", "2", "ok"): 3,
        ("back", "back.fetch", "2", "not_found"): 1,
    }
    made = {
        (h["service"], h["operation"], h["code"]): count
        for h, _, count in histograms(samples, "coterie_client_call_seconds")
    }
    assert made == {
        ("front", "middle.hand", "ok"): 3,
        ("front", "middle.hand", "not_found"): 1,
        ("middle", "back.fetch", "ok"): 3,
        ("middle", "back.fetch", "not_found"): 1,
    }
    assert linted(text) == ""


@pytest.mark.parametrize("family", ["coterie_call_seconds", "coterie_client_call_seconds"])
def test_histograms_are_cumulative_and_end_with_all(family: str) -> None:
    """Each bucket holds those below it; the last is the count; the sum is the time of all."""
    meter = Meter("lab")
    note = meter.note if family == "coterie_call_seconds" else meter.note_made
    times = [0.0001, 0.002, 0.002, 0.3, 4.0, 60.0]
    for seconds in times:
        note(a_call("text"), None, seconds)
    _, samples = parsed(text_of(meter))
    ((labels, buckets, count),) = histograms(samples, family)
    assert sorted(buckets) == [*BOUNDS, float("inf")]
    assert [buckets[b] for b in sorted(buckets)] == [
        sum(t <= b for t in times) for b in sorted(buckets)
    ]
    assert count == len(times)
    assert samples[f"{family}_sum", frozenset(labels.items())] == pytest.approx(sum(times))


def test_a_time_falls_into_the_bucket_that_holds_it() -> None:
    """Bounds are inclusive: `le` is less than or equal."""
    meter = Meter("lab")
    for seconds in (0.0005, 0.00051, 10.0, 11.0):
        meter.note(a_call("text"), None, seconds)
    ((_, buckets, count),) = histograms(parsed(text_of(meter))[1])
    assert (buckets[0.0005], buckets[0.001], buckets[5.0], buckets[10.0]) == (1, 2, 2, 3)
    assert (buckets[float("inf")], count) == (4, 4)


def test_names_cannot_break_the_format() -> None:
    """A service may be called anything."""
    meter = Meter('a "quoted"\\ \n name')
    meter.note(a_call("text"), Missing.code, 1.0)
    meter.note_made(a_call("text"), None, 1.0)
    text = text_of(meter)
    _, samples = parsed(text)
    told = {labels for _, labels in samples if dict(labels).get("service")}
    assert {dict(labels)["service"] for labels in told} == {'a \\"quoted\\"\\\\ \\n name'}
    assert linted(text) == ""


def test_without_calls_the_metrics_are_there_and_empty() -> None:
    """A scrape of a fresh service parses too."""
    types, samples = parsed(text_of(Meter("lab")))
    assert types == FAMILIES
    assert list(histograms(samples)) == []


def test_a_process_tells_what_it_is_and_uses() -> None:
    """Its version, when it started, its memory and time: as the kernel has them."""
    _, samples = parsed(text_of(Meter("lab")))
    nothing: frozenset[tuple[str, str]] = frozenset()
    assert samples["coterie_build_info", frozenset({("version", __version__)})] == 1
    started = samples["process_start_time_seconds", nothing]
    assert 0 < time.time() - started < 86_400
    assert 1 << 20 < samples["process_resident_memory_bytes", nothing] < 1 << 34
    used = sum(os.times()[:2])
    assert samples["process_cpu_seconds_total", nothing] == pytest.approx(used, abs=1)


def test_two_copies_of_a_contract_are_one_series() -> None:
    """A sample that stood there twice would make the whole scrape void."""

    def operation() -> Any:
        class Twin(Service, version="1.0"):
            @get("/twin")
            async def twin(self) -> None: ...

        return describe(Twin).operation("twin")

    meter = Meter("lab")
    for _ in range(2):
        meter.note(Call(operation(), {}, Context(Trace.root())), None, 0.1)
    ((_, _, count),) = histograms(parsed(text_of(meter))[1])
    assert count == 2
    assert meter.calls("twin.twin") == 2


def test_codes_are_counted_apart() -> None:
    """Each outcome is a series of its own; what was served is apart from what was made."""
    meter = Meter("lab")
    for code in (None, None, Code.INTERNAL):
        meter.note(a_call("text"), code, 0.1)
    assert (meter.calls("lab.text"), meter.calls("lab.text", Code.INTERNAL)) == (2, 1)
    assert meter.calls("lab.note") == 0
    assert meter.calls("lab.text", kind="client") == 0


@pytest.mark.parametrize(
    "wrong",
    [
        'a{b="c"} one\n',
        'a{b="c} 1\n',
        'a{b="c"d} 1\n',
        "a 1",
        "# TYPE a gauge\na 1\na 1\n",
        "# TYPE a gauge\nb 1\n",
    ],
)
def test_control_the_parser_is_strict(wrong: str) -> None:
    """Control: what is not in the format does not parse."""
    with pytest.raises((AssertionError, IndexError)):
        parsed(wrong)


def test_control_promtool_complains() -> None:
    """Control: of a metric without help, say."""
    assert "no help text" in linted("# TYPE a gauge\na 1\n")
