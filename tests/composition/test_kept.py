"""Kept: an answer serves for a while, to those whom it was given to."""

import asyncio

import pytest

from coterie.call import Failure, Principal, calling
from coterie.composition.composite import Kept, together
from coterie.contract import Code, Struct
from tests.client.http1.peer import until
from tests.composition.parts import others


class Amount(Struct):
    """Not frozen, so no key of a dict."""

    of: str
    number: float


class Rates:
    """Counts how often it is asked; `now` is the time."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.failing: Exception | None = None
        self.now = 0.0
        self.go = asyncio.Event()
        self.go.set()
        self.cancelled = 0

    async def of(self, what: object, *, day: int = 0) -> int:
        self.asked.append(what)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failing is not None:
            raise self.failing
        return len(self.asked)

    def clock(self) -> float:
        return self.now


@pytest.fixture
def rates() -> Rates:
    return Rates()


async def test_an_answer_serves_for_as_long_as_said(rates: Rates) -> None:
    """And no longer."""
    kept = Kept(rates.of, keep=10, clock=rates.clock)
    assert [await kept("EUR"), await kept("EUR"), await kept("USD")] == [1, 1, 2]
    rates.now = 9.9
    assert await kept("EUR") == 1
    rates.now = 10
    assert await kept("EUR") == 3


async def test_without_it_each_call_is_made(rates: Rates) -> None:
    """Control."""
    assert [await rates.of("EUR"), await rates.of("EUR")] == [1, 2]


async def test_answers_are_told_apart_by_every_argument(rates: Rates) -> None:
    """By its value and its type: 1 is not True, and a struct need not be frozen."""
    kept = Kept(rates.of, keep=10)
    asked: list[object] = [1, True, 1.0, "1", [1], None, Amount("EUR", 1), Amount("EUR", 2)]
    first = [await kept(what) for what in asked] + [await kept(1, day=1)]
    assert first == list(range(1, len(asked) + 2))
    assert [await kept(what) for what in asked] + [await kept(1, day=1)] == first


async def test_an_argument_that_cannot_be_told_apart_is_refused(rates: Rates) -> None:
    """Rather than taken for another."""
    with pytest.raises(TypeError, match="unsupported"):
        await Kept(rates.of, keep=10)(object())
    assert rates.asked == []


async def test_an_answer_is_for_who_asked(rates: Rates) -> None:
    """Other principals, tokens and tenants ask anew."""
    kept = Kept(rates.of, keep=10)
    answers = [await kept(1)]
    for asker in ("ada", "bob", "ada"):
        with calling(principal=Principal(asker)):
            answers.append(await kept(1))
    for token in ("a", "b", "a"):
        with calling(token=token):
            answers.append(await kept(1))
    with calling(baggage={"tenant": "x"}):
        answers.append(await kept(1))
    assert answers == [1, 2, 3, 2, 4, 5, 4, 6]


async def test_what_is_the_same_for_all_is_kept_for_all(rates: Rates) -> None:
    """Control: when told so, who asks makes no difference."""
    kept = Kept(rates.of, keep=10, shared=True)
    with calling(principal=Principal("ada"), token="a"):
        assert await kept(1) == 1
    with calling(token="b"):
        assert await kept(1) == 1


async def test_an_old_answer_serves_where_there_is_no_new_one(
    rates: Rates, caplog: pytest.LogCaptureFixture
) -> None:
    """For as long as said, and the log says so."""
    kept = Kept(rates.of, keep=10, stale=100, clock=rates.clock)
    await kept(1)
    rates.failing = Failure(Code.UNAVAILABLE, "nobody there")
    rates.now = 60
    with caplog.at_level("INFO", "coterie.composite"):
        assert await kept(1) == 1
    assert caplog.messages == ["an answer 60 s old is given: Rates.of (unavailable)"]
    rates.now = 110
    with pytest.raises(Failure, match="nobody there"):
        await kept(1)


async def test_an_old_answer_serves_only_where_that_was_asked_for(rates: Rates) -> None:
    """Control: by default a failure is a failure."""
    kept = Kept(rates.of, keep=10, clock=rates.clock)
    await kept(1)
    rates.failing = Failure(Code.UNAVAILABLE, "nobody there")
    rates.now = 11
    with pytest.raises(Failure, match="nobody there"):
        await kept(1)


@pytest.mark.parametrize("code", [Code.NOT_FOUND, Code.PERMISSION_DENIED, Code.INTERNAL])
async def test_an_answer_that_says_no_is_not_hidden_by_an_old_one(rates: Rates, code: Code) -> None:
    """What has been deleted, or is not for you any more, does not live on."""
    kept = Kept(rates.of, keep=10, stale=100, clock=rates.clock)
    await kept(1)
    rates.failing = Failure(code, "no")
    rates.now = 11
    with pytest.raises(Failure, match="no"):
        await kept(1)


async def test_failures_are_not_kept(rates: Rates) -> None:
    """The next call asks anew."""
    kept = Kept(rates.of, keep=10)
    rates.failing = Failure(Code.UNAVAILABLE, "nobody there")
    with pytest.raises(Failure):
        await kept(1)
    rates.failing = None
    assert await kept(1) == 2


async def test_it_is_bounded(rates: Rates) -> None:
    """The answer not used for longest goes first."""
    kept = Kept(rates.of, keep=10, most=2)
    assert [await kept(1), await kept(2), await kept(1), await kept(3)] == [1, 2, 1, 3]
    assert [await kept(1), await kept(2)] == [1, 4]


async def test_equal_calls_under_way_are_one(rates: Rates) -> None:
    """A hundred who miss at once ask once."""
    kept = Kept(rates.of, keep=10)
    assert set(await together(*(kept(1) for _ in range(100)))) == {1}
    assert len(rates.asked) == 1


async def test_who_has_time_left_asks_again(rates: Rates) -> None:
    """When the one whose call it was had less time than those who joined him."""
    rates.go.clear()

    async def until_its_deadline(what: object) -> int:
        (rate,) = await together(rates.of(what))
        return rate

    async def within(seconds: float) -> int:
        with calling(timeout=seconds):
            return await kept(1)

    kept = Kept(until_its_deadline, keep=10)
    hurried, patient = (asyncio.ensure_future(within(s)) for s in (0.02, 60))
    with pytest.raises(Failure) as caught:
        await hurried
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    await until(lambda: len(rates.asked) == 2)
    rates.go.set()
    assert await patient == 2
    assert others() == set()


async def test_when_nobody_waits_any_more_the_call_ends(rates: Rates) -> None:
    """It is not finished for a cache alone."""
    rates.go.clear()
    kept = Kept(rates.of, keep=10)
    asked = asyncio.ensure_future(kept(1))
    await until(lambda: rates.asked)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert rates.cancelled == 1
    assert others() == set()


async def test_what_was_forgotten_is_asked_anew(rates: Rates) -> None:
    """Also what is under way: its answer may be older than the wish to forget."""
    kept = Kept(rates.of, keep=10)
    await kept(1)
    rates.go.clear()
    kept.forget()
    before = asyncio.ensure_future(kept(1))
    await until(lambda: len(rates.asked) == 2)
    kept.forget()
    rates.go.set()
    await before
    assert await kept(1) == 3


def test_numbers_that_make_no_sense_are_refused(rates: Rates) -> None:
    """When it is made, not when it is used."""
    with pytest.raises(ValueError, match="keep=-1"):
        Kept(rates.of, keep=-1)
    with pytest.raises(ValueError, match="stale=inf"):
        Kept(rates.of, keep=1, stale=float("inf"))
    with pytest.raises(ValueError, match="most=0"):
        Kept(rates.of, keep=1, most=0)
