"""Destination: where telemetry is sent, and how it is read from OpenTelemetry's variables."""

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from msgspec import Struct

__all__ = ["Destination", "destination"]

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_SIGNALS = {"traces": "OTEL_EXPORTER_OTLP_TRACES", "metrics": "OTEL_EXPORTER_OTLP_METRICS"}
_JSON = ("", "http/json")


class Destination(Struct, frozen=True):
    """A receiver of OTLP over HTTP, such as an OpenTelemetry Collector.

    ``traces`` and ``metrics`` are whole URLs, ``None`` for what is not to be sent; ``headers``
    go with every request (a key of the receiver's, mostly); ``gzip`` compresses; ``timeout`` is
    what one request may take, in seconds.
    """

    traces: str | None
    metrics: str | None
    headers: tuple[tuple[str, str], ...] = ()
    gzip: bool = False
    timeout: float = 10.0

    @staticmethod
    def at(endpoint: str, headers: Mapping[str, str] | None = None) -> "Destination":
        """Both signals at the usual paths below ``endpoint``, such as ``http://127.0.0.1:4318``."""
        url = endpoint.rstrip("/")
        pairs = tuple((headers or {}).items())
        return Destination(f"{url}/v1/traces", f"{url}/v1/metrics", pairs)

    def __repr__(self) -> str:
        # The headers hold a secret; a destination may end up in a log.
        return f"Destination(traces={self.traces!r}, metrics={self.metrics!r})"

    def __rich_repr__(self) -> list[tuple[str, str | None]]:
        return [("traces", self.traces), ("metrics", self.metrics)]


def destination(environment: Mapping[str, str]) -> Destination | None:
    """Where ``environment`` says telemetry goes; ``None`` where it names no endpoint.

    Reads ``OTEL_SDK_DISABLED`` and, of ``OTEL_EXPORTER_OTLP_``, ``ENDPOINT``, ``HEADERS``,
    ``TIMEOUT`` (milliseconds), ``COMPRESSION`` and ``PROTOCOL``; an ``ENDPOINT`` of
    ``TRACES`` or ``METRICS`` alone is taken as it is, and ``none`` in ``OTEL_TRACES_EXPORTER`` or
    ``OTEL_METRICS_EXPORTER`` leaves that signal out. An empty variable counts as absent.

    Raises `ValueError`, naming the variable and the remedy.
    Source: OpenTelemetry specification, *Protocol Exporter* and *Environment Variables*.
    """

    def said(name: str) -> str:
        return environment.get(name, "").strip()

    if said("OTEL_SDK_DISABLED").lower() == "true":
        return None
    base = said(_ENDPOINT)
    urls: dict[str, str | None] = {}
    for signal, prefix in _SIGNALS.items():
        own = said(f"{prefix}_ENDPOINT")
        off = said(f"OTEL_{signal.upper()}_EXPORTER").lower() == "none"
        if off or not (own or base):
            urls[signal] = None
        elif own:
            urls[signal] = _url(f"{prefix}_ENDPOINT", own)
        else:
            urls[signal] = f"{_url(_ENDPOINT, base).rstrip('/')}/v1/{signal}"
    if not any(urls.values()):
        return None
    _check_protocol(said("OTEL_EXPORTER_OTLP_PROTOCOL"))
    return Destination(
        urls["traces"],
        urls["metrics"],
        _headers(said("OTEL_EXPORTER_OTLP_HEADERS")),
        _gzip(said("OTEL_EXPORTER_OTLP_COMPRESSION")),
        _timeout(said("OTEL_EXPORTER_OTLP_TIMEOUT")),
    )


def _url(name: str, text: str) -> str:
    if "@" in text.partition("//")[2].partition("/")[0]:
        # What stands before it is a secret: it is not repeated.
        raise ValueError(
            f"{name} has a password in it: put the receiver's key into OTEL_EXPORTER_OTLP_HEADERS"
        )
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        fits = parts.scheme in ("http", "https") and host and host.isascii() and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name}={text!r} is no URL; write it like http://127.0.0.1:4318")
    return text


def _check_protocol(text: str) -> None:
    if text not in _JSON:
        raise ValueError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL={text!r}: Coterie speaks http/json, which every OTLP"
            " receiver takes at its HTTP port (4318); say so, or unset it"
        )


def _headers(text: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = item.partition("=")
        if not (equals and name.strip()):
            # What stands there may be a secret: it is not repeated.
            raise ValueError(
                "OTEL_EXPORTER_OTLP_HEADERS is a list like name=value,other=value, with values"
                " percent-encoded where they hold commas"
            )
        found.append((name.strip().lower(), unquote(value.strip())))
    return tuple(found)


def _gzip(text: str) -> bool:
    if text not in ("", "none", "gzip"):
        raise ValueError(f"OTEL_EXPORTER_OTLP_COMPRESSION={text!r}: it is gzip or none")
    return text == "gzip"


def _timeout(text: str) -> float:
    if not text:
        return 10.0
    if not text.isdecimal() or int(text) == 0:
        raise ValueError(
            f"OTEL_EXPORTER_OTLP_TIMEOUT={text!r}: it is a number of milliseconds, such as 10000"
        )
    return int(text) / 1000
