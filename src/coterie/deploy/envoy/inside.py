"""Inside addresses: a listener of the loopback for one service, which passes everything on to it."""

from .document import Json, address, seconds, typed
from .edge import Edge
from .listener import HTTP, access_log, router
from .passages import unhurried
from .replies import replies
from .reply import metadata

__all__ = ["inside"]

_LOOPBACK = "127.0.0.1"


def inside(service: str, port: int, begins: float, edge: Edge) -> Json:
    """The listener at ``port``: any host, method and path, as they come, bodies while they come.

    Answers have ``begins`` seconds to begin.
    """
    manager = _http(service, begins, edge)
    return {
        **typed("envoy.config.listener.v3.Listener"),
        "name": f"inside-{service}",
        "address": address(_LOOPBACK, port),
        "traffic_direction": "OUTBOUND",
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
        "enable_reuse_port": False,
        # However many come from outside, programs reach each other.
        "ignore_global_conn_limit": True,
    }


def _http(service: str, begins: float, edge: Edge) -> Json:
    route = {
        "name": "inside",
        "match": {"prefix": "/"},
        "metadata": metadata(service=service),
        "route": unhurried(service, begins, edge),
    }
    host = {"name": service, "domains": ["*"], "routes": [route]}
    return {
        **typed(HTTP),
        "stat_prefix": "inside",
        "codec_type": "AUTO",
        "route_config": {
            "name": f"inside-{service}",
            "virtual_hosts": [host],
            "request_headers_to_remove": ["x-envoy-external-address", "x-envoy-internal"],
        },
        "http_filters": [router()],
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "local_reply_config": replies(edge.body_limit),
        "access_log": [access_log(edge.log)],
        # Who asks is a program of this system, on this machine: nobody is there to be told apart.
        # What it says of whom it asks for (X-Forwarded-For, -Host) stays; with `true` Envoy would
        # put itself in the place of that.
        "use_remote_address": False,
        "server_header_transformation": "PASS_THROUGH",
        "generate_request_id": False,
        "normalize_path": False,
        "merge_slashes": False,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "common_http_protocol_options": {"idle_timeout": seconds(edge.stream_idle_timeout)},
        "http_protocol_options": {"accept_http_10": True, "default_host_for_http_10": service},
        "stream_idle_timeout": seconds(edge.stream_idle_timeout),
        "delayed_close_timeout": "1s",
        "drain_timeout": "1s",
    }
