"""Calls leave with a key where a second effect would do harm, and with the same one each time."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from coterie.call import Call, Context, Principal, Reply, calling, current, entered
from coterie.policy import keyed
from tests.policy.keys import Order, call_of, operation


class Wire:
    """Takes calls as they leave, and answers them."""

    def __init__(self, *, required: bool = False) -> None:
        self.sent: list[Call] = []
        self.handle = keyed(required=required)(self.answer)

    async def answer(self, call: Call) -> Reply:
        self.sent.append(call)
        return Reply(1)

    @property
    def keys(self) -> list[str | None]:
        return [call.context.idempotency_key for call in self.sent]


async def leave(wire: Wire, name: str, **arguments: object) -> None:
    """A call made from wherever we are, as a client makes it."""
    await wire.handle(Call(operation(name), arguments, current().onward()))


async def served(key: str | None, method: Callable[[], Awaitable[None]]) -> None:
    """Run ``method`` as the call that came with ``key``."""
    context = call_of("place", key).context
    with entered(context):
        await method()


async def test_calls_made_within_get_keys_of_their_own_the_same_in_every_run() -> None:
    """A service that is run again after a crash repeats its calls, and none has a second effect."""
    wires = [Wire(), Wire(), Wire()]

    async def method(wire: Wire) -> None:
        await leave(wire, "place", order=Order(1))
        await leave(wire, "place", order=Order(1))
        await leave(wire, "place", order=Order(2))
        with calling(timeout=5):
            await leave(wire, "place", order=Order(1))
        await leave(wire, "forget", product=1)
        await leave(wire, "stock", product=1)

    await served("k1", lambda: method(wires[0]))
    await served("k1", lambda: method(wires[1]))
    await served("k2", lambda: method(wires[2]))
    first, again, other = (wire.keys for wire in wires)
    assert first == again
    assert len({*first, *other, "k1", "k2"}) == 2 * len(first) + 2
    assert None not in first


async def test_the_key_of_a_call_reaches_no_other() -> None:
    """Control: today's key sent on as it is would make the second of two calls a replay."""
    bare = Wire()

    async def method() -> None:
        await bare.answer(Call(operation("place"), {}, current().onward()))

    await served("k1", method)
    assert bare.keys == [None]


async def test_keys_are_handed_down_through_every_hop() -> None:
    """What is made of a made key is as steady as that."""
    seen: list[list[str | None]] = []
    for _ in range(2):
        upper, lower = Wire(), Wire()
        await served("k1", lambda upper=upper: leave(upper, "place", order=Order(1)))  # type: ignore[misc]
        with entered(upper.sent[0].context):
            await leave(lower, "place", order=Order(1))
        seen.append(upper.keys + lower.keys)
    assert seen[0] == seen[1]
    assert seen[0][0] != seen[0][1]


async def test_a_key_that_was_named_is_sent_as_it_is() -> None:
    """Within a call that has a key as well."""
    wire = Wire()

    async def method() -> None:
        with calling(idempotency_key="mine"):
            await leave(wire, "place", order=Order(1))

    await method()
    await served("k1", method)
    assert wire.keys == ["mine", "mine"]


async def test_operations_that_want_a_key_get_a_random_one() -> None:
    """Those declared ``keyed``, and all where the service requires it: then it may be retried."""
    wire = Wire()
    await leave(wire, "pay", amount=1)
    await leave(wire, "pay", amount=1)
    await leave(wire, "place", order=Order(1))
    one, two, none = wire.keys
    assert one is not None
    assert two is not None
    assert UUID(one) != UUID(two)
    assert none is None
    wire = Wire(required=True)
    await leave(wire, "place", order=Order(1))
    await leave(wire, "stock", product=1)
    assert wire.keys[0] is not None
    assert wire.keys[1] is None


async def test_what_needs_no_key_has_none() -> None:
    """Reading is harmless, and of a stream no second one can be told."""
    wire = Wire()

    async def method() -> None:
        await leave(wire, "look")
        await leave(wire, "pour", data=None)

    await served("k1", method)
    await served(None, lambda: leave(wire, "place", order=Order(1)))
    assert wire.keys == [None, None, None]


async def test_background_work_begins_without_keys() -> None:
    """What is spawned may run whenever, and however often."""
    wire = Wire()
    context = call_of("place", "k1").context
    beside = Context(context.trace, origin=context.origin)
    with entered(beside):
        await leave(wire, "place", order=Order(1))
    assert wire.keys == [None]


async def test_the_same_key_of_another_user_or_operation_leads_to_other_keys() -> None:
    """A key is its sender's own choice: what one has done must not pass for what another wants."""
    wire = Wire()
    for user, name in (
        ("ann", "place 1"),
        ("ben", "place 1"),
        ("ann", "pay 1"),
        ("ann", "place 1"),
    ):
        context = call_of("place", "1").context
        assert context.origin is not None
        context.origin.serves(name, Principal(user))
        with entered(context):
            await leave(wire, "place", order=Order(1))
    first, *others, again = wire.keys
    assert first == again
    assert len({first, *others}) == 3
