"""Faults on purpose: the right calls are struck, the same ones each time, and none without a rule."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import msgspec
import pytest

from coterie.call import Call, Failure, Reply, Sent
from coterie.contract import Code
from coterie.policy.inject import Injector, Rule, inject, strikes

from .shop import OutOfStock, a_call, answer

WHOLE = b"0123456789" * 10


def on_the_wire(call: Call) -> Call:
    """As it comes in from a socket: its reply will be bytes."""
    return msgspec.structs.replace(call, render=lambda value: Reply(value, body=WHOLE))


async def rendered(call: Call) -> Reply:
    assert call.render is not None
    return call.render("done")


async def read(reply: Reply) -> bytes:
    if isinstance(reply.body, bytes):
        return reply.body
    return b"".join([part async for part in reply.body])


def struck(rule: Rule, number: int, calls: int = 200) -> list[int]:
    """Which of so many calls the rule strikes."""
    return [nth for nth in range(calls) if strikes(number, rule, "shop.open", nth)]


def test_a_number_decides_and_nothing_else() -> None:
    """The same number strikes the same calls, another one others, about as many as was asked."""
    rule = Rule(kind="failure", probability=0.25)
    assert struck(rule, 7) == struck(rule, 7)
    assert struck(rule, 7) != struck(rule, 8)
    assert 400 < len(struck(rule, 7, 2000)) < 600
    assert struck(Rule(kind="failure", probability=0), 7) == []
    assert len(struck(Rule(kind="failure"), 7)) == 200
    other = Rule(kind="delay", amount=1, probability=0.25)
    assert struck(other, 7) != struck(rule, 7), "rules do not strike in step"


async def test_a_run_is_had_again() -> None:
    """Two processes with one number fail the same calls, whatever else is called in between."""

    async def failed(number: int, others: int) -> list[int]:
        handler = inject(Injector(number, [Rule(kind="failure", probability=0.5)]))(answer)
        found = []
        for nth in range(50):
            for _ in range(others):
                await asyncio.gather(handler(a_call("known")), return_exceptions=True)
            try:
                await handler(a_call("open"))
            except Failure:
                found.append(nth)
        return found

    assert await failed(7, 0) == await failed(7, 2)
    assert await failed(7, 0) != await failed(9, 0)


async def test_without_rules_a_call_passes_untouched() -> None:
    """Control of all others here."""
    injector = Injector(7)
    call = a_call("open")
    assert (await inject(injector)(answer)(call)).value is call
    assert not injector.injected


async def test_delay() -> None:
    handler = inject(Injector(7, [Rule(kind="delay", amount=0.1)]))(answer)
    began = monotonic()
    await handler(a_call("open"))
    assert 0.09 <= monotonic() - began < 0.5


async def test_failure_begins_nothing() -> None:
    begun: list[Call] = []

    async def begin(call: Call) -> Reply:
        begun.append(call)
        return Reply()

    rule = Rule(kind="failure", code=Code.RESOURCE_EXHAUSTED)
    with pytest.raises(Failure) as told:
        await inject(Injector(7, [rule]))(begin)(a_call("open"))
    assert told.value.code is Code.RESOURCE_EXHAUSTED
    assert begun == []


async def test_drop_gives_no_answer_until_the_deadline() -> None:
    handler = inject(Injector(7, [Rule(kind="drop")]))(answer)
    began = monotonic()
    with pytest.raises(Failure) as told:
        await handler(a_call("open", deadline=monotonic() + 0.1))
    assert 0.09 <= monotonic() - began < 0.5
    assert told.value.sent is Sent.UNKNOWN


async def test_abort_has_the_effect_and_hides_it() -> None:
    """Within a process as a failure, over a wire as an answer that breaks off half-way."""
    done: list[Call] = []

    async def act(call: Call) -> Reply:
        done.append(call)
        return await answer(call)

    injector = Injector(7, [Rule(kind="abort")])
    with pytest.raises(Failure) as told:
        await inject(injector)(act)(a_call("open"))
    assert told.value.sent is Sent.UNKNOWN
    assert len(done) == 1
    reply = await inject(injector)(rendered)(on_the_wire(a_call("open")))
    assert not isinstance(reply.body, bytes)
    assert await anext(reply.body) == WHOLE[:50]
    with pytest.raises(asyncio.CancelledError):
        await anext(reply.body)
    assert injector.injected == {"abort": 2}


async def test_abort_hides_a_fault_too() -> None:
    """Whether it was carried out or refused, nobody is told."""

    async def refuse(call: Call) -> Reply:
        raise OutOfStock(0)

    with pytest.raises(Failure) as told:
        await inject(Injector(7, [Rule(kind="abort")]))(refuse)(a_call("place"))
    assert told.value.sent is Sent.UNKNOWN


@pytest.mark.parametrize("streamed", [False, True])
async def test_slow_is_so_many_bytes_a_second(streamed: bool) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield WHOLE[:30]
        yield WHOLE[30:]

    async def stream(call: Call) -> Reply:
        return Reply(None, body=parts())

    policy = inject(Injector(7, [Rule(kind="slow", amount=1000)]))
    began = monotonic()
    reply = await policy(stream if streamed else rendered)(on_the_wire(a_call("open")))
    assert await read(reply) == WHOLE
    assert 0.09 <= monotonic() - began < 0.5


@pytest.mark.parametrize(
    ("on", "side", "meant"),
    [
        ("*", "server", True),
        ("store", "server", True),
        ("shop", "server", True),
        ("shop.open", "server", True),
        ("store.open", "server", True),
        ("store.place", "server", False),
        ("users", "server", False),
        ("*", "client", False),
    ],
)
async def test_a_rule_is_for_a_service_or_an_operation(on: str, side: Any, meant: bool) -> None:
    """By the name of the service or of the contract, and on the side that it says."""
    injector = Injector(7, [Rule(kind="failure", on=on, side=side)])
    handler = inject(injector, side="server", service="store")(answer)
    if meant:
        with pytest.raises(Failure):
            await handler(a_call("open"))
    else:
        await handler(a_call("open"))
    assert bool(injector.injected) is meant


async def test_rules_change_while_it_runs() -> None:
    """And each that struck is told to whoever counts."""
    told: list[tuple[str, str]] = []
    injector = Injector()
    handler = inject(injector, lambda policy, what, call, detail="": told.append((policy, what)))(
        answer
    )
    await handler(a_call("open"))
    injector.set(7, [Rule(kind="failure"), Rule(kind="delay", amount=0.001)])
    with pytest.raises(Failure):
        await handler(a_call("open"))
    injector.set(7, [])
    await handler(a_call("open"))
    assert told == [("inject", "failure"), ("inject", "delay")]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"kind": "delay"}, "how many seconds"),
        ({"kind": "slow"}, "how many bytes"),
        ({"kind": "failure", "probability": 1.5}, "0, never, to 1"),
        ({"kind": "failure", "probability": float("nan")}, "0, never, to 1"),
        ({"kind": "delay", "amount": -1}, "from 0"),
        ({"kind": "delay", "amount": float("inf")}, "from 0"),
        ({"kind": "slow", "amount": 10, "side": "client"}, "leave side out"),
    ],
)
def test_senseless_rules_are_refused(given: dict[str, Any], told: str) -> None:
    """With what to write instead."""
    with pytest.raises(ValueError, match=told):
        Rule(**given)
