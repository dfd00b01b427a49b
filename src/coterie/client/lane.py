"""Lane: the way to one instance, how busy it is, and whether it is to be trusted."""

from collections.abc import Callable
from time import monotonic

from coterie.call import Call, Failure, Reply, Sent
from coterie.contract import Code, Operation
from coterie.policy import Breaker, BreakerState, Breaking
from coterie.registry import Instance

from .blame import Blame, blame
from .http import Http

__all__ = ["IDLE", "Lane", "Noticed"]

IDLE = 2.0
"""Seconds that an unused connection to an instance is kept. Shorter than an instance that goes
leaves silent connections open: so it is always the caller who closes one, and no request meets a
closing socket."""


_CONNECT = 2.0
"""Seconds to connect: a machine that is gone must leave time to ask another."""

_CLOSED = BreakerState.CLOSED

Noticed = Callable[["Lane", Breaker, BreakerState, Call], None]
"""Is told when a call may have changed a breaker of a lane: from which state, and by which call."""


class Lane:
    """One instance with its connections, made when the first call needs them.

    ``breaker`` learns how each call ends; so does one more for each operation that the instance has
    answered with ``unavailable``: it may be that what fails is one step further in, and then its other
    operations are as good as ever. ``noticed`` is told what may have changed one of them. ``weight``
    is the instance's share among the others at this moment.
    """

    __slots__ = (
        "_breaking",
        "_connections",
        "_noticed",
        "breaker",
        "http",
        "in_flight",
        "instance",
        "unavailable",
        "weight",
    )

    def __init__(
        self,
        instance: Instance,
        connections: int,
        breaking: Breaking | None = None,
        noticed: Noticed | None = None,
    ) -> None:
        self.instance = instance
        self.in_flight = 0
        self.weight = instance.weight
        self.http: Http | None = None
        self._connections = connections
        self._breaking = breaking
        self._noticed = noticed
        self.trust()

    def trust(self) -> None:
        """Forget what was learned: every breaker is closed."""
        self.breaker = None if self._breaking is None else Breaker(self._breaking)
        self.unavailable: dict[Operation, Breaker] = {}

    @property
    def state(self) -> BreakerState:
        """That of its breaker; half-open where it is but one of an operation that is not closed."""
        if self.breaker is None or self.breaker.state is not _CLOSED:
            return _CLOSED if self.breaker is None else self.breaker.state
        closed = all(breaker.state is _CLOSED for breaker in self.unavailable.values())
        return _CLOSED if closed else BreakerState.HALF_OPEN

    def resting(self, operation: Operation) -> float:
        """Seconds until a call of ``operation`` is let through; 0 where it would be now."""
        return max((one.opens_in for one in self._breakers(operation)), default=0.0)

    def enter(self, operation: Operation) -> bool:
        """Have the breakers' leave for one call; whether it is made to find out about the instance.

        Ask only while `resting` is 0.
        """
        finding_out = False
        for breaker in self._breakers(operation):
            if breaker.state is not _CLOSED:
                finding_out = breaker.allows() or finding_out
        return finding_out

    def _breakers(self, operation: Operation) -> tuple[Breaker, ...]:
        if self.breaker is None:
            return ()
        of = self.unavailable.get(operation)
        return (self.breaker,) if of is None else (self.breaker, of)

    async def send(self, call: Call, began: float) -> Reply:
        """Send one call and wait for its answer; it begins now, which is ``began``.

        Raises what `Http.handle` raises; a `Failure` names the instance.
        """
        breaker = self.breaker
        if call.chosen is not None:
            call.chosen(self.instance.id)
        self.in_flight += 1
        try:
            http = self.http
            reply = await (await self.open() if http is None else http).handle(call)
        except BaseException as error:
            if isinstance(error, Failure):
                error.instance = self.instance.id
            if breaker is not None:
                self._learn(breaker, call, began, blame(error, call, monotonic() - began))
            raise
        finally:
            self.in_flight -= 1
        if breaker is not None:
            if breaker.state is _CLOSED and not self.unavailable:
                breaker.succeeded(began)
            else:
                self._learn(breaker, call, began, Blame.SERVED)
        return reply

    def _learn(self, breaker: Breaker, call: Call, began: float, what: Blame) -> None:
        if breaker is not self.breaker or self._breaking is None:
            return  # it was announced anew meanwhile
        of = self.unavailable.get(call.operation)
        if of is None and what is Blame.UNAVAILABLE:
            of = self.unavailable[call.operation] = Breaker(self._breaking)
        whole = Blame.SERVED if what is Blame.UNAVAILABLE else what
        self._count(breaker, call, began, whole)
        if of is not None:
            # What kept a call from being answered says nothing of what the answer had been.
            part = Blame.NOBODY if what in (Blame.FAILED, Blame.LOST) else what
            before = of.state
            self._count(of, call, began, part)
            if of.state is _CLOSED is not before:
                del self.unavailable[call.operation]

    def _count(self, breaker: Breaker, call: Call, began: float, what: Blame) -> None:
        before = breaker.state
        if what is Blame.SERVED:
            breaker.succeeded(began)
        elif what is Blame.NOBODY:
            breaker.released(began)
        else:
            breaker.failed(began, lost=what is Blame.LOST)
        if self._noticed is not None:
            self._noticed(self, breaker, before, call)

    async def open(self) -> Http:
        """Make ready for calls. Raises `Failure` for an address that is none."""
        if self.http is None:
            try:
                made = Http(
                    self.instance.url,
                    connections=self._connections,
                    connect_timeout=_CONNECT,
                    idle_timeout=IDLE,
                )
            except ValueError as error:
                what = f"{self.instance.id} is announced at {self.instance.url!r}: {error}"
                raise Failure(Code.UNAVAILABLE, what, sent=Sent.NOT_SENT) from error
            await made.start()
            self.http = made
        return self.http

    async def close(self, *, drain: bool) -> None:
        """Close every connection; with ``drain``, each when its call has ended."""
        if self.http is not None:
            try:
                if drain:
                    await self.http.drain()
            finally:
                await self.http.stop()

    def serves(self, operation: Operation) -> bool:
        """Whether the instance offers the operation's contract, in its major version.

        One that says nothing of its offers is taken at its word that it is the service.
        """
        offers = self.instance.offers
        return not offers or any(
            offer.name == operation.contract and offer.major == operation.major for offer in offers
        )
