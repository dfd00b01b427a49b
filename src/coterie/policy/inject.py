"""Faults on purpose: calls that come late, fail, lose their answer or get none, so that others learn.

Nothing is left to chance while it runs: whether a rule strikes a call follows from a number that
whoever sets the rules chooses, from the rule, and from how many calls of that operation came
before. The same number gives the same faults again (deterministic simulation, as FoundationDB
tests itself; "Testing Distributed Systems w/ Deterministic Simulation", Strange Loop 2014).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from hashlib import blake2b
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct, structs

from coterie.call import Call, Failure, Handler, Policy, Reply, Sent
from coterie.contract import Code, Fault, Operation

from .tally import Tally, untold

__all__ = ["Injector", "Kind", "Rule", "Side", "inject", "strikes"]

Kind: TypeAlias = Literal["delay", "failure", "abort", "drop", "slow"]
Side: TypeAlias = Literal["client", "server"]

_LONGEST = 30.0
_TICK = 0.05
_SHORTEST = 1


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of fault, and the calls that it may strike.

    ``delay``    the call is passed on ``amount`` seconds later
    ``failure``  it fails with ``code``, and nothing was begun
    ``abort``    it is carried out, and its answer is cut off: whoever called cannot know
    ``drop``     it is swallowed: no answer until its deadline, or for ``amount`` seconds without one
    ``slow``     its answer comes at ``amount`` bytes a second

    ``on`` is a service (``inventory``), an operation by its service or by its contract
    (``inventory.reserve``, ``stock.reserve``), or ``*`` for all. The ``client`` side is that of
    whoever calls it, the ``server`` side its own.

    Raises `ValueError` for what contradicts itself.
    """

    kind: Kind
    on: Annotated[str, Meta(min_length=1, max_length=200)] = "*"
    side: Side = "server"
    probability: float = 1.0
    amount: float = 0.0
    code: Code = Code.UNAVAILABLE

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability={self.probability:g}: take 0, never, to 1, always")
        if not 0 <= self.amount < float("inf"):
            raise ValueError(f"amount={self.amount:g}: take seconds or bytes a second, from 0")
        if self.kind in ("delay", "slow") and self.amount == 0:
            unit = "seconds" if self.kind == "delay" else "bytes a second"
            raise ValueError(f"{self.kind} without an amount does nothing: say how many {unit}")
        if self.kind == "slow" and self.side == "client":
            raise ValueError("slow is for the side that sends the answer: leave side out")

    def fits(self, service: str, operation: Operation) -> bool:
        """Whether it is meant for this operation, which ``service`` answers."""
        return self.on in (
            "*",
            service,
            operation.contract,
            operation.id,
            f"{service}.{operation.name}",
        )


def strikes(number: int, rule: Rule, operation: str, nth: int) -> bool:
    """Whether ``rule`` strikes the ``nth`` call of ``operation`` (from 0) in the run ``number``.

    A pure function: two machines agree, and so do two runs.
    """
    said = msgspec.json.encode([number, rule, operation, nth])
    drawn = int.from_bytes(blake2b(said, digest_size=8, person=b"coterie.inject").digest())
    return drawn < rule.probability * 2**64


class Injector:
    """The rules in force in this process, and the calls counted so far.

    ``injected`` tells how often each kind struck.
    """

    def __init__(self, number: int = 0, rules: Sequence[Rule] = ()) -> None:
        self.injected: Counter[Kind] = Counter()
        self.number = number
        self._rules: tuple[Rule, ...] = tuple(rules)
        self._fitting: dict[tuple[Side, str, str], tuple[Rule, ...]] = {}
        self._seen: Counter[tuple[Rule, str]] = Counter()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Those in force."""
        return self._rules

    def set(self, number: int, rules: Sequence[Rule]) -> None:
        """Put ``rules`` in force instead of all others. A rule that stays goes on counting."""
        if number != self.number:
            self._seen.clear()
        self.number = number
        self._rules = tuple(rules)
        self._fitting.clear()

    def struck(self, side: Side, service: str, operation: Operation) -> list[Rule]:
        """The rules that strike a call which comes now; it is counted."""
        key = (side, service, operation.id)
        fitting = self._fitting.get(key)
        if fitting is None:
            fitting = self._fitting[key] = tuple(
                rule for rule in self._rules if rule.side == side and rule.fits(service, operation)
            )
        found = []
        for rule in fitting:
            nth = self._seen[rule, operation.id]
            self._seen[rule, operation.id] = nth + 1
            if strikes(self.number, rule, operation.id, nth):
                found.append(rule)
        return found


def inject(
    injector: Injector, tally: Tally = untold, *, side: Side = "server", service: str = ""
) -> Policy:
    """Do to calls what the rules of ``injector`` say, which may change while it runs.

    On the server side it stands outermost, on the client side innermost: what it does looks to
    everybody else as if the network or the other process had done it. A call that several rules
    strike is delayed by all of them, then dropped or failed by the first that says so, then
    carried out, and its answer cut off or slowed down.

    Tells ``tally`` the kind of each rule that struck.
    """

    def policy(handler: Handler) -> Handler:
        async def injected(call: Call) -> Reply:
            if not injector.rules:
                return await handler(call)
            struck = injector.struck(side, service, call.operation)
            if not struck:
                return await handler(call)
            for rule in struck:
                injector.injected[rule.kind] += 1
                tally("inject", rule.kind, call)
            return await _suffer(handler, call, struck)

        return injected

    return policy


async def _suffer(handler: Handler, call: Call, struck: Sequence[Rule]) -> Reply:
    for rule in struck:
        if rule.kind == "delay":
            await asyncio.sleep(rule.amount)
    for rule in struck:
        if rule.kind == "failure":
            raise Failure(rule.code, f"{call.operation.id} was made to fail; nothing was begun")
        if rule.kind == "drop":
            await _swallow(call, rule)
    after = next((rule for rule in struck if rule.kind in ("abort", "slow")), None)
    if after is None:
        return await handler(call)
    if after.kind == "slow":
        return _slowed(await handler(call), after.amount)
    try:
        reply = await handler(call)
    except (Failure, Fault):
        reply = Reply()
    if call.render is None or after.side == "client":
        what = f"The answer of {call.operation.id} was cut off; it may have been carried out"
        raise Failure(Code.UNAVAILABLE, what, sent=Sent.UNKNOWN)
    # An answer without a body is whole with its headers: it needs one, to be cut off in.
    return structs.replace(reply, status=200, body=_broken(reply.body))


async def _swallow(call: Call, rule: Rule) -> None:
    left = call.context.remaining
    await asyncio.sleep(max(0.0, (rule.amount or _LONGEST) if left is None else left))
    what = f"{call.operation.id} was swallowed; nothing was begun"
    raise Failure(Code.DEADLINE_EXCEEDED, what, sent=Sent.UNKNOWN)


async def _broken(body: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The first half, and then what a server sees when nobody reads any more: it closes."""
    if isinstance(body, bytes):
        yield body[: len(body) // 2]
    raise asyncio.CancelledError


def _slowed(reply: Reply, rate: float) -> Reply:
    # Within a process there are no bytes: what is not sent cannot come slowly.
    if reply.body == b"":
        return reply
    return structs.replace(reply, body=_trickle(reply.body, rate))


async def _trickle(body: bytes | AsyncIterator[bytes], rate: float) -> AsyncIterator[bytes]:
    size = max(_SHORTEST, int(rate * _TICK))
    async for part in _parts(body):
        for start in range(0, len(part), size):
            piece = part[start : start + size]
            await asyncio.sleep(len(piece) / rate)
            yield piece


async def _parts(body: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    async for part in body:
        yield part
