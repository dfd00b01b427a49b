"""GET /telemetry and /metrics: at an instance's own port, and not where everybody looks."""

import msgspec
import pytest
from msgspec import Struct

from coterie.client.http1 import Pool, Response
from coterie.server import App, Host, HttpServer
from coterie.telemetry import Note, Span, Spans
from tests.telemetry.trio import BackService, Empty, trio


class Told(Struct, forbid_unknown_fields=True):
    operation: str
    kind: str
    service: str
    trace_id: str
    span_id: str
    ended: float
    seconds: float
    parent: str | None = None
    code: str | None = None
    notes: list[Note] = []


class Batch(Struct, forbid_unknown_fields=True):
    next: int
    spans: list[Told]
    lost: int
    one_in: int = 1
    policies: list[dict[str, str | int]] = []
    states: list[dict[str, str | float]] = []


def told(span: Span) -> Told:
    trace = span.trace
    return Told(
        span.operation,
        span.kind,
        span.service,
        trace.trace_id,
        trace.span_id,
        span.ended,
        span.seconds,
        trace.parent,
        span.code.value if span.code else None,
    )


async def get(url: str, target: str) -> Response:
    async with Pool(url) as pool:
        return await pool.request("GET", target)


async def batch(url: str, target: str) -> Batch:
    answer = await get(url, target)
    assert (answer.status, dict(answer.headers)["content-type"]) == (200, "application/json")
    return msgspec.json.decode(answer.body, type=Batch)


async def test_a_reader_gets_each_span_once() -> None:
    """With the number that the last answer gave; reading leaves no spans itself."""
    async with trio() as three:
        url = three.urls["front"]
        await three.front.ask("tea")
        first = await batch(url, "/telemetry")
        again = await batch(url, f"/telemetry?after={first.next}")
        await three.front.ask("milk")
        with pytest.raises(Empty):
            await three.front.ask("nothing")
        second = await batch(url, f"/telemetry?after={first.next}")
        assert first.spans + second.spans == [told(span) for span in three.spans]
    assert (len(first.spans), again.spans, len(second.spans)) == (5, [], 10)
    assert again.next == first.next


async def test_what_is_no_number_is_refused() -> None:
    """With what to send instead."""
    async with trio() as three:
        for wrong in ("x", "-1", "1.5", "9" * 400):
            answer = await get(three.urls["front"], f"/telemetry?after={wrong}")
            assert answer.status == 400
            assert b"`next`" in answer.body


@pytest.mark.parametrize(
    ("public", "metrics", "told"),
    [(True, True, (404, 200)), (True, False, (404, 404)), (False, True, (200, 200))],
)
async def test_a_public_application_tells_no_spans(
    public: bool, metrics: bool, told: tuple[int, int]
) -> None:
    """Whatever it is given; and metrics only where it is told to."""
    host = Host(BackService(), name="back")
    app = App([host], public=public, metrics=metrics, spans=host.meter.spans)
    server = HttpServer(app)
    await server.start()
    try:
        found = [(await get(server.url, target)).status for target in ("/telemetry", "/metrics")]
    finally:
        await server.stop()
    assert tuple(found) == told


async def test_a_full_ring_is_told_in_bounded_answers() -> None:
    """Ask again with the number: no answer is without end."""
    spans = Spans(keep=3000)
    async with trio() as three:
        await three.front.ask("tea")
        (span, *_) = three.spans
    for _ in range(3000):
        spans.append(span)
    server = HttpServer(App([Host(BackService())], spans=spans))
    await server.start()
    try:
        first = await batch(server.url, "/telemetry")
        second = await batch(server.url, f"/telemetry?after={first.next}")
        third = await batch(server.url, f"/telemetry?after={second.next}")
    finally:
        await server.stop()
    assert (second.next - first.next, third.next - second.next) == (1024, 952)
    assert [b.one_in for b in (first, second, third)] == [4, 4, 4]
