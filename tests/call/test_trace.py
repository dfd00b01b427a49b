"""Traces: W3C Trace Context, read and written."""

import multiprocessing
import os
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.call import Trace

ID = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("header", "sampled"),
    [
        (f"00-{ID}-{SPAN}-01", True),
        (f"00-{ID}-{SPAN}-00", False),
        (f"00-{ID}-{SPAN}-03", True),
        (f"00-{ID}-{SPAN}-fe", False),
        (f"cc-{ID}-{SPAN}-01", True),
        (f"cc-{ID}-{SPAN}-01-what-the-future-will-be-like", True),
        (f"01-{ID}-{SPAN}-09-", True),
    ],
)
def test_a_header_names_a_span(header: str, sampled: bool) -> None:
    """Of this version, and of later ones as far as this one can read them (3.2.3, 4.3)."""
    assert Trace.parse(header) == Trace(ID, SPAN, sampled)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"00-{ID}-{SPAN}",
        f"00-{ID}-{SPAN}-",
        f"00-{ID}-{SPAN}-1",
        f"00-{ID}-{SPAN}-001",
        f"00-{ID}-{SPAN}-01-",
        f"00-{ID}-{SPAN}-01-more",
        f"cc-{ID}-{SPAN}-01.more",
        f"ff-{ID}-{SPAN}-01",
        f"ff-{ID}-{SPAN}-01-more",
        f"0-{ID}-{SPAN}-01",
        f".0-{ID}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{ID}-{'0' * 16}-01",
        f"00-{ID[1:]}-{SPAN}-01",
        f"00-{ID}0-{SPAN}-01",
        f"00-{ID}-{SPAN[1:]}-01",
        f"00-{ID.upper()}-{SPAN}-01",
        f"00-{ID}-{SPAN.upper()}-01",
        f"00-{ID[:-1]}g-{SPAN}-01",
        f"00-{ID}-{SPAN}-0x",
        f"00_{ID}_{SPAN}_01",
        f" 00-{ID}-{SPAN}-01",
        f"00-{ID}-{SPAN}-01 ",
        f"00-{ID}-{SPAN}-01\n",
        f"00-{ID}-{SPAN}-01,00-{ID}-{SPAN}-01",
        f"00-{ID}-{SPAN}-\u0660\u0661",
    ],
)
def test_a_malformed_header_is_no_span(header: str) -> None:
    """It is ignored, and a new trace begins (3.2.2.3, 4.3)."""
    assert Trace.parse(header) is None


@given(st.text(max_size=70))
def test_no_header_does_harm(header: str) -> None:
    """Whatever a stranger sends is read or ignored; what is read, is written the same."""
    trace = Trace.parse(header)
    assert trace is None or Trace.parse(trace.traceparent) == trace


@settings(deadline=None)
@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())
def test_what_is_written_can_be_read(trace_id: int, span_id: int, sampled: bool) -> None:
    trace = Trace(f"{trace_id:032x}", f"{span_id:016x}", sampled)
    assert Trace.parse(trace.traceparent) == trace


def test_a_root_begins_a_trace() -> None:
    """With identifiers that are valid, and nobody before it."""
    root = Trace.root()
    assert Trace.parse(root.traceparent) == root
    assert root.parent is None
    assert root.sampled
    assert not Trace.root(sampled=False).sampled


def test_a_child_is_a_new_span_of_the_same_trace() -> None:
    """It names the span that caused it, and is recorded if that one is."""
    root = Trace.root(sampled=False)
    child = root.child()
    assert (child.trace_id, child.parent, child.sampled) == (root.trace_id, root.span_id, False)
    assert child.span_id != root.span_id
    assert child.child().parent == child.span_id


def test_no_two_are_alike() -> None:
    roots = [Trace.root() for _ in range(1000)]
    assert len({root.trace_id for root in roots}) == 1000
    assert len({root.child().span_id for root in roots}) == 1000


def test_a_seed_for_the_test_changes_no_trace() -> None:
    """Two test runs with the same seed must not write into the same trace."""
    random.seed(1)
    first = Trace.root()
    random.seed(1)
    assert Trace.root() != first


_plain = random.Random()  # noqa: S311  # not for secrets


def _draw(answers: Any) -> None:
    answers.put((os.getpid(), Trace.root().trace_id, _plain.getrandbits(128)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform starts no process by fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_processes_draw_different_traces() -> None:
    """Replicas are forked from one parent: their traces must not fall together."""
    forking = multiprocessing.get_context("fork")
    answers = forking.Queue()
    children = [forking.Process(target=_draw, args=(answers,)) for _ in range(3)]
    for child in children:
        child.start()
    drawn = [answers.get(timeout=30) for _ in children]
    for child in children:
        child.join(30)
    assert len({process for process, _, _ in drawn}) == 3
    assert len({trace for _, trace, _ in drawn}) == 3
    assert len({number for _, _, number in drawn}) == 1, "control: a plain generator falls together"
