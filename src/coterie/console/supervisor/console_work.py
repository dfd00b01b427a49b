"""The console's process: the dashboard, and what the gateway answers beside operations."""

import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path

import msgspec

from coterie.binding.rest import problem_reply
from coterie.call import Failure, Reply
from coterie.console.dashboard import Dashboard
from coterie.console.dashboard.remote import RemoteSource
from coterie.console.signals import Signals
from coterie.contract import Code
from coterie.members.registry.server import Described, RegistryApp, Tokens
from coterie.registry import Instance, InstanceState
from coterie.server import HttpServer
from coterie.system import Blueprint, ServiceEntry, gateway_pages, load
from coterie.system.registries import registry_at

from .channel import Channel, Drain, Order, Ready, first_line
from .loop import run
from .register_desk import RegisterDesk
from .self_described import SelfDescribed

__all__ = ["run_console"]

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_JSON = (("content-type", "application/json"),)


def run_console(channel: socket.socket, listener: socket.socket | None) -> int:
    """Do what the supervisor's order says; the exit code."""
    order = first_line(channel)
    made = msgspec.json.decode(Path(order.blueprint).read_bytes(), type=Blueprint)
    if listener is None:
        raise ValueError("the console needs a socket to listen on")
    return run(_life(order, made, Channel(channel, msgspec.json.Decoder(Drain)), listener))


async def _life(
    order: Order, made: Blueprint, channel: "Channel[Drain]", listener: socket.socket
) -> int:
    await channel.start()
    system = load(order.system, profile=order.profile, state=order.state)
    registry = registry_at(order.registry, system.name)
    await registry.start()
    inventory = made.inventory
    ready = _Readiness({service.name for service in inventory.services})
    watch = await registry.watch(None, ready.heard)
    described = SelfDescribed(inventory.services if system.gateway.docs else ())
    following = await registry.watch(None, described.heard)
    register = RegistryApp(
        registry,
        system.state / "registry.db",
        catalogue=[_described(service) for service in inventory.services],
        tokens=Tokens(order.token, guarded=system.gateway.host not in _LOOPBACK),
    )
    dashboard = Dashboard(
        RemoteSource(system.state),
        system.state / "console.db",
        title=system.name,
        pages=(described, *gateway_pages(system, made, described.names), ready),
        gateway_url=order.gateway,
        databases={s.name: s.database for s in inventory.services if s.database},
    )
    desk = RegisterDesk(register, dashboard.app)
    server = HttpServer(desk, listener=listener, patience=1)
    with Signals(follower=True) as signals:
        signals.hears = _always
        try:
            await dashboard.start()
            await server.start()
            channel.send(Ready())
            desk.start()
            asked = asyncio.ensure_future(signals.wait())
            told = asyncio.ensure_future(anext(aiter(channel), None))
            await asyncio.wait({asked, told}, return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            told.cancel()
        finally:
            await desk.stop()
            await described.stop()
            await dashboard.stop()
            await server.stop()
            following.close()
            watch.close()
            await registry.stop()
            channel.close()
    return 0


def _always() -> bool:
    return True


def _described(service: ServiceEntry) -> Described:
    shown = bool(service.contracts) or service.openapi is not None
    return Described(
        name=service.name,
        description="; ".join(c.summary for c in service.contracts if c.summary),
        owner=service.owner or "system",
        version=", ".join(dict.fromkeys(c.version for c in service.contracts)),
        contract=f"/openapi/{service.name}.json" if service.public and shown else "",
        tags=(service.kind,) if service.program else (),
    )


class _Readiness:
    """The page ``/health/ready``: whether each service has an instance that answers."""

    def __init__(self, services: set[str]) -> None:
        self._services = services
        self._up: set[str] = set()

    def heard(self, instances: tuple[Instance, ...]) -> None:
        self._up = {i.service for i in instances if i.state is InstanceState.UP}

    def __call__(self, path: str, headers: Mapping[bytes, bytes]) -> Reply | None:
        if path != "/health/ready":
            return None
        away = sorted(self._services - self._up)
        if not away:
            return Reply(None, 200, _JSON, b'{"status":"ready"}')
        what = f"Not ready: {', '.join(away)}"
        return problem_reply(Failure(Code.UNAVAILABLE, what, retry_after=1.0))
