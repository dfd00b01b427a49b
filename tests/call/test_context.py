"""Context: what travels with every call, and how it changes on the way."""

import asyncio
import time
from contextlib import ExitStack
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from coterie.call import Context, Origin, Principal, Trace, calling, current, entered

ANN = Principal("ann", scopes=frozenset({"orders:read"}))
BEN = Principal("ben")


def serving(**said: Any) -> Context:
    """The context of a call that a service is answering."""
    return Context(Trace.root(), **said)


# --- Current ---


def test_outside_of_calls_a_new_trace_begins_each_time() -> None:
    """A script's calls are not mixed up: each is the root of a trace of its own."""
    assert current().trace.trace_id != current().trace.trace_id
    assert current().deadline is None
    assert current().principal is None
    assert current().baggage == {}


def test_within_a_call_the_context_is_the_calls() -> None:
    """`current()` is that of the innermost call, and the outer one's again afterwards."""
    outer, inner = serving(), serving()
    with entered(outer):
        assert current() is outer
        with entered(inner):
            assert current() is inner
        assert current() is outer


def test_a_call_that_fails_leaves_no_context_behind() -> None:
    context = serving()
    with pytest.raises(ZeroDivisionError), entered(context):
        raise ZeroDivisionError
    assert current() is not context


async def test_tasks_keep_the_context_in_which_they_began() -> None:
    """Two calls in flight see each its own, also in tasks and threads they start."""

    async def seen() -> list[Context]:
        task = asyncio.create_task(asyncio.sleep(0, current()))
        return [await task, await asyncio.to_thread(current)]

    async def answer(context: Context) -> list[Context]:
        with entered(context):
            return await seen()

    contexts = [serving() for _ in range(10)]
    answers = await asyncio.gather(*map(answer, contexts))
    assert answers == [[context, context] for context in contexts]


# --- Deadlines ---


def test_without_a_deadline_there_is_no_end() -> None:
    assert serving().remaining is None


def test_time_runs_out() -> None:
    """Below zero once it is over."""
    now = time.monotonic()
    left = serving(deadline=now + 60).remaining
    assert left is not None
    assert 0 < left <= 60
    over = serving(deadline=now - 1).remaining
    assert over is not None
    assert over <= -1


_seconds = st.floats(-1e6, 1e6, allow_nan=False)


@settings(deadline=None)
@given(st.none() | _seconds, st.lists(st.none() | _seconds, max_size=6))
def test_a_deadline_shrinks_and_never_grows(
    first: float | None, timeouts: list[float | None]
) -> None:
    """Over any number of hops, whatever each allows: nobody gets more time than was left."""
    began = time.monotonic()
    context = serving(deadline=None if first is None else began + first)
    for timeout in timeouts:
        onward = context.onward(timeout)
        if context.deadline is not None:
            assert onward.deadline is not None
            assert onward.deadline <= context.deadline
        if timeout is not None:
            assert onward.deadline is not None
            assert onward.deadline <= time.monotonic() + timeout
        context = onward


@settings(deadline=None)
@given(st.lists(_seconds, min_size=1, max_size=6))
def test_nested_timeouts_leave_the_nearest(timeouts: list[float]) -> None:
    """`calling(timeout=10)` within `calling(timeout=1)` still ends after one second."""
    before = time.monotonic()
    with ExitStack() as blocks:
        context = current()
        for timeout in timeouts:
            context = blocks.enter_context(calling(timeout=timeout))
    assert context.deadline is not None
    nearest = before + min(timeouts)
    assert nearest <= context.deadline <= nearest + (time.monotonic() - before) + 1e-6


def test_after_the_block_the_deadline_is_what_it_was() -> None:
    with entered(serving(deadline=time.monotonic() + 60)):
        before = current().deadline
        with calling(timeout=1) as inner:
            assert current() is inner
            assert inner.deadline != before
        assert current().deadline == before


# --- Onward ---


def test_a_call_made_within_a_call_carries_everything_on() -> None:
    """All but the span, which is a child of the one that made the call, and the key, its own."""
    context = serving(
        deadline=5.0,
        principal=ANN,
        token="secret",
        idempotency_key="order-17",
        baggage={"tenant": "eu"},
    )
    onward = context.onward()
    assert onward.trace.trace_id == context.trace.trace_id
    assert onward.trace.parent == context.trace.span_id
    for name in ("deadline", "principal", "token", "baggage"):
        assert getattr(onward, name) == getattr(context, name)
    assert onward.idempotency_key is None


def test_a_key_goes_with_the_calls_it_was_named_for_and_no_further() -> None:
    """Two calls that one call makes are two effects: under one key the second would not happen."""
    with calling(idempotency_key="order-17"):
        named = current().onward()
    assert named.idempotency_key == "order-17"
    assert named.onward().idempotency_key is None


def test_background_work_has_no_key_and_makes_none() -> None:
    """It may run at any time and any number of times, whatever called it."""
    context = serving().keyed("order-17")
    beside = structs.replace(context, idempotency_key=None)
    assert beside.onward().origin is None
    assert context.onward().origin is context.origin is not None


@given(st.text(), st.lists(st.binary(max_size=4), min_size=2, max_size=8))
def test_made_keys_are_the_same_in_every_run_and_never_shared(key: str, made: list[bytes]) -> None:
    """A call run again makes the calls it made before under the keys they had before."""
    first, again = Origin(key), Origin(key)
    keys = [first.derived(fingerprint) for fingerprint in made]
    assert keys == [again.derived(fingerprint) for fingerprint in made]
    assert len(set(keys)) == len(keys)
    assert Origin(key + "x").derived(made[0]) != keys[0]


# --- calling() ---


def test_calling_changes_the_calls_inside() -> None:
    with calling(idempotency_key="order-17", token="secret", baggage={"tenant": "eu"}):
        assert current().idempotency_key == "order-17"
        assert current().token == "secret"
        assert current().baggage == {"tenant": "eu"}
    assert current().idempotency_key is None
    assert current().token is None


def test_calling_keeps_what_it_does_not_name() -> None:
    """And the trace: calls of one block belong together."""
    with calling(principal=ANN, baggage={"tenant": "eu", "channel": "web"}):
        outer = current()
        with calling(baggage={"channel": "app"}):
            assert current().principal == ANN
            assert current().trace == outer.trace
            assert current().baggage == {"tenant": "eu", "channel": "app"}
        assert current().baggage == {"tenant": "eu", "channel": "web"}


def test_a_token_replaces_a_principal() -> None:
    """Whom it stands for is found out at the other end: the old principal is not believed."""
    with calling(principal=ANN), calling(token="bens"):
        assert current().principal is None
        assert current().token == "bens"


def test_a_principal_replaces_a_token() -> None:
    """The old proof is not this principal's, and must not travel with it."""
    with calling(token="anns"), calling(principal=BEN):
        assert current().principal == BEN
        assert current().token is None


# --- Secrets ---


def test_a_context_shows_no_token() -> None:
    """A log line, an error page or a pretty traceback with a context in it gives nothing away."""
    context = serving(token="very-secret", principal=ANN)
    shown = f"{context!r} {context} {context.__rich_repr__()}"
    assert "very-secret" not in shown
    assert context.trace.trace_id in shown
    assert "ann" in shown


def test_contexts_and_principals_are_frozen() -> None:
    """A policy passes on a changed copy; nobody changes what others hold."""
    context: Any = serving()
    principal: Any = ANN
    with pytest.raises(AttributeError):
        context.deadline = 1.0
    with pytest.raises(FrozenInstanceError):
        principal.subject = "ben"
    with pytest.raises(TypeError):
        context.baggage["a"] = "b"
    with pytest.raises(TypeError):
        principal.claims["a"] = "b"


def test_principals_are_values() -> None:
    """Equal by what they are; their claims do not hinder a set."""
    assert Principal("ann", claims={"a": [1]}) == Principal("ann", claims={"a": [1]})
    assert Principal("ann") != Principal("ann", issuer="https://elsewhere")
    assert len({Principal("ann", claims={"a": [1]}), Principal("ann", claims={"a": [1]})}) == 1
