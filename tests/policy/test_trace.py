"""What happened: one span a call, whatever became of it."""

import asyncio
import time

import pytest

from coterie.call import Call, Failure, Reply, Trace
from coterie.contract import Code
from coterie.policy import Span, trace

from .shop import OutOfStock, a_call, answer


async def test_a_call_leaves_one_span() -> None:
    """With its operation, its place in the trace, when it began and how long it took."""
    spans: list[Span] = []
    call = a_call("open")
    before = time.time()
    reply = await trace(spans.append)(answer)(call)
    assert reply.value is call
    (span,) = spans
    assert (span.operation, span.trace, span.code) == ("shop.open", call.context.trace, None)
    assert before <= span.began <= time.time()
    assert 0 <= span.seconds < 5


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutOfStock(1), Code.FAILED_PRECONDITION),
        (Failure(Code.NOT_FOUND, "no"), Code.NOT_FOUND),
        (asyncio.CancelledError(), Code.CANCELLED),
        (KeyError("a defect"), Code.INTERNAL),
    ],
)
async def test_a_call_that_goes_wrong_leaves_a_span_that_says_how(
    error: BaseException, code: Code
) -> None:
    """And the error goes on as it is."""
    spans: list[Span] = []

    async def fail(call: Call) -> Reply:
        raise error

    with pytest.raises(type(error)) as caught:
        await trace(spans.append)(fail)(a_call())
    assert caught.value is error
    assert [span.code for span in spans] == [code]


async def test_a_trace_that_is_not_sampled_leaves_nothing() -> None:
    """The first caller decides for the whole chain (W3C Trace Context, 3.2.2.5.1)."""
    spans: list[Span] = []
    await trace(spans.append)(answer)(a_call(trace=Trace.root(sampled=False)))
    assert not spans
