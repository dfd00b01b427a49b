"""coterie deploy: a system as files for the programs that run it."""

import enum
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from coterie.deploy.envoy import Edge, Endpoint, Tls, files, swap
from coterie.system import GatewaySpec, Inventory, System, inventory_of, load, resolve

from .likeness import near
from .mistakes import Mistake
from .options import Json, Profile, SystemArgument
from .output import say, show_json

__all__ = ["verb"]

_PORT = 8000


class Target(enum.StrEnum):
    """What a system can be deployed to."""

    ENVOY = "envoy"


def verb(
    target: Annotated[  # noqa: ARG001  # one so far
        Target, typer.Argument(metavar="TARGET", help="envoy: the gateway's configuration.")
    ],
    system: SystemArgument = Path(),
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Write the files there, not to the screen."),
    ] = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(
            "--endpoint",
            metavar="SERVICE=HOST:PORT",
            help="Where a service answers; its name and port 8000 unless told. Repeat it.",
        ),
    ] = None,
    console: Annotated[
        str | None,
        typer.Option("--console", metavar="HOST:PORT", help="What answers for /docs and keys."),
    ] = None,
    folder: Annotated[
        str, typer.Option("--folder", metavar="PATH", help="Where Envoy will find the files.")
    ] = "/etc/envoy",
    profile: Profile = None,
    json: Json = False,
) -> None:
    """Write the files that others run a system with.

    \b
    Examples:
      coterie deploy envoy examples/shop --out envoy
      coterie deploy envoy examples/shop --endpoint orders=10.0.0.7:8000
      coterie deploy envoy examples/shop --json
    """
    loaded = load(system, profile=profile)
    inventory = inventory_of(loaded, tuple(resolve(loaded)))
    edge = _edge(loaded, folder, None if console is None else _address(console, "--console"))
    made = files(inventory, edge, _endpoints(inventory, endpoint or ()))
    if out is not None:
        changed = swap(out, made)
        if json:
            show_json({"folder": out, "files": list(made), "changed": changed})
        for name in () if json else made:
            say(f"{out / name}" + ("" if name in changed else "  (as it was)"))
    elif json:
        show_json({name: msgspec.json.decode(content) for name, content in made.items()})
    else:
        for name, content in made.items():
            say(f"# file: {name}\n{content.decode()}")


def _edge(system: System, folder: str, console: Endpoint | None) -> Edge:
    gateway = system.gateway
    return Edge(
        folder=folder.rstrip("/"),
        # What listens on this machine alone listens to nobody in a container.
        host="0.0.0.0" if gateway.host == GatewaySpec().host else gateway.host,  # noqa: S104
        port=gateway.port,
        tls=_tls(gateway),
        cors=gateway.cors,
        timeout=system.policy.timeout,
        body_limit=system.policy.body_limit,
        docs=gateway.docs,
        console=console,
    )


def _tls(gateway: GatewaySpec) -> Tls | None:
    if gateway.tls is None:
        return None
    if isinstance(gateway.tls, str):
        raise Mistake(
            '[gateway] tls = "self-signed" is for a system on one machine.'
            ' Write tls = { certificate = "...", key = "..." }, in a profile perhaps'
        )
    return Tls(gateway.tls.certificate, gateway.tls.key)


def _endpoints(inventory: Inventory, told: Iterable[str]) -> dict[str, list[Endpoint]]:
    services = [service.name for service in inventory.services if service.public]
    found: dict[str, list[Endpoint]] = {}
    for one in told:
        name, separator, address = one.partition("=")
        if not separator:
            raise Mistake(f"--endpoint {one!r} names no service; write orders=10.0.0.7:8000")
        if name not in services:
            raise Mistake(f"no public service is called {name!r}. {near(name, services)}")
        found.setdefault(name, []).append(_address(address, "--endpoint"))
    return {name: found.get(name) or [Endpoint(name, _PORT)] for name in services}


def _address(text: str, option: str) -> Endpoint:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise Mistake(f"{option}: {text!r} is no address; write host:port, such as 10.0.0.7:8000")
    return Endpoint(host.removeprefix("[").removesuffix("]"), int(port))
