"""Who keeps failing is left alone; and is found again soon after it has recovered."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.policy import Breaker, BreakerState, Breaking

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def a_breaker(clock: Clock | None = None, **settings: Any) -> Breaker:
    """One whose pauses are exact."""
    return Breaker(Breaking(**settings), clock=clock or Clock(), draw=lambda: 0.5)


def opened(clock: Clock, **settings: Any) -> Breaker:
    breaker = a_breaker(clock, **settings)
    for _ in range(5):
        breaker.failed()
    assert breaker.state is OPEN
    return breaker


# --- when it opens ------------------------------------------------------------------------------


def test_five_lost_in_a_row_open_it() -> None:
    """However many went well before."""
    breaker = a_breaker()
    for _ in range(1000):
        breaker.succeeded()
    for _ in range(4):
        breaker.failed()
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()


def test_four_lost_in_a_row_do_not_for_ever() -> None:
    """One answer between them, and counting begins anew."""
    breaker = a_breaker()
    for _ in range(100):
        breaker.failed()
        breaker.succeeded()
        breaker.succeeded()
    assert breaker.state is CLOSED


def test_failures_that_were_answered_count_by_their_share_alone() -> None:
    """Nine of nine say little, ten of ten enough."""
    breaker = a_breaker()
    for _ in range(9):
        breaker.failed(lost=False)
    assert breaker.state is CLOSED
    breaker.failed(lost=False)
    assert breaker.state is OPEN


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 20), st.floats(0.1, 1.0))
def test_it_opens_when_the_share_is_reached_and_no_sooner(
    outcomes: list[bool], calls: int, failures: float
) -> None:
    breaker = a_breaker(calls=calls, failures=failures)
    failed = 0
    for number, good in enumerate(outcomes, 1):
        if good:
            breaker.succeeded()
        else:
            failed += 1
            breaker.failed(lost=False)
            if number >= calls and failed >= failures * number:
                assert breaker.state is OPEN
                return
        assert breaker.state is CLOSED
        assert breaker.counted == (number, failed)


def test_what_is_long_past_is_forgotten() -> None:
    """Outcomes leave the window slice by slice: a tenth of it late, at most."""
    clock = Clock()
    breaker = a_breaker(clock, window=10.0, calls=100)
    for _ in range(9):
        breaker.failed(lost=False)
        breaker.succeeded()
        clock.now += 1.0
    assert breaker.counted == (18, 9)
    clock.now += 11
    breaker.succeeded(clock.now)
    assert breaker.counted == (1, 0)


@given(st.lists(st.tuples(st.floats(0, 15), st.booleans()), max_size=80))
def test_what_is_counted_is_what_the_window_holds(steps: list[tuple[float, bool]]) -> None:
    """Nothing younger than nine tenths of it is missing, nothing older than it is left."""
    clock = Clock()
    breaker = a_breaker(clock, window=10.0, calls=10_000)
    seen: list[float] = []
    for seconds, good in steps:
        clock.now += seconds
        seen.append(clock.now)
        breaker.succeeded(clock.now) if good else breaker.failed(lost=False)
        least = sum(clock.now - at <= 8.999 for at in seen)
        most = sum(clock.now - at <= 10.001 for at in seen)
        assert least <= breaker.counted[0] <= most


# --- how it closes again ------------------------------------------------------------------------


def test_one_call_at_a_time_finds_out() -> None:
    clock = Clock()
    breaker = opened(clock, open=0.25)
    clock.now += 0.24
    assert not breaker.allows()
    assert breaker.opens_in == pytest.approx(0.01)
    clock.now += 0.02
    assert breaker.opens_in == 0
    assert breaker.allows()
    assert breaker.state is HALF_OPEN
    assert not breaker.allows()
    breaker.succeeded()
    assert breaker.state is CLOSED
    assert breaker.allows()
    assert breaker.counted == (0, 0)


def test_pauses_double_up_to_the_longest() -> None:
    """And are short again after a recovery."""
    clock = Clock()
    breaker = opened(clock, open=0.25, longest=3.0)
    pauses = []
    for _ in range(6):
        pauses.append(breaker.opens_in)
        clock.now += breaker.opens_in
        assert breaker.allows()
        breaker.failed(lost=False)
    assert pauses == pytest.approx([0.25, 0.5, 1.0, 2.0, 3.0, 3.0])
    clock.now += breaker.opens_in
    assert breaker.allows()
    breaker.succeeded()
    for _ in range(5):
        breaker.failed()
    assert breaker.opens_in == pytest.approx(0.25)


def test_pauses_differ() -> None:
    """By a quarter up and down: not everybody comes back at once."""
    pauses = set()
    for _ in range(200):
        breaker = Breaker(Breaking(open=1.0), clock=Clock())
        for _ in range(5):
            breaker.failed()
        pauses.add(breaker.opens_in)
    assert len(pauses) > 190
    assert 0.75 <= min(pauses) < 0.8
    assert 1.2 < max(pauses) <= 1.25


def test_a_try_that_says_nothing_is_made_again() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1
    assert breaker.allows()
    breaker.released()
    assert breaker.allows()
    assert breaker.state is HALF_OPEN


def test_a_try_without_end_keeps_nobody_from_trying() -> None:
    """After as long a pause as before it."""
    clock = Clock()
    breaker = opened(clock, open=0.25)
    clock.now += 0.3
    assert breaker.allows()
    clock.now += 0.24
    assert not breaker.allows()
    clock.now += 0.02
    assert breaker.allows()


def test_calls_from_before_tell_nothing_new() -> None:
    """What began before it opened neither closes it nor makes it wait longer."""
    clock = Clock()
    began = clock.now
    clock.now += 0.1
    breaker = opened(clock, open=0.25)
    clock.now += 0.3
    assert breaker.allows()
    breaker.succeeded(began)
    breaker.failed(began)
    breaker.released(began)
    assert breaker.state is HALF_OPEN
    assert not breaker.allows()
    breaker.succeeded(clock.now)
    for _ in range(20):
        breaker.failed(began)
    assert breaker.state is CLOSED


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"failures": 0.0}, "share of calls"),
        ({"failures": 1.01}, "breaker = false"),
        ({"failures": math.nan}, "share of calls"),
        ({"calls": 0}, "at least one"),
        ({"window": 0.0}, "number of seconds"),
        ({"window": math.inf}, "number of seconds"),
        ({"open": -1.0}, "number of seconds"),
        ({"open": 60.0}, "no shorter than the first"),
        ({"longest": math.inf}, "no shorter than the first"),
    ],
)
def test_senseless_numbers_are_refused(wrong: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Breaking(**wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    if all(math.isfinite(value) for value in wrong.values()):
        with pytest.raises(msgspec.ValidationError, match=says):
            msgspec.convert(wrong, Breaking)
