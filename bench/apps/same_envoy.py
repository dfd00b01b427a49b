"""Becomes an Envoy with the very files of a system's gateway, before a server of somebody else's.

`python -m bench.apps.same_envoy SYSTEM CONSOLE PORT SERVICE_PORT FOLDER`: what `coterie up` writes for
SYSTEM, a folder of one service, with its console at the port CONSOLE; but this one listens at
PORT, its service is at SERVICE_PORT, and its files and its access log are in FOLDER.
"""

import os
import sys
from pathlib import Path

from coterie.deploy.envoy import Edge, Endpoint, endpoints, files, swap
from coterie.engine.find import find
from coterie.registry import Instance
from coterie.system import inventory_of, load, resolve


def main(system: Path, console: int, port: int, service: int, folder: Path) -> None:
    """Write the files and become Envoy."""
    loaded = load(system)
    inventory = inventory_of(loaded, tuple(resolve(loaded)))
    (one,) = inventory.services
    edge = Edge(
        folder=str(folder),
        host=loaded.gateway.host,
        port=port,
        timeout=loaded.policy.timeout,
        body_limit=loaded.policy.body_limit,
        docs=loaded.gateway.docs,
        console=Endpoint("127.0.0.1", console),
        admin=str(folder / "envoy.sock"),
        log=str(folder / "access.log"),
    )
    there = Instance(service=one.name, id=f"{one.name}-1", url=f"http://127.0.0.1:{service}")
    made = files(inventory, edge)
    made[f"eds/{one.name}.json"] = endpoints(one.name, [there])
    # What stands round our instances answers for their health; here the program itself does.
    made["cds.json"] = made["cds.json"].replace(b"/.coterie/ready", b"/health")
    swap(folder, made)
    program = str(find("envoy").path)
    # As the engine starts it.
    levels = ("--log-level", "warning", "--component-log-level", "http:critical")
    start = ("-c", str(folder / "bootstrap.json"), "--concurrency", "1", "--disable-hot-restart")
    os.execv(program, [program, *start, *levels])  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    _, given, *ports, folder = sys.argv
    console, port, service = map(int, ports)
    main(Path(given), console, port, service, Path(folder))
