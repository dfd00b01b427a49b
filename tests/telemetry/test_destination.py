"""Where telemetry goes, as OpenTelemetry's variables say it."""

import pytest

from coterie.telemetry import Destination, destination

BASE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


def test_an_endpoint_is_a_base_for_both_signals() -> None:
    """With or without a slash, a path of its own kept."""
    for url in ("http://collector:4318", "http://collector:4318/"):
        assert destination({"OTEL_EXPORTER_OTLP_ENDPOINT": url}) == Destination(
            "http://collector:4318/v1/traces", "http://collector:4318/v1/metrics"
        )
    found = destination({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://host/otlp"})
    assert found is not None
    assert found.traces == "https://host/otlp/v1/traces"
    assert found == Destination.at("https://host/otlp")


def test_an_endpoint_of_one_signal_is_taken_as_it_is() -> None:
    """And alone, where there is no base."""
    own = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://tempo/in?x=1"}
    assert destination(own) == Destination("http://tempo/in?x=1", None)
    assert destination(BASE | own) == Destination(
        "http://tempo/in?x=1", "http://collector:4318/v1/metrics"
    )


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": " "},
        BASE | {"OTEL_SDK_DISABLED": "true"},
        BASE | {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"},
    ],
)
def test_without_an_endpoint_nothing_is_sent(environment: dict[str, str]) -> None:
    """Nor where it is switched off; an empty variable is none."""
    assert destination(environment) is None


def test_one_signal_may_be_switched_off() -> None:
    """The other goes on."""
    found = destination(BASE | {"OTEL_METRICS_EXPORTER": "none"})
    assert found == Destination("http://collector:4318/v1/traces", None)


def test_headers_compression_and_timeout_are_read() -> None:
    """Headers as baggage writes them, the timeout in milliseconds."""
    found = destination(
        BASE
        | {
            "OTEL_EXPORTER_OTLP_HEADERS": "Api-Key=s%2Cecret, x-scope = shop,",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2500",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        }
    )
    assert found is not None
    assert found.headers == (("api-key", "s,ecret"), ("x-scope", "shop"))
    assert (found.gzip, found.timeout) == (True, 2.5)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "http://127.0.0.1:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[half", "is no URL"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:hunter2@collector:4318", "_HEADERS"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://sammlér:4318", "is no URL"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "ftp://collector", "METRICS_ENDPOINT"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/json"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2", "name=value"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "gzip or none"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon", "milliseconds"),
    ],
)
def test_what_is_wrong_is_named_with_the_remedy(name: str, value: str, told: str) -> None:
    """The variable, and how it is written; a secret is not repeated."""
    with pytest.raises(ValueError, match=name) as caught:
        destination(BASE | {name: value})
    assert told in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_headers_are_not_shown() -> None:
    """They hold the receiver's key."""
    assert "hunter2" not in repr(Destination.at("http://collector", {"api-key": "hunter2"}))
