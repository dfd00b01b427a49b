"""exposition(): what meters counted, as Prometheus reads it."""

from collections.abc import Iterable, Iterator, Sequence

from coterie import __version__

from .meter import BOUNDS, Meter
from .process import process
from .span import Kind

__all__ = ["exposition"]

_CALLS: tuple[tuple[Kind, str, str], ...] = (
    ("server", "coterie_call_seconds", "Time to answer a call, by operation and how it ended."),
    (
        "client",
        "coterie_client_call_seconds",
        "Time a call to another process took its caller, by operation and how it ended.",
    ),
)


def exposition(known: Iterable[tuple[Meter, int]]) -> bytes:
    """The metrics of several (meter, calls in flight) and of this process.

    Source: Prometheus text exposition format 0.0.4.
    """
    pairs = list(known)
    lines: list[str] = []
    for kind, name, told in _CALLS:
        lines += _head(name, "histogram", told)
        for meter, _ in pairs:
            lines += _histogram(name, meter, kind)
    lines += _head("coterie_calls_in_flight", "gauge", "Calls being answered at this moment.")
    lines += [
        f'coterie_calls_in_flight{{service="{_escaped(meter.service)}"}} {number}'
        for meter, number in pairs
    ]
    lines += _policies([meter for meter, _ in pairs])
    lines += _process()
    return ("\n".join(lines) + "\n").encode()


def _histogram(name: str, meter: Meter, kind: Kind) -> Iterator[str]:
    service = _escaped(meter.service)
    for series in meter.series(kind):
        labels = (
            f'service="{service}",version="{_escaped(series.version)}",'
            f'operation="{_escaped(series.operation)}",'
            f'code="{series.code.value if series.code else "ok"}"'
        )
        total = 0
        for bound, number in zip((*BOUNDS, "+Inf"), series.buckets, strict=True):
            total += number
            yield f'{name}_bucket{{{labels},le="{bound}"}} {total}'
        yield f"{name}_sum{{{labels}}} {series.seconds:.6f}"
        yield f"{name}_count{{{labels}}} {total}"


def _policies(meters: Sequence[Meter]) -> Iterator[str]:
    """What policies did, and how they stand. Of a call that merely went through they tell nothing."""
    yield from _head("coterie_policy_total", "counter", "What policies did to calls.")
    for meter in meters:
        for one in meter.actions():
            yield (
                f'coterie_policy_total{{service="{_escaped(meter.service)}",policy="{one.policy}",'
                f'operation="{_escaped(one.operation)}",outcome="{_escaped(one.what)}"}} {one.count}'
            )
    told = "How policies stand: breakers, budgets, limits."
    yield from _head("coterie_policy_state", "gauge", told)
    for meter in meters:
        for reading in meter.readings():
            yield (
                f'coterie_policy_state{{service="{_escaped(meter.service)}",'
                f'policy="{reading.policy}",of="{_escaped(reading.of)}",'
                f'name="{_escaped(reading.name)}"}} {reading.value:g}'
            )


def _process() -> Iterator[str]:
    yield from _head("coterie_build_info", "gauge", "The version of Coterie; always 1.")
    yield f'coterie_build_info{{version="{_escaped(__version__)}"}} 1'
    now = process()
    yield from _head("process_cpu_seconds_total", "counter", "User and system time, in seconds.")
    yield f"process_cpu_seconds_total {now.cpu:.3f}"
    if now.started is not None:
        told = "When the process started, in seconds since 1970."
        yield from _head("process_start_time_seconds", "gauge", told)
        yield f"process_start_time_seconds {now.started:.2f}"
    if now.memory is not None:
        yield from _head("process_resident_memory_bytes", "gauge", "Resident memory, in bytes.")
        yield f"process_resident_memory_bytes {now.memory}"


def _head(name: str, kind: str, told: str) -> Sequence[str]:
    return f"# HELP {name} {told}", f"# TYPE {name} {kind}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
