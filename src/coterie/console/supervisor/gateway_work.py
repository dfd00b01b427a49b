"""The gateway's process, where it is one of ours."""

import asyncio
import logging
import resource
import socket
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from coterie.console.certificate import context_of
from coterie.console.signals import Signals
from coterie.deploy import passages_of, patience_of, routes_of
from coterie.members.gateway import Gateway
from coterie.server import Cors, HttpServer, Slowness
from coterie.system import Inventory, System, load
from coterie.system.registries import registry_at

from .channel import Beat, Channel, Drain, Order, Ready, first_line
from .loop import run
from .part_run import LINGER

__all__ = ["run_gateway"]

log = logging.getLogger("coterie.gateway")

_BEAT = 1.0
_BACKLOG = 2048


def run_gateway(channel: socket.socket, listener: socket.socket | None) -> int:
    """Do what the supervisor's order says; the exit code."""
    order = first_line(channel)
    if listener is None:
        raise ValueError("the gateway needs a socket to listen on")
    return run(_life(order, Channel(channel, msgspec.json.Decoder(Drain)), listener))


async def _life(order: Order, channel: "Channel[Drain]", listener: socket.socket) -> int:
    await channel.start()
    _many_files()
    system = load(order.system, profile=order.profile, state=order.state)
    registry = registry_at(order.registry, system.name)
    await registry.start()
    inventory = order.inventory or Inventory(system=system.name)
    gateway = Gateway(
        routes_of(inventory),
        registry,
        timeout=system.policy.timeout,
        body_limit=system.policy.body_limit,
        cors=Cors(system.gateway.cors) if system.gateway.cors else None,
        console=order.console,
        docs=system.gateway.docs,
        passages=passages_of(inventory),
    )
    inside = _inside(gateway, inventory, system, order.inside)
    tls = context_of(order.tls)
    server = HttpServer(gateway, listener=listener, tls=tls, slowness=Slowness())
    with Signals(follower=True) as signals:
        signals.hears = _always
        try:
            await gateway.start()
            await server.start()
            for one in inside:
                await one.start()
            channel.send(Ready())
            beating = asyncio.create_task(_beat(channel, gateway))
            asked = asyncio.ensure_future(signals.wait())
            told = asyncio.ensure_future(anext(aiter(channel), None))
            await asyncio.wait({asked, told}, return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            drain = told.result() if told.done() else None
            told.cancel()
            beating.cancel()
            await server.drain(LINGER if drain is not None and drain.linger else 0)
        finally:
            await server.stop()
            # What came from outside may have asked for these until now.
            for one in inside:
                await one.stop()
            await gateway.stop()
            await registry.stop()
            channel.close()
    return 0


def _inside(
    gateway: Gateway, inventory: Inventory, system: System, ports: Mapping[str, int]
) -> list[HttpServer]:
    """What answers at the inside address of each service; not at one that something else took."""
    found = []
    for service in inventory.services:
        if service.name in ports:
            port = ports[service.name]
            app = gateway.inside(service.name, patience_of(service, system.policy.timeout))
            try:
                found.append(HttpServer(app, listener=_shared(port)))
            except OSError as error:
                what = "programs do not find %s at 127.0.0.1:%d: %s"
                log.error(what, service.name, port, error.strerror)  # noqa: TRY400
    return found


def _shared(port: int) -> socket.socket:
    """A socket that listens beside that of the gateway which this one replaces."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)  # noqa: FBT003  # the socket's own signature
    except OSError:
        listener.close()
        raise
    return listener


def _many_files() -> None:
    """Let it have as many connections as it may: of Envoy's own accord, Envoy does the same."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # what the system allows may be less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _beat(channel: "Channel[Drain]", gateway: Gateway) -> None:
    while True:
        channel.send(Beat(gateway.in_flight, gateway.calls))
        await asyncio.sleep(_BEAT)


def _always() -> bool:
    return True
