"""The gateway's process, where it is one of ours."""

import asyncio
import resource
import socket
from contextlib import suppress

import msgspec

from coterie.console.certificate import context_of
from coterie.console.signals import Signals
from coterie.deploy import routes_of
from coterie.members.gateway import Gateway
from coterie.server import Cors, HttpServer, Slowness
from coterie.system import load
from coterie.system.registries import registry_at

from .channel import Beat, Channel, Drain, Order, Ready, first_line
from .loop import run
from .part_run import LINGER

__all__ = ["run_gateway"]

_BEAT = 1.0


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
    gateway = Gateway(
        () if order.inventory is None else routes_of(order.inventory),
        registry,
        timeout=system.policy.timeout,
        body_limit=system.policy.body_limit,
        cors=Cors(system.gateway.cors) if system.gateway.cors else None,
        console=order.console,
        docs=system.gateway.docs,
    )
    tls = context_of(order.tls)
    server = HttpServer(gateway, listener=listener, tls=tls, slowness=Slowness())
    with Signals(follower=True) as signals:
        signals.hears = _always
        try:
            await gateway.start()
            await server.start()
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
            await gateway.stop()
            await registry.stop()
            channel.close()
    return 0


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
