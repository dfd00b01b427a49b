"""Services as Envoy's clusters: how instances are found, tried, checked and spared."""

from collections.abc import Mapping, Sequence

from coterie.client import IDLE
from coterie.members.gateway import CONSOLE
from coterie.system import ServiceEntry

from .document import Json, address, resources, seconds, typed
from .edge import Edge, Endpoint
from .endpoints import assignment

__all__ = ["clusters"]

_READY = "/health/ready"
# Of a program knows the process that stands for it, whatever the program says there itself.
_PROGRAM_READY = "/.coterie/ready"

_AT_ONCE = 16
"""Requests that may be tried again at the same time, however few there are: as many as an instance
that is killed has under way, and no more, since Envoy counts them at a time and not by the second."""


def clusters(
    services: Sequence[ServiceEntry], edge: Edge, known: Mapping[str, Sequence[Endpoint]]
) -> bytes:
    """``cds.json``. The instances of a service come from its endpoint file, unless ``known``."""
    made = []
    for service in services:
        name = service.name
        found = _known(name, known[name]) if name in known else _found(name, edge)
        ready = _PROGRAM_READY if service.program else _READY
        made.append(_service(found, service.slow_start, ready))
    if edge.console is not None:
        made.append(_service(_known(CONSOLE, [edge.console]), 0.0, _READY))
    return resources(made)


def _found(service: str, edge: Edge) -> Json:
    source = {
        "path_config_source": {"path": f"{edge.folder}/eds/{service}.json"},
        "resource_api_version": "V3",
    }
    return {"name": service, "type": "EDS", "eds_cluster_config": {"eds_config": source}}


def _known(service: str, endpoints: Sequence[Endpoint]) -> Json:
    lb_endpoints: list[Json] = [
        {"endpoint": {"address": address(one.host, one.port)}} for one in endpoints
    ]
    return {
        "name": service,
        "type": "STRICT_DNS",
        "load_assignment": assignment(service, lb_endpoints),
    }


def _service(found: Json, slow_start: float, ready: str) -> Json:
    window = {"slow_start_config": {"slow_start_window": seconds(slow_start)}}
    return {
        **typed("envoy.config.cluster.v3.Cluster"),
        **found,
        "lb_policy": "LEAST_REQUEST",
        **({"least_request_lb_config": window} if slow_start else {}),
        "connect_timeout": "2s",
        "per_connection_buffer_limit_bytes": 65536,
        # Whoever left is gone at once, whatever its last health check said.
        "ignore_health_on_host_removal": True,
        "common_lb_config": {
            # Below one in a hundred fit, all are tried: so the last one always is.
            "healthy_panic_threshold": {"value": 1},
            "close_connections_on_host_set_change": False,
            # By default what a health check finds waits for up to a second, to be told at once
            # with whatever comes after it: so a new instance would wait for its first request.
            "update_merge_window": "0s",
        },
        "health_checks": [
            {
                "timeout": "1s",
                "interval": "1s",
                "no_traffic_interval": "1s",
                "unhealthy_interval": "0.25s",
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "http_health_check": {"path": ready},
            }
        ],
        "outlier_detection": {
            "split_external_local_origin_errors": True,
            "consecutive_local_origin_failure": 3,
            "consecutive_gateway_failure": 10,
            "enforcing_consecutive_gateway_failure": 100,
            "enforcing_consecutive_5xx": 0,
            "enforcing_success_rate": 0,
            "enforcing_local_origin_success_rate": 0,
            "interval": "1s",
            "base_ejection_time": "1s",
            "max_ejection_time": "30s",
            "max_ejection_percent": 50,
        },
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": 2048,
                    "max_pending_requests": 2048,
                    "max_requests": 4096,
                    "retry_budget": {
                        "budget_percent": {"value": 10},
                        # One instance that dies breaks off all it had under way, at once.
                        "min_retry_concurrency": _AT_ONCE,
                    },
                }
            ]
        },
        "upstream_connection_options": {"tcp_keepalive": {}},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                **typed("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
                "common_http_protocol_options": {"idle_timeout": seconds(IDLE)},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
    }
