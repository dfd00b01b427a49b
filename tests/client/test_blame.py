"""What the end of a call says about the instance it went to."""

import asyncio
from time import monotonic

import pytest

from coterie.call import Call, Context, Failure, Sent, Trace
from coterie.client.blame import Blame, blame
from coterie.client.http1 import NotSent, Reason
from coterie.contract import Code, describe
from tests.client.kit import Desk, Plain


def a_call(left: float = 10.0) -> Call:
    context = Context(Trace.root(), monotonic() + left)
    return Call(describe(Desk).operation("nothing"), {}, context)


def not_sent(reason: Reason) -> Failure:
    failure = Failure(Code.UNAVAILABLE, "no", sent=Sent.NOT_SENT)
    failure.__cause__ = NotSent("no", reason)
    return failure


@pytest.mark.parametrize(
    ("sent", "code", "blamed"),
    [
        (Sent.NOT_SENT, Code.UNAVAILABLE, Blame.LOST),
        (Sent.NOT_SENT, Code.DEADLINE_EXCEEDED, Blame.FAILED),
        (Sent.NOT_SENT, Code.INVALID_ARGUMENT, Blame.NOBODY),
        (Sent.NOT_SENT, Code.CANCELLED, Blame.NOBODY),
        (Sent.UNKNOWN, Code.UNAVAILABLE, Blame.LOST),
        (Sent.UNKNOWN, Code.DEADLINE_EXCEEDED, Blame.FAILED),
        (Sent.UNKNOWN, Code.UNKNOWN, Blame.FAILED),
        (Sent.UNKNOWN, Code.RESOURCE_EXHAUSTED, Blame.SERVED),
        (Sent.UNKNOWN, Code.CANCELLED, Blame.NOBODY),
        (Sent.REFUSED, Code.UNAVAILABLE, Blame.NOBODY),
        (Sent.SHED, Code.UNAVAILABLE, Blame.NOBODY),
        (Sent.SHED, Code.RESOURCE_EXHAUSTED, Blame.NOBODY),
        (Sent.ANSWERED, Code.UNAVAILABLE, Blame.UNAVAILABLE),
        (Sent.ANSWERED, Code.DEADLINE_EXCEEDED, Blame.SERVED),
        (Sent.ANSWERED, Code.RESOURCE_EXHAUSTED, Blame.SERVED),
        (Sent.ANSWERED, Code.INTERNAL, Blame.SERVED),
        (Sent.ANSWERED, Code.NOT_FOUND, Blame.SERVED),
    ],
)
def test_a_failure_blames_by_how_far_it_got(sent: Sent, code: Code, blamed: Blame) -> None:
    assert blame(Failure(code, "no", sent=sent), a_call(), 1.0) is blamed


@pytest.mark.parametrize("sent", [Sent.NOT_SENT, Sent.UNKNOWN])
def test_who_had_no_time_is_not_blamed(sent: Sent) -> None:
    """A caller with a millisecond left finds nobody who answers in it."""
    late = Failure(Code.DEADLINE_EXCEEDED, "late", sent=sent)
    assert blame(late, a_call(), 0.001) is Blame.NOBODY
    assert blame(asyncio.CancelledError(), a_call(0), 0.001) is Blame.NOBODY


def test_who_is_no_longer_asked_is_not_blamed() -> None:
    """Unless that is because the time is over."""
    assert blame(asyncio.CancelledError(), a_call(), 1.0) is Blame.NOBODY
    assert blame(asyncio.CancelledError(), a_call(0), 1.0) is Blame.FAILED


def test_a_crowd_of_our_own_is_not_blamed_on_anybody() -> None:
    """All connections of this side are busy: nothing is known of the other."""
    assert blame(not_sent(Reason.BUSY), a_call(), 1.0) is Blame.NOBODY
    assert blame(not_sent(Reason.CONNECT), a_call(), 1.0) is Blame.LOST
    assert blame(not_sent(Reason.TLS), a_call(), 1.0) is Blame.LOST


def test_a_fault_is_an_answer_and_a_defect_here_is_none() -> None:
    assert blame(Plain(), a_call(), 1.0) is Blame.SERVED
    assert blame(ValueError("cannot be written"), a_call(), 1.0) is Blame.NOBODY
