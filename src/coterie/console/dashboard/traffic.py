"""Traffic: who calls whom, how often, how fast and how well, seen from spans."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from coterie.system import Inventory

from .port import Span

__all__ = ["OUTSIDE", "Edge", "edges"]

OUTSIDE = "gateway"
"""Who calls where no span tells it: calls come in through the gateway."""

_SETTLING = 3.0


class Edge(Struct, frozen=True, kw_only=True):
    """Calls of one service by another, ``caller`` and ``callee``.

    ``rate`` is calls a second, ``failed`` how many of ``calls`` did; ``median`` and ``p95`` are in
    seconds, ``None`` where no call was seen. ``declared`` says that the caller asks for it.
    """

    caller: str
    callee: str
    calls: int = 0
    failed: int = 0
    rate: float = 0.0
    median: float | None = None
    p95: float | None = None
    declared: bool = False


def edges(
    spans: Sequence[Span],
    now: float,
    seconds: float,
    inventory: Inventory | None = None,
    seen: Iterable[tuple[str, str]] = (),
) -> list[Edge]:
    """The edges that ``spans`` show, then those only declared or ``seen``.

    ``spans`` are those of the ``seconds`` before ``now`` (since 1970). A call over a network has
    two, and is counted once: as its caller saw it, or where the caller's span is missing, as its
    callee did. A call within one service is no edge. Who caused a call that has just ended may
    still be at work and have told nothing: such a call counts a moment later.
    """
    owners = {} if inventory is None else _owners(inventory)
    by_id = {(span.trace_id, span.span_id): span for span in spans}
    answered = {(s.trace_id, s.parent): s.service for s in spans if s.kind == "server" and s.parent}
    calls: dict[tuple[str, str], list[Span]] = {}
    for span in spans:
        if span.kind == "client":
            callee = answered.get((span.trace_id, span.span_id)) or owners.get(span.operation, "")
            pair = (span.service, callee)
        else:
            cause = by_id.get((span.trace_id, span.parent)) if span.parent else None
            if cause is not None and cause.kind == "client":
                continue
            if cause is None and span.parent and span.ended > now - _SETTLING:
                continue
            pair = (OUTSIDE if cause is None else cause.service, span.service)
        if pair[0] and pair[1] and pair[0] != pair[1]:
            calls.setdefault(pair, []).append(span)
    declared = _declared(inventory)
    pairs = dict.fromkeys([*calls, *sorted(declared), *((a, b) for a, b in seen if a != b)])
    return [_edge(pair, calls.get(pair, ()), seconds, declared=pair in declared) for pair in pairs]


def _edge(pair: tuple[str, str], calls: Sequence[Span], seconds: float, *, declared: bool) -> Edge:
    took = sorted(span.seconds for span in calls)
    return Edge(
        caller=pair[0],
        callee=pair[1],
        calls=len(calls),
        failed=sum(span.code is not None for span in calls),
        rate=len(calls) / seconds if seconds > 0 else 0.0,
        median=_quantile(took, 0.5),
        p95=_quantile(took, 0.95),
        declared=declared,
    )


def _quantile(values: Sequence[float], share: float) -> float | None:
    # The nearest rank: a time that some call really took.
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def _owners(inventory: Inventory) -> Mapping[str, str]:
    return {
        operation.id: service.name
        for service in inventory.services
        for contract in service.contracts
        for operation in contract.operations
    }


def _declared(inventory: Inventory | None) -> set[tuple[str, str]]:
    if inventory is None:
        return set()
    return {
        (service.name, need.service)
        for service in inventory.services
        for need in service.calls
        if need.service is not None and need.service != service.name
    }
