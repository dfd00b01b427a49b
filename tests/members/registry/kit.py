"""A registry over HTTP for the length of a block, and somebody who asks it."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from coterie.client.http1 import Pool
from coterie.members.registry.server import Described, Limits, RegistryApp, Tokens
from coterie.registry import Memory, Registry
from coterie.server import HttpServer

__all__ = ["BILLING", "SHIPPING", "SYSTEM", "TOKENS", "Live", "Reply", "live"]

SYSTEM = "the-system's-own-token"
BILLING = "the-token-of-billing"
SHIPPING = "the-token-of-shipping"
TOKENS = Tokens(SYSTEM, {"billing": Tokens.digest(BILLING), "shipping": Tokens.digest(SHIPPING)})


class Reply:
    """An answer, read as JSON where it is said to be that."""

    def __init__(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = dict(headers)
        self.body = body

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The error, which is all that the body has."""
        assert list(self.json) == ["error"]
        return str(self.json["error"])

    @property
    def index(self) -> int:
        return int(self.headers["x-registry-index"])


class Live:
    """A registry that runs."""

    def __init__(
        self, app: RegistryApp, registry: Registry, server: HttpServer, pool: Pool
    ) -> None:
        self.app = app
        self.registry = registry
        self.server = server
        self.url = f"{server.url}/registry"
        self._pool = pool

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = BILLING,
        raw: bytes | None = None,
        media: str | None = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request. ``raw`` is a body as it goes over the wire."""
        sent = json.dumps(body).encode() if raw is None and body is not None else raw or b""
        told = list((headers or {}).items())
        if token is not None:
            told.append(("authorization", f"Bearer {token}"))
        if sent and media is not None:
            told.append(("content-type", media))
        answer = await self._pool.request(method, f"/registry{path}", told, sent)
        return Reply(answer.status, answer.headers, answer.body)

    async def state(self) -> Any:
        """All that is registered, without the moments of heartbeats."""
        services = (await self.ask("GET", "/services")).json["services"]
        for service in services:
            for instance in service["instances"]:
                del instance["last_heartbeat"]
        return services

    async def found(self, name: str, times: int = 10) -> set[str]:
        """The URLs that are handed out for ``name``."""
        answers = [await self.ask("GET", f"/discover/{name}") for _ in range(times)]
        return {answer.json["service_url"] for answer in answers if answer.status == 200}


@asynccontextmanager
async def live(
    folder: Path,
    *,
    tokens: Tokens = TOKENS,
    catalogue: Sequence[Described] = (),
    limits: Limits | None = None,
    registry: Registry | None = None,
    port: int = 0,
) -> AsyncGenerator[Live]:
    """A registry on a free port, whose file is in ``folder``."""
    system = registry or Memory()
    app = RegistryApp(
        system, folder / "registry.db", catalogue=catalogue, tokens=tokens, limits=limits
    )
    server = HttpServer(app, patience=1, port=port)
    await app.start()
    try:
        await server.start()
        try:
            async with Pool(server.url, connections=300) as pool:
                yield Live(app, system, server, pool)
                await app.stop()
        finally:
            await server.stop()
    finally:
        await app.stop()
