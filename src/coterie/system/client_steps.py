"""What stands round a call on its caller's side, outermost first."""

from collections.abc import Iterator

from msgspec import UNSET

from coterie.call import Policy
from coterie.policy import (
    Budget,
    Bulk,
    Bulkhead,
    Cache,
    Caching,
    Hedge,
    Injector,
    Retry,
    Tally,
    bulkhead,
    cache,
    coalesce,
    fallback,
    hedge,
    inject,
    keyed,
    retry,
)
from coterie.telemetry import Meter, traced

from .policies import Policies
from .steps import Scene, Step, Value, numbers, single

__all__ = ["CLIENT_STEPS", "Callee"]


class Callee:
    """What all calls share that one service makes to another: whom it calls is ``service``.

    ``meter`` counts for the caller. Whatever is shared is made by the first operation that needs it,
    from numbers that are those of the service, not of one operation.
    """

    def __init__(self, service: str, meter: Meter, injector: Injector | None = None) -> None:
        self.service = service
        self.meter = meter
        self.injector = injector
        self.tally: Tally = meter.tally
        self._budget: Budget | None = None
        self._places: Bulkhead | None = None
        self._cache: Cache | None = None

    def budget(self, settings: Retry | None) -> Budget:
        """What retries and hedges may spend."""
        if self._budget is None:
            self._budget = budget = Budget() if settings is None else Budget(settings.budget)
            self.meter.watch("retry", self.service, lambda: {"tokens": budget.tokens})
        return self._budget

    def places(self, settings: Bulk) -> Bulkhead:
        """The places of its bulkhead."""
        if self._places is None:
            self._places = places = Bulkhead(settings)
            self.meter.watch(
                "bulkhead",
                self.service,
                lambda: {"taken": places.taken, "waiting": places.waiting, "calls": settings.calls},
            )
        return self._places

    def cache(self, settings: Caching) -> Cache:
        """Its answers that are kept."""
        if self._cache is None:
            self._cache = kept = Cache(settings)
            self.meter.watch(
                "cache",
                self.service,
                lambda: {"entries": len(kept.shelf), "bytes": kept.shelf.size},
            )
        return self._cache


def _keyed(scene: Scene) -> bool:
    operation = scene.policies.operation
    streams = operation.result.stream or any(p.stream for p in operation.parameters)
    return not (operation.safe or streams)


def _retry(scene: Scene, callee: Callee) -> Policy:
    policies = scene.policies
    settings = policies.retry or Retry()
    # Only a service that keeps keys makes a second attempt harmless.
    keeps = policies.idempotency is not None
    return retry(settings, callee.budget(settings), callee.tally, keyed=keeps)


def _hedge(scene: Scene, callee: Callee) -> Policy:
    policies = scene.policies
    budget = callee.budget(policies.retry)
    return hedge(policies.hedge or Hedge(), budget, callee.tally, earns=policies.retry is None)


def _inject(_: Scene, callee: Callee) -> Policy:
    injector = callee.injector or Injector()
    return inject(injector, callee.tally, side="client", service=callee.service)


def _bulkhead(scene: Scene, callee: Callee) -> Policy:
    return bulkhead(callee.places(scene.policies.bulkhead or Bulk()), callee.tally)


def _cache(scene: Scene, callee: Callee) -> Policy:
    return cache(callee.cache(scene.policies.cache or Caching()), callee.tally)


def _balance(policies: Policies) -> Iterator[Value]:
    chosen = policies.balance
    told = chosen if isinstance(chosen, str) else f"hash of {chosen.hash}"
    yield Value("by", told, policies.source("balance"))
    yield Value("slow_start", policies.slow_start, policies.source("slow_start"))


def _none(_: Policies) -> tuple[()]:
    return ()


CLIENT_STEPS: tuple[Step[Callee], ...] = (
    Step(
        name="deadline",
        told="sets the time by which the call is over",
        applies=lambda _: True,
        make=None,  # the typed client does it
        values=single("timeout"),
    ),
    Step(
        name="traced",
        told="counts the call and keeps its span",
        applies=lambda scene: not scene.local,
        make=lambda _, callee: traced(callee.meter),
        values=_none,
    ),
    Step(
        name="fallback",
        told="answers with a value known beforehand where the service is away",
        applies=lambda scene: scene.policies.fallback is not UNSET,
        make=lambda scene, callee: fallback(scene.policies.fallback, callee.tally),
        values=single("fallback"),
    ),
    Step(
        name="cache",
        told="answers what holds from what was answered before",
        applies=lambda scene: scene.policies.cache is not None,
        make=_cache,
        values=numbers("cache"),
    ),
    Step(
        name="coalesce",
        told="makes equal calls under way one call",
        applies=lambda scene: scene.policies.coalesce,
        make=lambda _, callee: coalesce(callee.tally),
        values=_none,
    ),
    Step(
        name="bulkhead",
        told="lets so many calls to the service be under way",
        applies=lambda scene: scene.policies.bulkhead is not None and not scene.local,
        make=_bulkhead,
        values=numbers("bulkhead"),
    ),
    Step(
        name="keyed",
        told="gives the call its idempotency key",
        applies=_keyed,
        make=lambda scene, _: keyed(required=scene.policies.keyed),
        values=single("keyed"),
    ),
    Step(
        name="hedge",
        told="makes a second call where the first takes long",
        applies=lambda scene: scene.policies.hedge is not None and not scene.local,
        make=_hedge,
        values=numbers("hedge"),
    ),
    Step(
        name="retry",
        told="makes the call anew where that does no harm",
        applies=lambda scene: scene.policies.retry is not None and not scene.local,
        make=_retry,
        values=numbers("retry"),
    ),
    Step(
        name="inject",
        told="goes wrong on purpose",
        applies=lambda scene: scene.injected,
        make=_inject,
        values=_none,
    ),
    Step(
        name="balance",
        told="chooses the instance; another where nothing was begun",
        applies=lambda scene: not scene.local,
        make=None,
        values=_balance,
    ),
    Step(
        name="breaker",
        told="leaves an instance alone that keeps failing",
        applies=lambda scene: scene.policies.breaker is not None and not scene.local,
        make=None,
        values=numbers("breaker"),
    ),
)
"""The policies of a caller.

Within a process there is no network that could fail or be too busy, so nothing is tried again,
chosen, limited or left alone there: what the service itself does limits it. What changes the
*meaning* of a call (an answer known beforehand or from before, one call for many, a key, a
fault on purpose) applies there too: a system means the same in one process as in many.
"""
