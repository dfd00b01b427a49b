"""The file that Envoy starts with: where the others are, and what the process may take."""

from .document import Json, encode, typed
from .edge import Edge

__all__ = ["bootstrap"]


def bootstrap(edge: Edge) -> bytes:
    """``bootstrap.json``."""
    return encode(
        {
            "node": {"id": "gateway", "cluster": "gateway"},
            # Whoever may write to this socket may stop the gateway: the owner alone.
            "admin": {"address": {"pipe": {"path": edge.admin, "mode": 0o600}}},
            "dynamic_resources": {
                "lds_config": _source(f"{edge.folder}/lds.json"),
                "cds_config": _source(f"{edge.folder}/cds.json"),
            },
            "layered_runtime": {
                # A pattern is as long as the paths of a service.
                "layers": [
                    {"name": "own", "static_layer": {"re2.max_program_size.error_level": 1_000_000}}
                ]
            },
            "overload_manager": _overload(edge),
        }
    )


def _source(path: str) -> Json:
    return {"path_config_source": {"path": path}, "resource_api_version": "V3"}


def _overload(edge: Edge) -> Json:
    heap = "envoy.resource_monitors.fixed_heap"
    downstream = "envoy.resource_monitors.global_downstream_max_connections"
    monitors = "envoy.extensions.resource_monitors"
    return {
        "refresh_interval": "0.25s",
        "resource_monitors": [
            {
                "name": heap,
                "typed_config": typed(
                    f"{monitors}.fixed_heap.v3.FixedHeapConfig", max_heap_size_bytes=edge.memory
                ),
            },
            {
                "name": downstream,
                "typed_config": typed(
                    f"{monitors}.downstream_connections.v3.DownstreamConnectionsConfig",
                    max_active_downstream_connections=edge.connections,
                ),
            },
        ],
        "actions": [
            # Whoever keeps a connection for later, or reads what was answered long ago, goes first.
            {
                "name": "envoy.overload_actions.reduce_timeouts",
                "triggers": [
                    {
                        "name": heap,
                        "scaled": {"scaling_threshold": 0.7, "saturation_threshold": 0.9},
                    }
                ],
                "typed_config": typed(
                    "envoy.config.overload.v3.ScaleTimersOverloadActionConfig",
                    timer_scale_factors=[
                        {"timer": "HTTP_DOWNSTREAM_CONNECTION_IDLE", "min_timeout": "1s"}
                    ],
                ),
            },
            _action("envoy.overload_actions.disable_http_keepalive", heap, 0.9),
            _action("envoy.overload_actions.shrink_heap", heap, 0.9),
            _action("envoy.overload_actions.stop_accepting_requests", heap, 0.95),
        ],
    }


def _action(name: str, monitor: str, threshold: float) -> Json:
    return {"name": name, "triggers": [{"name": monitor, "threshold": {"value": threshold}}]}
