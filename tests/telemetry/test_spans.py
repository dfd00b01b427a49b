"""Spans: who called whom, and where the time went."""

import asyncio

import pytest

from coterie.call import Context, Failure, Trace, calling, entered
from coterie.client import Http, connect, proxy
from coterie.contract import Code
from coterie.telemetry import Meter, Span, traced
from tests.server.kit import until
from tests.telemetry.trio import Back, Empty, Front, trio

Key = tuple[str, str, str]


def by_end(spans: list[Span]) -> dict[Key, Span]:
    return {(span.service, span.kind, span.operation): span for span in spans}


def chain_of(spans: list[Span]) -> list[Key]:
    """From the root down, as the parents tell."""
    children = {span.trace.parent: span for span in spans}
    assert len(children) == len(spans)
    found: list[Key] = []
    parent = next(s.trace.parent for s in spans if s.operation == "front.ask")
    while (span := children.get(parent)) is not None:
        found.append((span.service, span.kind, span.operation))
        parent = span.trace.span_id
    return found


async def test_a_call_over_three_hops_leaves_a_span_at_both_ends_of_each() -> None:
    """One trace; each client span is the child of its service's, and the parent of the next's."""
    async with trio() as three, connect(Front, three.urls["front"]) as front:
        assert await front.ask("tea") == "TEA"
        spans = list(three.spans)
    assert chain_of(spans) == [
        ("front", "server", "front.ask"),
        ("front", "client", "middle.hand"),
        ("middle", "server", "middle.hand"),
        ("middle", "client", "back.fetch"),
        ("back", "server", "back.fetch"),
    ]
    assert len({span.trace.trace_id for span in spans}) == 1
    assert [span.code for span in spans] == [None] * 5


async def test_what_a_client_span_takes_longer_is_the_network() -> None:
    """Each span lies within its parent, in time as well."""
    async with trio() as three:
        await three.front.ask("tea")
        spans = {span.trace.span_id: span for span in three.spans}
    for span in spans.values():
        parent = spans.get(span.trace.parent or "")
        if parent is not None:
            assert span.seconds <= parent.seconds
            assert span.ended <= parent.ended + 0.001


async def test_calls_within_a_process_have_one_span_each() -> None:
    """Nothing lies between: the server span's parent is the caller's own."""
    async with trio(local=True) as three:
        await three.front.ask("tea")
        spans = list(three.spans)
    assert chain_of(spans) == [
        ("front", "server", "front.ask"),
        ("middle", "server", "middle.hand"),
        ("back", "server", "back.fetch"),
    ]


async def test_a_trace_that_is_not_sampled_leaves_no_span_and_is_counted() -> None:
    """At either end, over every hop."""
    async with trio() as three:
        with entered(Context(Trace.root(sampled=False))):
            await three.front.ask("tea")
        assert list(three.spans) == []
        assert three.meters["back"].calls("back.fetch") == 1
        assert three.meters["front"].calls("middle.hand", kind="client") == 1
        await three.front.ask("tea")
        assert len(three.spans) == 5


async def test_how_a_call_ended_is_told_as_its_caller_saw_it() -> None:
    """A fault by its code at both ends; no answer in time, at the caller's alone."""
    async with trio() as three:
        with pytest.raises(Empty):
            await three.front.ask("nothing")
        codes = {span.code for span in three.spans}
        assert codes == {Code.NOT_FOUND}
        with calling(timeout=0.05), pytest.raises(Failure):
            await three.front.ask("eternity")
        hop = by_end(list(three.spans))["middle", "client", "back.fetch"]
        assert hop.code is Code.DEADLINE_EXCEEDED


async def test_a_call_that_nobody_answers_has_its_caller_s_span_alone() -> None:
    """That is how an outage looks."""
    meter = Meter("front")
    async with Http("http://127.0.0.1:1") as http:
        back = proxy(Back, traced(meter)(http.handle))
        with pytest.raises(Failure):
            await back.fetch("tea")
    (span,) = meter.spans
    assert (span.kind, span.service, span.code) == ("client", "front", Code.UNAVAILABLE)


async def test_a_call_given_up_is_cancelled_and_not_a_failure() -> None:
    """Whoever cancels knows."""
    async with trio() as three:
        task = asyncio.create_task(three.front.ask("eternity"))
        await until(lambda: three.last.waiting)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        hop = by_end(list(three.spans))["front", "client", "middle.hand"]
        assert hop.code is Code.CANCELLED


async def test_a_defect_on_the_way_out_is_internal_and_passes() -> None:
    """What is not a failure of the call is not swallowed either."""
    meter = Meter("front")

    async def broken(_: object) -> object:
        raise KeyError("defect")

    with pytest.raises(KeyError):
        await proxy(Back, traced(meter)(broken)).fetch("tea")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert meter.calls("back.fetch", Code.INTERNAL, kind="client") == 1
