"""Spans and meters as OTLP request bodies, in its JSON encoding.

Every OTLP receiver takes JSON at its HTTP port; so nothing but msgspec is needed, and no version
of protobuf is forced on the services of this process.

Sources: OTLP 1.9, *JSON Protobuf Encoding* (identifiers in hexadecimal, enumerations as numbers,
64-bit numbers as text); OpenTelemetry semantic conventions, *RPC* (stable) and *Service*.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import msgspec
from msgspec import Raw, Struct

from coterie import __version__
from coterie.contract import Code

from .action import Note
from .meter import BOUNDS, Meter, Series
from .span import Kind, Span

__all__ = ["Resource", "metrics_body", "traces_body"]


class Resource(Struct, frozen=True):
    """The process that telemetry comes from. A service's name is added to it.

    ``namespace`` is the system's name, ``instance`` unique in it (``orders-1``), ``version`` the
    service's own; what is empty is not sent.
    """

    namespace: str = ""
    instance: str = ""
    version: str = ""


def traces_body(resource: Resource, spans: Iterable[Span]) -> bytes:
    """An *ExportTraceServiceRequest* of ``spans``; those of each service under its name."""
    by_service: dict[str, list[_Span]] = {}
    for span in spans:
        by_service.setdefault(span.service, []).append(_span(span))
    return _encode(
        _Traces(
            [
                _ResourceSpans(_resource(resource, service), [_ScopeSpans(_SCOPE, own)])
                for service, own in by_service.items()
            ]
        )
    )


def metrics_body(resource: Resource, meters: Sequence[Meter], now: float) -> bytes:
    """An *ExportMetricsServiceRequest* of all that ``meters`` counted until ``now``.

    ``now`` is in seconds since 1970. The counts are cumulative: one that is lost is made good by
    the next. Histograms ``rpc.server.call.duration`` and ``rpc.client.call.duration``, in seconds.
    """
    told: list[_ResourceMetrics] = []
    for meter in meters:
        metrics = [
            _Metric(name, "s", _Histogram([_point(s, meter.since, now) for s in series]))
            for kind, name in _DURATIONS.items()
            if (series := meter.series(kind))
        ]
        if metrics:
            scope = _ScopeMetrics(_SCOPE, metrics)
            told.append(_ResourceMetrics(_resource(resource, meter.service), [scope]))
    return _encode(_Metrics(told))


# What goes over the wire, named as OTLP names it.


class _Event(Struct, rename="camel"):
    time_unix_nano: str
    name: str
    attributes: list[dict[str, object]]


class _Span(Struct, rename="camel", omit_defaults=True):
    trace_id: str
    span_id: str
    parent_span_id: str
    flags: int
    name: str
    kind: int
    start_time_unix_nano: str
    end_time_unix_nano: str
    attributes: Raw
    status: Raw
    events: list[_Event] = []


class _ScopeSpans(Struct, rename="camel"):
    scope: dict[str, str]
    spans: list[_Span]


class _ResourceSpans(Struct, rename="camel"):
    resource: Raw
    scope_spans: list[_ScopeSpans]


class _Traces(Struct, rename="camel"):
    resource_spans: list[_ResourceSpans]


class _Point(Struct, rename="camel"):
    attributes: Raw
    start_time_unix_nano: str
    time_unix_nano: str
    count: str
    sum: float
    bucket_counts: list[str]
    explicit_bounds: tuple[float, ...] = BOUNDS


class _Histogram(Struct, rename="camel"):
    data_points: list[_Point]
    aggregation_temporality: int = 2  # cumulative


class _Metric(Struct, rename="camel"):
    name: str
    unit: str
    histogram: _Histogram


class _ScopeMetrics(Struct, rename="camel"):
    scope: dict[str, str]
    metrics: list[_Metric]


class _ResourceMetrics(Struct, rename="camel"):
    resource: Raw
    scope_metrics: list[_ScopeMetrics]


class _Metrics(Struct, rename="camel"):
    resource_metrics: list[_ResourceMetrics]


_encode = msgspec.json.Encoder().encode

_SCOPE = {"name": "coterie", "version": __version__}
_DURATIONS: Mapping[Kind, str] = {
    "server": "rpc.server.call.duration",
    "client": "rpc.client.call.duration",
}
_KINDS: Mapping[Kind, int] = {"server": 2, "client": 3}

# A refusal that the caller could have avoided is no error of the server's, though one of the
# caller's (semantic conventions, *gRPC*, status of server spans).
_SERVER_ERRORS = frozenset(
    {
        Code.UNKNOWN,
        Code.DEADLINE_EXCEEDED,
        Code.UNIMPLEMENTED,
        Code.INTERNAL,
        Code.UNAVAILABLE,
        Code.DATA_LOSS,
    }
)


def _span(span: Span) -> _Span:
    trace = span.trace
    return _Span(
        trace.trace_id,
        trace.span_id,
        trace.parent or "",
        1 if trace.sampled else 0,
        _method(span.operation),
        _KINDS[span.kind],
        _nanoseconds(span.ended - span.seconds),
        _nanoseconds(span.ended),
        _call_attributes(span.operation, span.code),
        _status(span.kind, span.code),
        [_event(note) for note in span.notes],
    )


def _event(note: Note) -> _Event:
    """What a policy did, as an event of its span."""
    told = {"coterie.policy": note.policy, "coterie.policy.outcome": note.what}
    if note.detail:
        told["coterie.policy.detail"] = note.detail
    return _Event(_nanoseconds(note.at), f"{note.policy} {note.what}", _key_values(told))


def _point(series: Series, since: float, now: float) -> _Point:
    return _Point(
        _call_attributes(series.operation, series.code, series.version),
        _nanoseconds(since),
        _nanoseconds(now),
        str(series.count),
        series.seconds,
        [str(number) for number in series.buckets],
    )


def _nanoseconds(seconds: float) -> str:
    # A float of today's seconds is good for a quarter of a microsecond.
    return str(int(seconds * 1e6)) + "000"


@lru_cache(maxsize=4096)
def _method(operation: str) -> str:
    """The method's full name, as remote procedure calls write it: ``orders/place``."""
    contract, _, name = operation.rpartition(".")
    return f"{contract}/{name}"


@lru_cache(maxsize=4096)
def _call_attributes(operation: str, code: Code | None, version: str = "") -> Raw:
    attributes = {
        "rpc.system.name": "coterie",
        "rpc.method": _method(operation),
        "rpc.response.status_code": "ok" if code is None else code.value,
    }
    if version:
        # Points that are counted apart must be told apart.
        attributes["coterie.contract.version"] = version
    if code is not None:
        attributes["error.type"] = code.value
    return Raw(_encode(_key_values(attributes)))


@lru_cache(maxsize=64)
def _status(kind: Kind, code: Code | None) -> Raw:
    if code is None or (kind == "server" and code not in _SERVER_ERRORS):
        return Raw(b"{}")
    return Raw(_encode({"code": 2, "message": code.value}))


@lru_cache(maxsize=256)
def _resource(resource: Resource, service: str) -> Raw:
    attributes = {
        "service.name": service,
        "service.namespace": resource.namespace,
        "service.instance.id": resource.instance,
        "service.version": resource.version,
        "telemetry.sdk.name": "coterie",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": __version__,
    }
    told = {name: value for name, value in attributes.items() if value}
    return Raw(_encode({"attributes": _key_values(told)}))


def _key_values(attributes: Mapping[str, str]) -> list[dict[str, object]]:
    return [{"key": name, "value": {"stringValue": v}} for name, v in attributes.items()]
