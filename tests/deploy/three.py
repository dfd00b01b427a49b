"""One small system, reached three ways: in one process, through Envoy, through our own gateway."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import structs

from coterie.deploy import routes_of
from coterie.members.gateway import Gateway
from coterie.registry import Instance
from coterie.server import App, Cors, HttpServer
from coterie.system import Inventory, System, assemble, inventory_of, load, resolve
from tests.deploy.bazaar import TOML
from tests.deploy.running import Gate, Known, gate_of
from tests.server.talk import Answer, Talk

__all__ = ["WAYS", "Three", "bazaar", "heard", "three_of"]

WAYS = ("one process", "envoy", "our own")


class Heard:
    """An answer, as far as a client can tell one from another."""

    def __init__(self, answer: Answer, *, closed: bool) -> None:
        self.status = answer.status
        self.kind = answer["content-type"]
        self.body: Any = answer.body
        if self.kind == "application/problem+json" and answer.body:
            self.body = json.loads(answer.body)
            # Each request has its own; Envoy's refusals have none.
            trace = self.body.pop("trace_id", None)
            if trace is not None:
                self.body["detail"] = self.body["detail"].replace(trace, "TRACE")
        self.headers = {name: answer.all(name) for name, _ in answer.headers if _told(name)}
        # One header or several: the same (RFC 9110, 5.2).
        varies = {word for value in self.headers.pop("vary", ()) for word in value.split(",")}
        self.varies = {word.strip() for word in varies}
        if closed and self.status in (400, 431):
            self.varies.discard("origin")  # refused before anybody asked where it came from
        self.closed = closed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Heard) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(self.status)

    def __repr__(self) -> str:
        return f"{self.status} {self.kind} {self.headers} {self.varies} {str(self.body)[:300]} {self.closed}"


def _told(name: str) -> bool:
    return name in _TOLD or name.startswith(("access-control", "x-envoy"))


_TOLD = (
    "allow",
    "vary",
    "location",
    "etag",
    "set-cookie",
    "retry-after",
    "www-authenticate",
    "server",
)


class Three:
    """The ports of the three ways, and the instances behind two of them."""

    def __init__(self, ports: dict[str, int], gate: Gate, known: Known) -> None:
        self.ports = ports
        self.gate = gate
        self.known = known

    async def hear(self, way: str, sent: bytes, method: str = "GET") -> Heard:
        """What one way answers to ``sent``, on a connection of its own."""
        return await heard(self.ports[way], sent, method)


async def heard(port: int, sent: bytes, method: str = "GET") -> Heard:
    """What is answered to ``sent``, and whether the connection is closed after it."""
    async with _Talk(*await asyncio.open_connection("127.0.0.1", port)) as talk:
        talk.say(sent)
        answer = await talk.answer(of=method)
        closed = answer["connection"] == "close"
        return Heard(answer, closed=closed)


def bazaar(folder: Path) -> tuple[System, Inventory]:
    """The system of these tests, read from a file in ``folder``."""
    (folder / "coterie.toml").write_text(TOML)
    system = load(folder, environment={})
    return system, inventory_of(system, tuple(resolve(system)))


class _Talk(Talk):
    """Hears HTTP/1.0 too."""

    async def head(self) -> tuple[int, list[tuple[str, str]]]:
        text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text.removesuffix("\r\n\r\n").split("\r\n")
        assert first.startswith(("HTTP/1.1 ", "HTTP/1.0 ")), first
        pairs = [line.split(":", 1) for line in lines]
        return int(first.split(" ")[1]), [(k.lower(), v.strip(" \t")) for k, v in pairs]


@asynccontextmanager
async def three_of(folder: Path) -> AsyncGenerator[Three]:
    """All three, for the length of the block. Of the ghost there is no instance."""
    system, inventory = bazaar(folder)
    async with AsyncExitStack() as stack:
        instances = []
        assembly = assemble(system, access=False)
        for host in assembly.hosts:
            if host.name != "ghost":
                app = App([host], body_limit=system.policy.body_limit)
                server = await _served(stack, app)
                instances.append(Instance(service=host.name, id=f"{host.name}-1", url=server.url))
        whole = await _served(stack, assembly.app)
        await assembly.start()
        stack.push_async_callback(assembly.stop)
        known = Known(*instances)
        gateway = Gateway(
            routes_of(inventory),
            known,
            timeout=system.policy.timeout,
            body_limit=system.policy.body_limit,
            cors=Cors(system.gateway.cors),
        )
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        own = await _served(stack, gateway)
        gate = await stack.enter_async_context(
            gate_of(
                folder,
                inventory,
                {one.service: (one,) for one in instances},
                lambda edge: structs.replace(
                    edge,
                    cors=system.gateway.cors,
                    timeout=system.policy.timeout,
                    body_limit=system.policy.body_limit,
                ),
            )
        )
        yield Three(dict(zip(WAYS, (whole.port, gate.port, own.port), strict=True)), gate, known)


async def _served(stack: AsyncExitStack, app: Any) -> HttpServer:
    server = HttpServer(app, patience=1.0)
    await server.start()
    stack.push_async_callback(server.stop)
    return server
