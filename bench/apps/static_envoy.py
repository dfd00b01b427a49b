"""Becomes Envoy with a file written by hand: one listener, one route, one cluster, and no more.

`python -m bench.apps.static_envoy PORT SERVICE_PORT FOLDER [--log]`: the program and the number of
threads are those of our own gateway; `--log` writes Envoy's own access log to a file in FOLDER.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from coterie.engine.find import find

_TYPES = "type.googleapis.com/envoy.extensions"


def configuration(port: int, service: int, log: Path | None) -> dict[str, Any]:
    """The whole of it."""
    manager = {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "static",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "orders"}}],
                }
            ]
        },
        "http_filters": [
            {
                "name": "router",
                "typed_config": {"@type": f"{_TYPES}.filters.http.router.v3.Router"},
            }
        ],
    }
    if log is not None:
        file = {"@type": f"{_TYPES}.access_loggers.file.v3.FileAccessLog", "path": str(log)}
        manager["access_log"] = [{"name": "file", "typed_config": file}]
    return {
        "static_resources": {
            "listeners": [
                {
                    "name": "static",
                    "address": _address(port),
                    "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
                }
            ],
            "clusters": [
                {
                    "name": "orders",
                    "type": "STATIC",
                    "load_assignment": {
                        "cluster_name": "orders",
                        "endpoints": [
                            {"lb_endpoints": [{"endpoint": {"address": _address(service)}}]}
                        ],
                    },
                }
            ],
        }
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def main(port: int, service: int, folder: Path, *, log: bool) -> None:
    """Write the file and become Envoy."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "static.json"
    access = folder / "access.log" if log else None
    file.write_text(json.dumps(configuration(port, service, access)))
    program = str(find("envoy").path)
    threads = ("--concurrency", "1", "--disable-hot-restart", "--log-level", "warning")
    os.execv(program, [program, "-c", str(file), *threads])  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), log="--log" in sys.argv)
