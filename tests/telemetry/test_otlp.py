"""What is sent is OTLP, by the protocol's own definitions and the semantic conventions."""

import json
import re

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from coterie.call import Trace
from coterie.contract import Code
from coterie.telemetry import BOUNDS, Kind, Meter, Resource, Span, metrics_body, traces_body
from tests.server.kit import a_call
from tests.telemetry.otlp_receiver import metrics_of, spans_of, texts, traces_of

RESOURCE = Resource(namespace="shop", instance="orders-1", version="1.4.0")


def a_span(code: Code | None = None, kind: Kind = "server", service: str = "orders") -> Span:
    trace = Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", parent="b7ad6b7169203331")
    return Span("orders.place", trace, 1_700_000_000.25, 0.125, code, kind, service)


def test_a_span_is_what_it_was() -> None:
    """Identifiers, parent, kind, times and name; rpc attributes by the semantic conventions."""
    ((_, span),) = spans_of(traces_of(traces_body(RESOURCE, [a_span(kind="client")])))
    assert span.trace_id.hex() == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert (span.span_id.hex(), span.parent_span_id.hex()) == (
        "00f067aa0ba902b7",
        "b7ad6b7169203331",
    )
    assert (span.kind, span.flags) == (OtlpSpan.SPAN_KIND_CLIENT, 1)
    assert span.end_time_unix_nano == 1_700_000_000_250_000_000
    assert span.end_time_unix_nano - span.start_time_unix_nano == 125_000_000
    assert span.name == "orders/place"
    assert texts(span.attributes) == {
        "rpc.system.name": "coterie",
        "rpc.method": "orders/place",
        "rpc.response.status_code": "ok",
    }
    assert span.status.code == Status.STATUS_CODE_UNSET


def test_a_root_has_no_parent() -> None:
    """Empty, as the protocol says."""
    span = Span("orders.place", Trace.root(), 1.0, 0.1)
    ((_, told),) = spans_of(traces_of(traces_body(RESOURCE, [span])))
    assert told.parent_span_id == b""
    assert told.kind == OtlpSpan.SPAN_KIND_SERVER


@pytest.mark.parametrize(
    ("kind", "code", "error"),
    [
        ("server", Code.NOT_FOUND, False),
        ("server", Code.INTERNAL, True),
        ("server", Code.DEADLINE_EXCEEDED, True),
        ("client", Code.NOT_FOUND, True),
        ("client", Code.UNAVAILABLE, True),
    ],
)
def test_what_went_wrong_is_an_error_of_whoever_could_have_done_better(
    kind: Kind, code: Code, error: bool
) -> None:
    """A caller's mistake leaves the server's span unset; its code is an attribute either way."""
    ((_, span),) = spans_of(traces_of(traces_body(RESOURCE, [a_span(code, kind)])))
    assert (span.status.code == Status.STATUS_CODE_ERROR) is error
    attributes = texts(span.attributes)
    assert attributes["error.type"] == attributes["rpc.response.status_code"] == code.value


def test_a_process_says_who_it_is() -> None:
    """By service: a process that hosts two is two resources of one instance and namespace."""
    body = traces_body(RESOURCE, [a_span(), a_span(service="stock"), a_span()])
    found = [(r["service.name"], r) for r, _ in spans_of(traces_of(body))]
    assert [name for name, _ in found] == ["orders", "orders", "stock"]
    for _, resource in found:
        assert resource["service.namespace"] == "shop"
        assert resource["service.instance.id"] == "orders-1"
        assert resource["service.version"] == "1.4.0"


def test_what_is_unknown_is_not_claimed() -> None:
    """No attribute is empty."""
    ((resource, _),) = spans_of(traces_of(traces_body(Resource(), [a_span()])))
    assert "service.namespace" not in resource
    assert all(resource.values())


def test_identifiers_are_hexadecimal_and_enumerations_numbers() -> None:
    """OTLP's JSON differs from protobuf's there (OTLP 1.9, *JSON Protobuf Encoding*)."""
    body = json.loads(traces_body(RESOURCE, [a_span(Code.INTERNAL)]))
    span = body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert re.fullmatch("[0-9a-f]{32}", span["traceId"])
    assert (span["kind"], span["status"]["code"]) == (2, 2)
    assert isinstance(span["endTimeUnixNano"], str)


def test_what_was_counted_is_a_histogram_in_seconds() -> None:
    """Cumulative from when counting began, apart by method, code and version of the contract."""
    meter = Meter("orders")
    for seconds in (0.0004, 0.3, 60.0):
        meter.note(a_call("text"), None, seconds)
    meter.note(a_call("text"), Code.INTERNAL, 0.1)
    meter.note_made(a_call("note"), None, 0.1)
    message = metrics_of(metrics_body(RESOURCE, [meter], meter.since + 10))
    (resource,) = message.resource_metrics
    assert texts(resource.resource.attributes)["service.name"] == "orders"
    served, made = resource.scope_metrics[0].metrics
    assert (served.name, served.unit) == ("rpc.server.call.duration", "s")
    assert (made.name, made.unit) == ("rpc.client.call.duration", "s")
    cumulative = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    assert served.histogram.aggregation_temporality == cumulative
    well, badly = served.histogram.data_points
    assert texts(well.attributes) == {
        "rpc.system.name": "coterie",
        "rpc.method": "lab/text",
        "rpc.response.status_code": "ok",
        "coterie.contract.version": "1",
    }
    assert texts(badly.attributes)["error.type"] == "internal"
    assert tuple(well.explicit_bounds) == BOUNDS
    assert well.count == 3
    assert well.sum == pytest.approx(60.3004)
    assert len(well.bucket_counts) == len(BOUNDS) + 1
    assert (well.bucket_counts[0], well.bucket_counts[9], well.bucket_counts[-1]) == (1, 1, 1)
    assert sum(well.bucket_counts) == 3
    assert well.time_unix_nano - well.start_time_unix_nano == pytest.approx(1e10, abs=1e4)


def test_where_nothing_was_counted_nothing_is_told() -> None:
    """A histogram without points would be noise."""
    assert list(metrics_of(metrics_body(RESOURCE, [Meter("orders")], 1.0)).resource_metrics) == []
