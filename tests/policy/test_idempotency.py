"""A call that comes again with its idempotency key has its effect once."""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from coterie.call import Call, Failure, Handler, Reply
from coterie.contract import Code
from coterie.policy import Keeping, idempotency
from coterie.policy.fingerprint import fingerprint
from tests.policy.keys import (
    Ledger,
    Memory,
    Order,
    SoldOut,
    call_of,
    hosted,
    operation,
    sent,
)


class Told:
    """A tally that remembers."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __call__(self, policy: str, what: str, call: Call, detail: str = "") -> None:
        assert policy == "idempotency"
        self.heard.append(what)


def shop(**said: Any) -> tuple[Ledger, Handler, Told]:
    ledger, told = Ledger(), Told()
    policy = idempotency(said.pop("keys", Memory()), Keeping(**said), told)
    return ledger, hosted(ledger, policy), told


async def refused(handler: Handler, call: Call) -> Failure:
    with pytest.raises(Failure) as caught:
        await handler(call)
    return caught.value


def place(key: str | None = "k1", who: str | None = None, **said: Any) -> Call:
    return sent("place", key, who, order=Order(7, **said))


# --- Once ---


async def test_the_second_call_is_answered_as_the_first_and_changes_nothing() -> None:
    """Status, headers and body, byte by byte; one header more says that nothing was done."""
    ledger, handler, told = shop()
    first = await handler(place())
    again = await handler(place())
    assert ledger.effects == ["place"]
    assert (again.status, again.body) == (first.status, first.body) == (201, first.body)
    assert again.headers == (*first.headers, ("idempotency-replayed", "true"))
    assert told.heard == ["replayed"]


async def test_without_the_policy_the_effect_doubles() -> None:
    """Control: what the key is for."""
    ledger = Ledger()
    handler = hosted(ledger)
    await handler(place())
    await handler(place())
    assert ledger.effects == ["place", "place"]


def test_what_looks_alike_in_one_format_is_told_apart() -> None:
    """JSON has no word for these; a float that may be left out can be any of them."""
    place = operation("place")
    values = (math.nan, math.inf, -math.inf, None, 0.0, 2**70, 2**71)
    assert len({fingerprint(place, {"order": value}) for value in values}) == len(values)


async def test_another_key_and_no_key_are_other_calls() -> None:
    ledger, handler, told = shop()
    for key in ("k1", "k2", None, None):
        await handler(place(key))
    assert len(ledger.effects) == 4
    assert told.heard == []


async def test_a_key_belongs_to_one_user_and_one_operation() -> None:
    """Another user's same key is another key: nobody is answered with what is not theirs."""
    ledger, handler, _ = shop()
    seen = [await handler(place("k1", who)) for who in (None, "ann", "ben", "ann")]
    await handler(sent("forget", "k1", product=1))
    assert ledger.effects == ["place", "place", "place", "forget"]
    assert seen[1].body == seen[3].body != seen[2].body


async def test_what_is_idempotent_by_itself_ignores_keys() -> None:
    """PUT, DELETE and GET do the same again anyway: they keep nothing."""
    keys = Memory()
    ledger, handler, _ = shop(keys=keys)
    for _ in range(2):
        await handler(sent("stock", "k1", product=1))
        await handler(sent("look", "k1"))
    assert ledger.effects == ["stock", "stock"]
    assert keys.rows == {}


# --- Refusals ---


async def test_while_the_first_runs_the_second_is_told_to_come_back() -> None:
    """409 with Retry-After, and the answer once it is there."""
    ledger, handler, told = shop()
    ledger.gate.clear()
    first = asyncio.ensure_future(handler(place()))
    await ledger.arrived.acquire()
    failure = await refused(handler, place())
    assert (failure.code, failure.status) == (Code.ABORTED, 409)
    assert failure.retry_after
    assert "still running" in failure.message
    ledger.gate.set()
    answer = await first
    assert (await handler(place())).body == answer.body
    assert told.heard == ["running", "replayed"]


async def test_other_arguments_under_the_same_key_are_a_mistake() -> None:
    """422, while the first runs as well: a client that mixes its keys up should hear of it."""
    ledger, handler, told = shop()
    await handler(place())
    failure = await refused(handler, place(quantity=2))
    assert (failure.code, failure.status) == (Code.INVALID_ARGUMENT, 422)
    assert "new key" in failure.message
    assert told.heard == ["differs"]
    assert ledger.effects == ["place"]


async def test_arguments_are_compared_as_values() -> None:
    """The same order as MessagePack, or with its default spelt out, is the same order."""
    ledger, handler, _ = shop()
    first = await handler(place())
    packed = sent("place", "k1", content=b"application/msgpack", order=Order(7, quantity=1))
    assert (await handler(packed)).body == first.body
    assert ledger.effects == ["place"]


@pytest.mark.parametrize("key", ["", "ä", "line\nfeed", "k" * 256, "\x7f"])
async def test_a_key_that_is_none_is_refused(key: str) -> None:
    """400: to run it without protection is not what its sender wanted."""
    ledger, handler, told = shop()
    failure = await refused(handler, place(key))
    assert (failure.code, failure.status) == (Code.INVALID_ARGUMENT, 400)
    assert [(v.where, v.pointer) for v in failure.violations] == [("header", "#/Idempotency-Key")]
    assert (ledger.effects, told.heard) == ([], ["malformed"])


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255))
def test_any_printable_key_will_do(key: str) -> None:
    ledger, handler, _ = shop()

    async def twice() -> None:
        await handler(place(key))
        await handler(place(key))

    asyncio.run(twice())
    assert ledger.effects == ["place"]


async def test_where_a_key_is_required_a_call_without_is_refused() -> None:
    """By the contract (``keyed=True``) or by the settings; 400 says what to send."""
    ledger, handler, told = shop()
    failure = await refused(handler, sent("pay", amount=1))
    assert (failure.status, failure.violations[0].where) == (400, "header")
    assert "Idempotency-Key" in failure.message
    await handler(place(None))
    ledger, handler, told = shop(mode="required")
    assert (await refused(handler, place(None))).status == 400
    assert (ledger.effects, told.heard) == ([], ["missing"])
    await handler(sent("stock", product=1))
    assert ledger.effects == ["stock"]


async def test_within_a_process_a_required_key_may_be_left_out() -> None:
    """No call gets lost there, so nobody has to repeat one."""
    ledger, handler, _ = shop()
    await handler(call_of("pay", amount=1))
    assert ledger.effects == ["pay"]


async def test_a_stream_with_a_key_is_refused() -> None:
    """It could not be told from another one: to ignore the key would be a promise broken."""
    ledger, handler, _ = shop()
    failure = await refused(handler, call_of("pour", "k1", data=None))
    assert failure.status == 400
    assert "leave out Idempotency-Key" in failure.message
    await handler(call_of("pour", data=None))
    assert ledger.effects == ["pour"]


# --- Failures ---


@pytest.mark.parametrize("error", [LookupError("no"), Failure(Code.RESOURCE_EXHAUSTED, "later")])
async def test_a_call_that_failed_may_be_tried_again_with_its_key(error: Exception) -> None:
    """Its transaction was rolled back: nothing has happened that could happen twice."""
    ledger, handler, _ = shop()
    ledger.error = error
    with pytest.raises(type(error)):
        await handler(place())
    ledger.error = None
    await handler(place())
    assert ledger.effects == ["place"]


async def test_a_fault_does_not_stick_to_the_key() -> None:
    """What is sold out today may be there tomorrow, under the same key and for other arguments."""
    ledger, handler, _ = shop()
    ledger.sold_out = True
    with pytest.raises(SoldOut):
        await handler(place())
    ledger.sold_out = False
    await handler(place(quantity=2))
    assert ledger.effects == ["place"]


async def test_a_call_that_was_stopped_frees_its_key() -> None:
    ledger, handler, _ = shop()
    ledger.gate.clear()
    first = asyncio.ensure_future(handler(place()))
    await ledger.arrived.acquire()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    ledger.gate.set()
    await handler(place())
    assert ledger.effects == ["place"]


async def test_a_key_that_cannot_be_freed_hides_no_failure() -> None:
    """The database is gone, say: the caller hears what failed, and the lease ends by itself."""
    keys = Memory()
    ledger, handler, _ = shop(keys=keys)
    keys.broken, ledger.error = True, LookupError("no")
    with pytest.raises(LookupError):
        await handler(place())


async def test_a_lease_lasts_as_long_as_the_call_may() -> None:
    """Until the deadline and a moment more; a minute where there is none."""
    keys = Memory()
    _, handler, _ = shop(keys=keys)
    call = place()
    await handler(structs.replace(call, context=call.context.onward(5.0).keyed("a")))
    await handler(place("b"))
    assert 5 < keys.leases[0] <= 6
    assert keys.leases[1] >= 60


async def test_a_claim_that_was_taken_over_cannot_finish() -> None:
    """The method ran for too long, and another call has its place: it must not commit."""
    keys = Memory()
    ledger, handler, told = shop(keys=keys)
    ledger.gate.clear()
    slow = asyncio.ensure_future(handler(place()))
    await ledger.arrived.acquire()
    keys.rows.clear()
    other = asyncio.ensure_future(handler(place()))
    await ledger.arrived.acquire()
    ledger.gate.set()
    with pytest.raises(Failure) as caught:
        await slow
    assert caught.value.code is Code.ABORTED
    assert told.heard == ["lost"]
    assert (await handler(place())).body == (await other).body


# --- Forms of replies ---

FORMS = [
    ("place", {"order": Order(7)}),
    ("file", {"product": 7}),
    ("words", {"product": 7}),
    ("away", {"product": 7}),
    ("forget", {"product": 7}),
]


@pytest.mark.parametrize(("name", "arguments"), FORMS)
@pytest.mark.parametrize("accept", [b"application/json", b"application/msgpack", b"*/*"])
async def test_replies_of_every_form_are_replayed(
    name: str, arguments: dict[str, Any], accept: bytes
) -> None:
    """Over a wire as they were sent, within a process as values, whichever way came first."""
    if name in ("words", "away"):
        accept = b"*/*"
    if name == "place" and accept.endswith(b"msgpack"):
        return  # an integer of 71 bits, which MessagePack does not know
    ledger, handler, _ = shop()

    def ways(key: str) -> tuple[Call, Call]:
        return sent(name, key, accept=accept, **arguments), call_of(name, key, **arguments)

    wire, inside = ways("wire first")
    first, value = await handler(wire), await handler(inside)
    assert value.value == first.value
    wire, inside = ways("inside first")
    value = await handler(inside)
    replayed, again = await handler(wire), await handler(inside)
    assert ("idempotency-replayed", "true") in replayed.headers
    assert again.value == value.value
    assert (replayed.status, len(replayed.headers)) == (first.status, len(first.headers) + 1)
    assert ledger.effects == [name, name]


async def test_a_reply_that_streams_is_not_kept() -> None:
    """A body that is no bytes would be gone after the first reading."""
    keys = Memory()

    async def streaming(call: Call) -> Reply:
        async def parts() -> AsyncIterator[bytes]:
            yield b""

        return Reply(None, body=parts())

    with pytest.raises(TypeError, match="streams"):
        await idempotency(keys)(streaming)(place())
    assert keys.rows == {}
