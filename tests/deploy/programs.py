"""Programs that join as they are, before both gateways: who was asked, and for what."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import structs

from coterie.deploy import passages_of, patience_of, routes_of
from coterie.deploy.envoy import Edge, Endpoint
from coterie.members.gateway import Gateway
from coterie.server import Cors, HttpServer
from coterie.system import ContractEntry, Inventory, Mount, OperationEntry, ServiceEntry
from tests.deploy.peers import Peer, peer_of
from tests.deploy.running import Gate, Known, gate_of
from tests.server.talk import Talk

__all__ = ["BOTH", "INVENTORY", "MOUNTS", "Both", "Seen", "both_of", "seen"]

BOTH: tuple[str, str] = ("envoy", "our own")
SYSTEM_TIMEOUT = 5.0
PROGRAM_TIMEOUT = 0.1

# What our own gateway is told of an edge.
_OURS = ("timeout", "body_timeout", "stream_idle_timeout")


def _promise(*paths: str) -> ContractEntry:
    operations = tuple(
        OperationEntry(id=f"op.{n}", method="GET", path=path, route=path)
        for n, path in enumerate(paths)
    )
    return ContractEntry(name="op", version="1.0", digest="", operations=operations)


def program(name: str, *mounts: Mount, public: bool = True, **more: Any) -> ServiceEntry:
    """A program with these mounts."""
    return ServiceEntry(
        name=name, target="app:app", kind="wsgi", public=public, mounts=mounts, **more
    )


MOUNTS = {
    "legacy": (Mount("/legacy", ""),),
    "deep": (Mount("/legacy/deep", "/deep"),),
    "users": (Mount("/03-integration/users", "/users"),),
    "moved": (Mount("/old", "/new"),),
    "cafe": (Mount("/caf\u00e9", ""),),
    "files": (Mount("/api/files", "/api/files"),),
    "buried": (Mount("/buried", "/.coterie"),),
    "slow": (Mount("/slow", ""),),
    "web": (Mount("", ""),),
}

INVENTORY = Inventory(
    system="programs",
    services=(
        ServiceEntry(
            name="native",
            target="nobody:Nothing",
            contracts=(_promise("/api/items", "/api/items/{id}", "/api/files/best", "/a/{b}/"),),
        ),
        *(program(name, *mounts) for name, mounts in MOUNTS.items() if name != "slow"),
        program("slow", *MOUNTS["slow"], timeout=PROGRAM_TIMEOUT),
        program("promising", contracts=(_promise("/{any}/telemetry", "/promised"),)),
        program("private", Mount("/private", ""), public=False),
        program("mounted", Mount("/m", ""), contracts=(_promise("/never"),)),
    ),
)
"""A service of ours, and programs of all kinds."""


class Seen(NamedTuple):
    """An answer: its status, who gave it, what he was asked for, and what was taken off."""

    status: int
    who: str = ""
    target: str = ""
    prefix: str | None = None


class Both:
    """The ports of both gateways, and those behind them; ``inside`` by gateway and service."""

    def __init__(
        self, gate: Gate, own: HttpServer, peers: Mapping[str, Peer], known: Known
    ) -> None:
        self.gate = gate
        self.ports: dict[str, int] = dict(zip(BOTH, (gate.port, own.port), strict=True))
        self.peers = peers
        self.known = known
        self.inside: dict[str, dict[str, int]] = {}

    async def ask(self, kind: str, target: str, *headers: str, method: str = "GET") -> Seen:
        """What is seen of a request for ``target``, on a connection of its own."""
        return await seen(self.ports[kind], target, *headers, method=method)


async def seen(port: int, target: str, *headers: str, method: str = "GET") -> Seen:
    """What is seen of a request."""
    lines = [f"{method} {target} HTTP/1.1", "host: lab", "content-length: 0", *headers, "", ""]
    async with Talk(*await asyncio.open_connection("127.0.0.1", port)) as talk:
        talk.say("\r\n".join(lines).encode("latin-1"))
        answer = await talk.answer(of=method)
    if answer["content-type"] is not None or not answer.body:
        return Seen(answer.status)
    who, first, *rest = answer.body.decode("latin-1").split("\r\n")
    told = [line[20:] for line in rest if line.lower().startswith("x-forwarded-prefix: ")]
    assert len(told) < 2, told
    return Seen(answer.status, who, first.split(" ")[1], told[0] if told else None)


@asynccontextmanager
async def both_of(
    folder: Path,
    inventory: Inventory = INVENTORY,
    alter: Any = lambda files: None,
    **edge: Any,
) -> AsyncGenerator[Both]:
    """Both gateways before one instance of each service, for the length of the block."""
    async with AsyncExitStack() as stack:
        told = {one.name: one.program for one in inventory.services}
        peers: dict[str, Peer] = {}
        for name in (*told, "console"):
            (peer,) = await stack.enter_async_context(
                peer_of(name, service=name, program=told.get(name, False))
            )
            peers[name] = peer
        known = Known(*(peers[name].instance for name in told))
        reached = {one.name for one in inventory.services if one.public}
        limits: dict[str, Any] = {"timeout": SYSTEM_TIMEOUT} | edge

        def faced(made: Edge) -> Edge:
            console = Endpoint("127.0.0.1", peers["console"].port)
            return structs.replace(made, console=console, **limits)

        reached |= set(limits.get("inside", ()))
        instances = {name: (peers[name].instance,) for name in told if name in reached}
        gate = await stack.enter_async_context(gate_of(folder, inventory, instances, faced, alter))
        renamed = {"stream_idle_timeout": "idle_timeout"}
        gateway = Gateway(
            routes_of(inventory),
            known,
            console=f"http://127.0.0.1:{peers['console'].port}",
            passages=passages_of(inventory),
            cors=Cors(limits["cors"]) if "cors" in limits else None,
            **{renamed.get(name, name): limits[name] for name in _OURS if name in limits},
        )
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        both = Both(gate, await _served(stack, gateway), peers, known)
        both.inside = {BOTH[0]: dict(limits.get("inside", {})), BOTH[1]: {}}
        for service in inventory.services:
            if service.name in both.inside[BOTH[0]]:
                app = gateway.inside(service.name, patience_of(service, limits["timeout"]))
                both.inside[BOTH[1]][service.name] = (await _served(stack, app)).port
        yield both


async def _served(stack: AsyncExitStack, app: Any) -> HttpServer:
    server = HttpServer(app, patience=0.5)
    await server.start()
    stack.push_async_callback(server.stop)
    return server
