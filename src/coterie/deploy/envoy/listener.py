"""The listener: what comes in from outside, within which limits."""

from typing import Any

from .cors import cors
from .document import Json, address, seconds, typed
from .edge import Edge, Tls
from .replies import replies

__all__ = ["BODY_LIMIT", "HTTP", "WHOLE_BODY", "access_log", "gateway", "router"]

BODY_LIMIT = "body-limit"
"""The filter that refuses long bodies; routes of streams switch it off."""

WHOLE_BODY = "whole-body"
"""The filter that passes a body on once it is whole; routes of streams switch it off."""

HTTP = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
"""The filter that makes requests of octets."""

# An answer up to here is taken from its instance at once, however slowly it is read outside; of a
# longer one no more than this waits here for its reader.
_ANSWER = 1 << 20

# Octets of a request's head, as our own servers take them.
_HEAD_KIB = 64
_HEADERS = 100

_LOG = {
    "time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "path": "%PATH(NQ)%",
    "status": "%RESPONSE_CODE%",
    "ms": "%DURATION%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
    "service": "%UPSTREAM_CLUSTER%",
    "route": "%ROUTE_NAME%",
    "instance": "%UPSTREAM_HOST%",
    "tries": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "why": "%RESPONSE_CODE_DETAILS%",
    "flags": "%RESPONSE_FLAGS%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "protocol": "%PROTOCOL%",
    "traceparent": "%REQ(TRACEPARENT)%",
}


def gateway(edge: Edge, longest: float) -> Json:
    """The listener: one address, HTTP/1.1 and HTTP/2, with TLS if the edge has a certificate.

    ``longest`` is the seconds that the slowest call may take.
    """
    chain: Json = {"filters": [{"name": "http", "typed_config": _http(edge, longest)}]}
    if edge.tls is not None:
        chain["transport_socket"] = _tls(edge.tls)
    return {
        **typed("envoy.config.listener.v3.Listener"),
        "name": "gateway",
        "address": address(edge.host, edge.port),
        # What comes from outside ends before what that still asks for inside.
        "traffic_direction": "INBOUND",
        "filter_chains": [chain],
        "per_connection_buffer_limit_bytes": _ANSWER,
        # What the kernel keeps for a reader who takes nothing, it keeps no longer (RFC 5482),
        # after we have closed the connection too: TCP_USER_TIMEOUT, in milliseconds.
        "socket_options": [{"level": 6, "name": 18, "int_value": round(edge.idle_timeout * 1000)}],
        # A port that something else listens on is taken, and not to be shared.
        "enable_reuse_port": False,
    }


def _http(edge: Edge, longest: float) -> Json:
    routing = {"path_config_source": {"path": f"{edge.folder}/rds.json"}}
    first = [cors(edge.cors)] if edge.cors else []
    http = "envoy.extensions.filters.http"
    most = int(edge.body_limit)
    bodies = [
        _filter(BODY_LIMIT, f"{http}.body_size_limit.v3.BodySizeLimit", max_request_bytes=most),
        _filter(WHOLE_BODY, f"{http}.buffer.v3.Buffer", max_request_bytes=most),
    ]
    last = router()
    return {
        **typed(HTTP),
        "stat_prefix": "gateway",
        "codec_type": "AUTO",
        "rds": {
            "route_config_name": "routes",
            "config_source": routing | {"resource_api_version": "V3"},
        },
        "http_filters": [*first, *bodies, last],
        # What goes both ways has no end to wait for, and is no body.
        "upgrade_configs": [{"upgrade_type": "websocket", "filters": [*first, last]}],
        "local_reply_config": replies(edge.body_limit),
        "access_log": [access_log(edge.log)],
        # Nobody outside says who they are, where they come from, or what we shall do about it.
        "use_remote_address": True,
        "internal_address_config": {"unix_sockets": False},
        "forward_client_cert_details": "SANITIZE",
        "server_header_transformation": "PASS_THROUGH",
        "generate_request_id": False,
        "normalize_path": True,
        "merge_slashes": False,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "max_request_headers_kb": _HEAD_KIB,
        "common_http_protocol_options": {
            "idle_timeout": seconds(edge.idle_timeout),
            "max_headers_count": _HEADERS,
            # From the first octet of the request to the last of the answer. A limit of a route
            # would put its own timeout out of force; those of streams lift this one.
            "max_stream_duration": seconds(longest + edge.body_timeout),
            "headers_with_underscores_action": "DROP_HEADER",
        },
        "http_protocol_options": {
            "accept_http_10": True,
            "default_host_for_http_10": "gateway",
        },
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 65536,
            "initial_connection_window_size": 1 << 20,
        },
        "request_headers_timeout": seconds(edge.head_timeout),
        "stream_idle_timeout": seconds(edge.stream_idle_timeout),
        "delayed_close_timeout": "1s",
        "drain_timeout": "1s",
    }


def _filter(name: str, kind: str, **fields: Any) -> Json:
    return {"name": name, "typed_config": typed(kind, **fields)}


def _tls(tls: Tls) -> Json:
    files = {
        "certificate_chain": {"filename": tls.certificate},
        "private_key": {"filename": tls.key},
    }
    return {
        "name": "tls",
        "typed_config": typed(
            "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            common_tls_context={
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
                "tls_certificates": [files],
                "alpn_protocols": ["h2", "http/1.1"],
            },
        ),
    }


def router() -> Json:
    """The last filter."""
    kind = "envoy.extensions.filters.http.router.v3.Router"
    return _filter("router", kind, suppress_envoy_headers=True)


def access_log(path: str) -> Json:
    """A line of JSON for each request."""
    return {
        "name": "access",
        "typed_config": typed(
            "envoy.extensions.access_loggers.file.v3.FileAccessLog",
            path=path,
            log_format={"json_format": _LOG},
        ),
    }
