"""Meter: what a service's calls cost and how they end, counted on the hot path."""

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable

from msgspec import Struct

from coterie.call import Call, Trace
from coterie.contract import Code, Operation

__all__ = ["BOUNDS", "Meter", "Span", "exposition"]

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency buckets, in seconds."""


SPANS = 1024
"""How many of the latest spans a meter keeps."""


class Span(Struct, frozen=True):
    """One call as it was served.

    ``operation`` is a name in the whole system (``orders.place``); ``trace`` its place among the
    calls that caused it; ``ended`` seconds since 1970, ``seconds`` what it took; ``code`` what
    went wrong, ``None`` where nothing did.
    """

    operation: str
    trace: Trace
    ended: float
    seconds: float
    code: Code | None


class _Count:
    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0


class Meter:
    """Counts the calls of one service by operation and code (``None``: it succeeded).

    ``spans`` are the latest calls, as far as their traces are sampled.
    """

    def __init__(self) -> None:
        self.spans: deque[Span] = deque(maxlen=SPANS)
        self._counts: dict[tuple[Operation, Code | None], _Count] = {}

    def note(self, call: Call, code: Code | None, seconds: float) -> None:
        """Count one finished call, and keep its span."""
        operation, trace = call.operation, call.context.trace
        if trace.sampled:
            self.spans.append(Span(operation.id, trace, time.time(), seconds, code))
        count = self._counts.get((operation, code))
        if count is None:
            count = self._counts[operation, code] = _Count()
        count.buckets[bisect_left(BOUNDS, seconds)] += 1
        count.seconds += seconds

    def calls(self, operation: str, code: Code | None = None) -> int:
        """How many calls of the operation with this id ended with ``code``."""
        return sum(
            sum(count.buckets)
            for (op, c), count in self._counts.items()
            if op.id == operation and c is code
        )

    def lines(self, service: str) -> Iterable[str]:
        """Samples of the two metrics, for `exposition`."""
        for (operation, code), count in sorted(
            self._counts.items(), key=lambda item: (item[0][0].id, str(item[0][1]))
        ):
            labels = (
                f'service="{_escaped(service)}",version="{operation.major}",operation="{operation.id}",'
                f'code="{code.value if code else "ok"}"'
            )
            total = 0
            for bound, number in zip(BOUNDS, count.buckets, strict=False):
                total += number
                yield f'coterie_call_seconds_bucket{{{labels},le="{bound}"}} {total}'
            total += count.buckets[-1]
            yield f'coterie_call_seconds_bucket{{{labels},le="+Inf"}} {total}'
            yield f"coterie_call_seconds_sum{{{labels}}} {count.seconds:.6f}"
            yield f"coterie_call_seconds_count{{{labels}}} {total}"


def exposition(services: Iterable[tuple[str, Meter, int]]) -> bytes:
    """The metrics of several (name, meter, calls in flight), as Prometheus reads them.

    Source: Prometheus text exposition format 0.0.4.
    """
    known = list(services)
    lines = [
        "# HELP coterie_call_seconds Time to answer a call, by operation and how it ended.",
        "# TYPE coterie_call_seconds histogram",
    ]
    for name, meter, _ in known:
        lines += meter.lines(name)
    lines += [
        "# HELP coterie_calls_in_flight Calls being answered at this moment.",
        "# TYPE coterie_calls_in_flight gauge",
    ]
    lines += [f'coterie_calls_in_flight{{service="{_escaped(n)}"}} {i}' for n, _, i in known]
    return ("\n".join(lines) + "\n").encode()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
