"""The collector: what happened arrives where it should, and a bad receiver is nobody's trouble."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from coterie.call import Trace
from coterie.client import Collector, Telemetry, connect
from coterie.telemetry import Destination, Meter, Resource, Span, Spans
from tests.server.kit import a_call, until
from tests.telemetry.otlp_receiver import Answer, OtlpReceiver, metrics_of, otlp_receiver, texts
from tests.telemetry.trio import Front, trio

WHO = Resource(namespace="shop", instance="front-1")


def noted(spans: Spans, number: int) -> None:
    for _ in range(number):
        spans.append(Span("lab.text", Trace.root(), time.time(), 0.1, service="lab"))


@asynccontextmanager
async def collecting(
    destination: Destination, source: Telemetry, every: float = 0.01
) -> AsyncGenerator[Collector]:
    collector = Collector(destination, source, every=every)
    await collector.start()
    try:
        yield collector
    finally:
        began = time.monotonic()
        await collector.stop()
        assert time.monotonic() - began < 3


async def test_the_spans_of_a_call_over_three_hops_arrive_with_their_parents() -> None:
    """Read by the protocol's own definitions; and so do the counts of the calls."""
    async with otlp_receiver() as receiver, trio() as three:
        source = Telemetry(WHO, three.spans, tuple(three.meters.values()))
        async with (
            collecting(Destination.at(receiver.url), source) as collector,
            connect(Front, three.urls["front"]) as front,
        ):
            await front.ask("tea")
            await until(lambda: len(receiver.spans) == 5)
        children = {span.parent_span_id: (resource, span) for resource, span in receiver.spans}
        root = next(s for _, s in receiver.spans if s.name == "front/ask")
        chain: list[tuple[str, int, str]] = []
        parent = root.parent_span_id
        while parent in children:
            resource, span = children[parent]
            assert span.trace_id == root.trace_id
            assert resource["service.instance.id"] == "front-1"
            chain.append((resource["service.name"], span.kind, span.name))
            parent = span.span_id
        assert chain == [
            ("front", 2, "front/ask"),
            ("front", 3, "middle/hand"),
            ("middle", 2, "middle/hand"),
            ("middle", 3, "back/fetch"),
            ("back", 2, "back/fetch"),
        ]
        counts = {
            (texts(r.resource.attributes)["service.name"], metric.name): point.count
            for r in metrics_of(receiver.bodies("metrics")[-1]).resource_metrics
            for metric in r.scope_metrics[0].metrics
            for point in metric.histogram.data_points
        }
        assert counts == {
            ("front", "rpc.server.call.duration"): 1,
            ("front", "rpc.client.call.duration"): 1,
            ("middle", "rpc.server.call.duration"): 1,
            ("middle", "rpc.client.call.duration"): 1,
            ("back", "rpc.server.call.duration"): 1,
        }
        assert collector.dropped == 0


async def test_each_span_is_sent_once_in_bounded_requests() -> None:
    """However many there are; headers and compression as asked."""
    spans = Spans(keep=5000)
    noted(spans, 1500)
    async with otlp_receiver() as receiver:
        url = f"{receiver.url}/v1/traces"
        destination = Destination(url, None, (("api-key", "secret"),), gzip=True)
        async with collecting(destination, Telemetry(WHO, spans)) as collector:
            await until(lambda: len(receiver.spans) == 1500)
            noted(spans, 20)
        assert [s.span_id.hex() for _, s in receiver.spans] == [s.trace.span_id for s in spans]
        assert len(receiver.requests) > 5
        for _, headers, body in receiver.requests:
            assert (headers["api-key"], headers["content-encoding"]) == ("secret", "gzip")
            assert len(body) < 200_000
        assert collector.dropped == 0


async def test_a_ring_that_fills_is_emptied_sooner() -> None:
    """Long before it is time."""
    spans = Spans(keep=100)
    async with (
        otlp_receiver() as receiver,
        collecting(Destination.at(receiver.url), Telemetry(WHO, spans), every=3600) as collector,
    ):
        noted(spans, 60)
        await until(lambda: len(receiver.spans) == 60)
        assert collector.dropped == 0


async def test_the_last_spans_leave_when_the_process_stops() -> None:
    """Those that ended since."""
    spans = Spans()
    async with otlp_receiver() as receiver:
        source = Telemetry(WHO, spans)
        async with collecting(Destination.at(receiver.url), source, every=3600):
            noted(spans, 3)
        assert len(receiver.spans) == 3


def answering(*answers: Answer) -> "Script":
    return Script(list(answers))


class Script:
    """Answers one after the other, the last for ever."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers = answers
        self.times: list[float] = []

    async def __call__(self, path: str) -> Answer:
        self.times.append(time.monotonic())
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


OK: Answer = (200, {}, b"")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_what_may_be_tried_again_is(status: int) -> None:
    """Nothing is lost, and nothing sent twice."""
    spans = Spans()
    noted(spans, 3)
    async with otlp_receiver() as receiver:
        receiver.answer = script = answering((status, {}, b""), (status, {}, b""), OK)
        url = f"{receiver.url}/v1/traces"
        async with collecting(Destination(url, None), Telemetry(WHO, spans)) as collector:
            await until(lambda: len(receiver.spans) == 3)
        assert len(script.times) == 3
        assert collector.dropped == 0


async def test_retry_after_is_kept_to() -> None:
    """Though a retry would have been due far sooner."""
    spans = Spans()
    noted(spans, 1)
    async with otlp_receiver() as receiver:
        receiver.answer = script = answering((429, {"retry-after": "1"}, b""), OK)
        url = f"{receiver.url}/v1/traces"
        async with collecting(Destination(url, None), Telemetry(WHO, spans)):
            await until(lambda: len(receiver.spans) == 1)
        assert script.times[1] - script.times[0] >= 0.95


@pytest.mark.parametrize("status", [301, 400, 401, 404, 500])
async def test_what_is_refused_for_good_is_dropped_and_counted(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Sending it again would not help; one line says so, with what the receiver said."""
    spans = Spans()
    noted(spans, 3)
    async with otlp_receiver() as receiver:
        receiver.answer = script = answering((status, {}, b"no such\ntenant"))
        url = f"{receiver.url}/v1/traces"
        async with collecting(Destination(url, None), Telemetry(WHO, spans)) as collector:
            await until(lambda: collector.dropped == 3)
            noted(spans, 2)
            await until(lambda: collector.dropped == 5)
        assert len(script.times) == 2
    (line,) = caplog.messages
    assert f"answered {status}: no such tenant" in line


async def test_what_is_rejected_in_part_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    """The receiver says how many, and why."""
    spans = Spans()
    noted(spans, 3)
    said = b'{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}'
    async with otlp_receiver() as receiver:
        receiver.answer = answering((200, {}, said))
        url = f"{receiver.url}/v1/traces"
        async with collecting(Destination(url, None), Telemetry(WHO, spans)) as collector:
            await until(lambda: collector.dropped == 2)
    assert "rejected 2 spans: too old" in caplog.text


async def fast(three_front: Front, seconds: float) -> int:
    """How many calls are answered in ``seconds``, one after the other."""
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        await three_front.ask("tea")
        number += 1
    return number


async def never(path: str) -> Answer:
    await asyncio.Event().wait()
    raise AssertionError


async def nonsense(path: str) -> Answer:
    return 503, {"retry-after": "yesterday"}, b"\x00" * 100


@pytest.mark.parametrize("kind", ["down", "silent", "refusing"])
async def test_a_bad_receiver_slows_no_call_and_fills_no_memory(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Calls go on; the ring bounds what is kept; what gave way is counted; one line is logged."""
    caplog.set_level(logging.INFO, "coterie.telemetry")
    async with otlp_receiver() as receiver, trio(local=True) as three:
        receiver.answer = nonsense if kind == "refusing" else never
        url = "http://127.0.0.1:1" if kind == "down" else receiver.url
        destination = Destination(f"{url}/v1/traces", f"{url}/v1/metrics", timeout=0.05)
        source = Telemetry(WHO, three.spans, tuple(three.meters.values()))
        alone = await fast(three.front, 0.2)
        async with collecting(destination, source, every=0.02) as collector:
            beside = await fast(three.front, 0.2)
            assert beside > alone / 10
            assert len(three.spans) <= three.spans.keep
            await until(lambda: caplog.records)
        assert len(three.spans) <= three.spans.keep
        assert collector.dropped == (alone + beside) * 3
        (line, *more) = caplog.messages
        assert line.startswith(("telemetry: cannot be sent to", "telemetry: http"))
        assert [m for m in more if "last of it" not in m] == []


async def test_stopping_does_not_wait_for_a_silent_receiver() -> None:
    """Two seconds at most, whatever a request may take otherwise."""
    spans = Spans()
    async with otlp_receiver() as receiver:
        receiver.answer = never
        collector = Collector(Destination.at(receiver.url), Telemetry(WHO, spans), every=3600)
        await collector.start()
        noted(spans, 3)
        began = time.monotonic()
        await collector.stop()
        assert time.monotonic() - began < 3
        assert collector.dropped == 3


async def test_after_an_outage_the_latest_spans_arrive(caplog: pytest.LogCaptureFixture) -> None:
    """As many as the ring holds; one line says that it is over, and how many were lost."""
    caplog.set_level(logging.INFO, "coterie.telemetry")
    spans = Spans(keep=50)
    async with otlp_receiver() as receiver:
        receiver.answer = nonsense
        url = f"{receiver.url}/v1/traces"
        async with collecting(Destination(url, None), Telemetry(WHO, spans)) as collector:
            noted(spans, 10)
            await until(lambda: caplog.records)
            noted(spans, 70)
            receiver.answer = receiver.accepts
            await until(lambda: len(receiver.spans) >= 50)
            await until(lambda: len(caplog.records) == 2)
        assert [s.span_id.hex() for _, s in receiver.spans] == [s.trace.span_id for s in spans]
        assert collector.dropped == 30
        assert caplog.messages[-1].endswith("30 spans were lost")


async def test_metrics_alone_can_be_sent() -> None:
    """Counts are cumulative: what was lost is made good by the next."""
    meter = Meter("lab")
    meter.note(a_call("text"), None, 0.1)
    async with otlp_receiver() as receiver:
        receiver.answer = answering((503, {}, b""), OK)
        url = f"{receiver.url}/v1/metrics"
        source = Telemetry(WHO, meter.spans, (meter,))
        async with collecting(Destination(None, url), source) as collector:
            await until(lambda: receiver.bodies("metrics"))
        message = metrics_of(receiver.bodies("metrics")[0])
        (point,) = message.resource_metrics[0].scope_metrics[0].metrics[0].histogram.data_points
        assert point.count == 1
        assert receiver.bodies("traces") == []
        assert collector.dropped == 0


async def test_a_collector_that_never_started_stops() -> None:
    """As every component does."""
    await Collector(Destination.at("http://127.0.0.1:1"), Telemetry(WHO, Spans())).stop()


@pytest.mark.parametrize("every", [0, -1, float("inf"), float("nan")])
def test_an_interval_that_is_none_is_refused(every: float) -> None:
    """With one to take instead."""
    with pytest.raises(ValueError, match=r"5\.0"):
        Collector(Destination.at("http://127.0.0.1:1"), Telemetry(WHO, Spans()), every=every)


async def test_control_the_receiver_is_strict() -> None:
    """Control: what is no OTLP does not pass for it."""
    receiver = OtlpReceiver()
    receiver.requests.append(("/v1/traces", {}, b'{"resourceSpans":[{"spans":[]}]}'))
    with pytest.raises(Exception, match="no field named"):
        _ = receiver.spans
