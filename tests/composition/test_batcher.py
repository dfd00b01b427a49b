"""Batcher: many lookups, one call, and nobody gets what was asked for another."""

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar

import pytest

from coterie.call import Context, Failure, Principal, calling, current
from coterie.call.hold import hold, separate
from coterie.composition.composite import Batcher, optional, together
from coterie.contract import Code
from tests.client.http1.peer import soon, until
from tests.composition.parts import Gone, Watch, others


class Prices:
    """Answers many at a time: the price of 7 is 70, 0 is not there, 13 is a fault."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.contexts: list[Context] = []
        self.go = asyncio.Event()
        self.go.set()
        self.cancelled = 0

    async def of(self, ids: list[int]) -> Mapping[int, int | Exception]:
        self.asked.append(ids)
        self.contexts.append(current())
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return {of: Gone("price") if of == 13 else of * 10 for of in ids if of}


@pytest.fixture
def prices() -> Prices:
    return Prices()


async def test_lookups_that_begin_together_are_one_call(prices: Prices) -> None:
    """Each key once, in the order asked for; each asker has his own value."""
    price = Batcher(prices.of)
    assert await together(price(3), price(1), price(3), price(2)) == (30, 10, 30, 20)
    assert prices.asked == [[3, 1, 2]]
    assert others() == set()


async def test_without_a_batcher_each_is_a_call(prices: Prices) -> None:
    """Control: N lookups are N calls."""
    await together(*(prices.of([each]) for each in (3, 1, 2)))
    assert len(prices.asked) == 3


async def test_a_call_has_so_many_keys_at_most(prices: Prices) -> None:
    """The next key begins the next call."""
    price = Batcher(prices.of, size=2, within=60)
    assert list(await together(*map(price, range(1, 5)), within=5)) == [10, 20, 30, 40]
    assert prices.asked == [[1, 2], [3, 4]]


async def test_it_can_wait_for_more(prices: Prices) -> None:
    """Those that come within the time are in the same call."""
    price = Batcher(prices.of, within=0.05)
    first = asyncio.ensure_future(price(1))
    for _ in range(5):
        await asyncio.sleep(0)
    assert await price(2) == 20
    assert await first == 10
    assert prices.asked == [[1, 2]]


async def test_without_waiting_the_late_one_is_a_call_of_its_own(prices: Prices) -> None:
    """Control: by default only the present turn of the loop is waited for."""
    price = Batcher(prices.of)
    assert (await price(1), await price(2)) == (10, 20)
    assert prices.asked == [[1], [2]]


async def test_errors_belong_to_their_keys(prices: Prices) -> None:
    """A fault, and a key without a value, concern those who asked for them alone."""
    price = Batcher(prices.of)
    found = await together(
        price(1),
        optional(price(13), default=0, forgives=Gone),
        optional(price(0), default=0, forgives=Code.NOT_FOUND),
    )
    assert {name: str(why) for name, why in found.missing.items()} == {
        "Prices.of": "There is no price.",
        "Prices.of (2)": "Prices.of gave no value for this key",
    }
    assert found == (10, 0, 0)
    assert len(prices.asked) == 1


async def test_when_the_call_fails_each_asker_is_told(prices: Prices) -> None:
    """Each with a failure of his own: a shared one would grow with every raise."""

    async def down(ids: list[int]) -> dict[int, int]:
        raise Failure(Code.UNAVAILABLE, "nobody there", retry_after=2)

    price = Batcher(down)
    raised = await asyncio.gather(price(1), price(2), return_exceptions=True)
    one, two = raised
    assert isinstance(one, Failure)
    assert isinstance(two, Failure)
    assert one is not two
    assert one.retry_after == two.retry_after == 2


async def as_asker(price: Batcher[int, int], id: int, asker: str) -> int:
    with calling(principal=Principal(asker), token=f"token of {asker}"):
        return await price(id)


async def test_askers_are_never_mixed(prices: Prices) -> None:
    """Each call travels with the proof of those whose keys are in it."""
    price = Batcher(prices.of)
    with calling(idempotency_key="ada's order"):
        await together(
            as_asker(price, 1, "ada"), as_asker(price, 2, "bob"), as_asker(price, 3, "ada")
        )
    assert prices.asked == [[1, 3], [2]]
    assert [context.token for context in prices.contexts] == ["token of ada", "token of bob"]
    assert [context.idempotency_key for context in prices.contexts] == [None, None]


async def test_tenants_are_never_mixed(prices: Prices) -> None:
    """What travels as baggage may decide about the answer."""

    async def of(tenant: str) -> int:
        with calling(baggage={"tenant": tenant}):
            return await price(1)

    price = Batcher(prices.of)
    await together(of("a"), of("b"))
    assert [dict(context.baggage) for context in prices.contexts] == [
        {"tenant": "a"},
        {"tenant": "b"},
    ]


async def test_what_is_the_same_for_all_may_be_asked_for_all(prices: Prices) -> None:
    """Control of the two above: when told so, one call, and it travels with nobody's proof."""
    price = Batcher(prices.of, shared=True)
    await together(as_asker(price, 1, "ada"), as_asker(price, 2, "bob"))
    assert prices.asked == [[1, 2]]
    assert prices.contexts[0].token is None
    assert prices.contexts[0].principal is None


async def test_nobody_waits_past_his_own_deadline(prices: Prices) -> None:
    """One who is in a hurry neither waits for the call nor ends it for the others."""
    prices.go.clear()
    price = Batcher(prices.of)

    async def hurried() -> int:
        with calling(timeout=0.05):
            return await price(1)

    async def patient() -> int:
        with calling(timeout=60):
            return await price(2)

    hurrying, waiting = asyncio.ensure_future(hurried()), asyncio.ensure_future(patient())
    with Watch() as watch, pytest.raises(Failure) as caught:
        await hurrying
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    assert watch.took < 0.15
    prices.go.set()
    assert await waiting == 20
    assert prices.asked == [[1, 2]]
    assert (prices.contexts[0].remaining or 0) > 50


async def test_when_nobody_waits_any_more_the_call_ends(prices: Prices) -> None:
    """The last to leave ends it, and has seen it end."""
    prices.go.clear()
    price = Batcher(prices.of)
    one, two = asyncio.ensure_future(price(1)), asyncio.ensure_future(price(2))
    await until(lambda: prices.asked)
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    assert prices.cancelled == 0
    two.cancel()
    with pytest.raises(asyncio.CancelledError):
        await two
    assert prices.cancelled == 1
    assert others() == set()


async def test_a_batch_that_all_left_before_it_was_sent_is_never_sent(prices: Prices) -> None:
    """And the next lookup begins another."""
    price = Batcher(prices.of, within=60)
    with calling(timeout=0.02), pytest.raises(Failure):
        await price(1)
    again = asyncio.ensure_future(price(2))
    await asyncio.sleep(0)
    assert prices.asked == []
    again.cancel()
    with pytest.raises(asyncio.CancelledError):
        await again
    assert others() == set()


async def test_nobody_joins_a_batch_that_is_being_ended(prices: Prices) -> None:
    """Whoever comes as the last one leaves gets a batch of his own, and his value."""
    price = Batcher(prices.of, size=2, within=60)
    first = asyncio.ensure_future(price(1))
    await asyncio.sleep(0)
    first.cancel()
    assert await soon(together(price(2), price(3))) == (20, 30)
    with pytest.raises(asyncio.CancelledError):
        await first
    assert prices.asked == [[2, 3]]


async def test_a_batch_sees_nothing_of_its_callers_but_who_they_are() -> None:
    """What belongs to one of them, such as his unit of work, is over when he is done."""

    async def look(ids: list[int]) -> dict[int, str]:
        return {each: mine.get() for each in ids}

    mine = ContextVar("mine", default="nobody's")
    mine.set("the caller's")
    assert await Batcher(look)(1) == "nobody's"


async def test_a_lookup_after_the_deadline_is_not_begun(prices: Prices) -> None:
    """Nobody would see the answer."""
    with calling(timeout=-1), pytest.raises(Failure, match="had passed"):
        await Batcher(prices.of)(1)
    assert prices.asked == []


async def test_no_lookup_while_a_unit_of_work_holds_locks(prices: Prices) -> None:
    """Call first, then write: a lookup is a call, though another made it."""
    end = separate()
    hold("orders.place has begun to write")
    try:
        with pytest.raises(Failure, match="call first, then write"):
            await Batcher(prices.of)(1)
    finally:
        end()
    assert prices.asked == []


def test_numbers_that_make_no_sense_are_refused(prices: Prices) -> None:
    """When the batcher is made, not when it is used."""
    with pytest.raises(ValueError, match="size=0"):
        Batcher(prices.of, size=0)
    with pytest.raises(ValueError, match="within=-1"):
        Batcher(prices.of, within=-1)
