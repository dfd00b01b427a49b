"""answer(): a batch of spans, as ``GET /telemetry`` tells it."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from .action import Note
from .meter import Meter
from .ring import Batch
from .span import Kind, Span

__all__ = ["MOST", "answer"]

MOST = 256
"""Spans that one answer tells, about."""


class _Told(Struct, omit_defaults=True):
    operation: str
    kind: Kind
    service: str
    trace_id: str
    span_id: str
    ended: float
    seconds: float
    parent: str | None = None
    code: str | None = None
    notes: tuple[Note, ...] = ()


class _Actions(Struct):
    service: str
    policy: str
    what: str
    operation: str
    count: int


class _Reading(Struct):
    service: str
    policy: str
    of: str
    name: str
    value: float


_encode = msgspec.json.Encoder().encode


def answer(batch: Batch, meters: Iterable[Meter] = ()) -> bytes:
    """``{"next": M, "spans": [...], "lost": 0, "one_in": 1, "policies": [...], "states": [...]}``.

    As JSON; a span is one flat object, and so is what a policy did, and how one stands.

    ::

        {"operation": "orders.place", "kind": "server", "service": "orders",
         "trace_id": "...", "span_id": "...", "parent": "...", "ended": 1764000000.0,
         "seconds": 0.002, "code": "not_found",
         "notes": [{"at": 1764000000.0, "policy": "retry", "what": "retried", "detail": "..."}]}
        {"service": "orders", "policy": "retry", "what": "retried",
         "operation": "users.user", "count": 3}
        {"service": "orders", "policy": "retry", "of": "users", "name": "tokens", "value": 9.1}

    Of a busy process only one trace in ``one_in`` is told, and failures, and what policies acted on: 256 or so a question, so
    that telling costs next to nothing however many calls there are.

    ``parent`` is left out at the root of a trace, ``code`` where nothing went wrong, ``notes`` where
    no policy did anything. What policies did is counted since ``meters`` began.
    """
    known = tuple(meters)
    one_in = _one_in(len(batch.spans) + batch.lost)
    told: dict[str, Any] = {
        "next": batch.next,
        "spans": [_told(span) for span in _some(batch.spans, one_in)],
        "lost": batch.lost,
        "one_in": one_in,
        "policies": [
            _Actions(meter.service, one.policy, one.what, one.operation, one.count)
            for meter in known
            for one in meter.actions()
        ],
        "states": [
            _Reading(meter.service, one.policy, one.of, one.name, one.value)
            for meter in known
            for one in meter.readings()
        ],
    }
    return _encode(told)


def _one_in(spans: int) -> int:
    """One of how many traces is told.

    A power of two: so what one process tells of a trace, a less busy one tells too.
    """
    return 1 if spans <= MOST else 2 ** math.ceil(math.log2(spans / MOST))


def _some(spans: Sequence[Span], one_in: int) -> Iterator[Span]:
    """The spans of some traces, whole ones; and failures, which are what people look for."""
    failures = 0
    for span in spans:
        if one_in == 1 or int(span.trace.trace_id[-8:], 16) % one_in == 0:
            yield span
        elif (span.code is not None or span.notes) and failures < MOST:
            failures += 1
            yield span


def _told(span: Span) -> _Told:
    trace = span.trace
    return _Told(
        span.operation,
        span.kind,
        span.service,
        trace.trace_id,
        trace.span_id,
        span.ended,
        span.seconds,
        trace.parent,
        None if span.code is None else span.code.value,
        span.notes,
    )
