"""The ring of spans: each reader takes each span once, and memory is bounded."""

import pytest

from coterie.call import Trace
from coterie.telemetry import Span, Spans


def spans(*names: str) -> list[Span]:
    return [Span(name, Trace.root(), 1.0, 0.1) for name in names]


def names(found: list[Span]) -> list[str]:
    return [span.operation for span in found]


def test_a_reader_gets_each_span_once() -> None:
    """In the order they ended, however often and at whatever moment it asks."""
    ring = Spans(keep=100)
    read: list[str] = []
    after = 0
    for number in range(50):
        for span in spans(*[f"{number}.{n}" for n in range(number % 4)]):
            ring.append(span)
        if number % 3 == 0:
            batch = ring.after(after)
            assert batch.lost == 0
            read += names(batch.spans)
            after = batch.next
    read += names(ring.after(after).spans)
    assert read == [f"{number}.{n}" for number in range(50) for n in range(number % 4)]
    assert ring.after(ring.after(after).next).spans == []


def test_what_is_too_much_pushes_out_the_oldest_and_is_counted() -> None:
    """A reader who comes too late knows how much it missed."""
    ring = Spans(keep=3)
    ring.append(*spans("first"))
    begun = ring.after()
    for span in spans("a", "b", "c", "d", "e"):
        ring.append(span)
    batch = ring.after(begun.next)
    assert (names(batch.spans), batch.lost) == (["c", "d", "e"], 2)
    assert len(ring) == 3
    late = ring.after()
    assert (names(late.spans), late.lost) == (["c", "d", "e"], 3)


def test_an_answer_is_bounded_and_the_next_goes_on() -> None:
    """Page after page, the oldest first."""
    ring = Spans(keep=10)
    for span in spans(*"abcdefgh"):
        ring.append(span)
    first = ring.after(limit=3)
    second = ring.after(first.next, limit=3)
    third = ring.after(second.next, limit=3)
    pages = [names(batch.spans) for batch in (first, second, third)]
    assert pages == [["a", "b", "c"], ["d", "e", "f"], ["g", "h"]]


def test_a_process_that_starts_anew_goes_on_above() -> None:
    """So its reader, who knows nothing of it, misses none of the new spans and sees no old ones."""
    before = Spans()
    for span in spans("a", "b"):
        before.append(span)
    read = before.after().next
    anew = Spans()
    for span in spans("c", "d"):
        anew.append(span)
    batch = anew.after(read)
    assert (names(batch.spans), batch.lost) == (["c", "d"], 0)


def test_a_number_from_the_future_counts_as_none() -> None:
    """Where the clock was set back, spans are told again rather than never."""
    ring = Spans()
    ring.append(*spans("a"))
    assert names(ring.after(1 << 62).spans) == ["a"]


def test_numbers_survive_a_reader_in_javascript() -> None:
    """They are exact as doubles (RFC 8259, 6)."""
    assert Spans().last < 2**53


def test_an_empty_ring_is_refused() -> None:
    """It could never give anything."""
    with pytest.raises(ValueError, match="keep=0"):
        Spans(keep=0)
