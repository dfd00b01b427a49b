"""What a refusal says of how far the call got, and of when to come back."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from coterie.binding.rest import problem_reply, raised
from coterie.call import Failure, Sent
from coterie.contract import Code


def told(failure: Failure) -> Failure:
    """What arrives of a failure that was answered."""
    reply = problem_reply(failure)
    assert isinstance(reply.body, bytes)
    found = raised(reply.status, dict(reply.headers), reply.body, {}, "shop")
    assert isinstance(found, Failure)
    return found


def heard(status: int, headers: Mapping[str, str]) -> Failure:
    """What an answer of others stands for."""
    found = raised(status, headers, b"", {}, "shop")
    assert isinstance(found, Failure)
    return found


@pytest.mark.parametrize("code", [Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED])
def test_too_much_to_do_is_told(code: Code) -> None:
    """As 503 and as 429: nothing was begun, and it is time that is asked for."""
    found = told(Failure(code, "Too much to do", sent=Sent.SHED, retry_after=2.4))
    assert (found.sent, found.code, found.retry_after) == (Sent.SHED, code, 2.0)


def test_not_ready_is_told() -> None:
    found = told(Failure(Code.UNAVAILABLE, "It starts", sent=Sent.REFUSED))
    assert found.sent is Sent.REFUSED


@pytest.mark.parametrize("sent", [Sent.ANSWERED, Sent.UNKNOWN, Sent.NOT_SENT])
def test_what_befell_another_call_is_not_told_of_this_one(sent: Sent) -> None:
    """Whoever answers has begun."""
    assert told(Failure(Code.UNAVAILABLE, "no", sent=sent)).sent is Sent.ANSWERED


@pytest.mark.parametrize(
    ("status", "refused", "sent"),
    [
        (503, "overload", Sent.SHED),
        (429, "overload", Sent.SHED),
        (500, "overload", Sent.ANSWERED),
        (503, "true", Sent.REFUSED),
        (429, "true", Sent.ANSWERED),
        (503, "", Sent.REFUSED),
        (503, None, Sent.ANSWERED),
    ],
)
def test_only_refusals_refuse(status: int, refused: str | None, sent: Sent) -> None:
    """The header counts with a status that fits."""
    headers = {} if refused is None else {"coterie-refused": refused}
    assert heard(status, headers).sent is sent


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-1", "1.5", "1e3", "NaN", "0x10", "yesterday", "Fri, 99 Foo 2026 00:00:00 GMT"],
)
def test_what_is_neither_a_number_nor_a_date_is_ignored(value: str) -> None:
    """RFC 9110, 10.2.3."""
    assert heard(503, {"retry-after": value}).retry_after is None


@pytest.mark.parametrize("value", ["9" * 12, "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_an_absurd_time_is_a_year(value: str) -> None:
    """And can be passed on, as any other."""
    found = heard(503, {"retry-after": value})
    assert found.retry_after == 31_536_000
    assert told(found).retry_after == 31_536_000


def test_a_date_is_so_many_seconds() -> None:
    """From now; one that is past is now."""
    now = datetime.now(UTC)
    date = format_datetime(now + timedelta(seconds=60), usegmt=True)
    found = heard(503, {"retry-after": date})
    assert found.retry_after is not None
    assert 58 <= found.retry_after <= 60
    past = format_datetime(now - timedelta(days=1), usegmt=True)
    assert heard(503, {"retry-after": past}).retry_after == 0


@pytest.mark.parametrize("absurd", [math.nan, math.inf, -math.inf])
def test_a_service_s_own_nonsense_is_not_told(absurd: float) -> None:
    """The failure is told all the same."""
    found = told(Failure(Code.UNAVAILABLE, "no", retry_after=absurd))
    assert (found.code, found.retry_after) == (Code.UNAVAILABLE, None)
