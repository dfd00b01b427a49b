"""The same shop as its own team has it in Flask: three services over one SQLite file.

They run as gunicorns of their own, or are joined by `coterie up`.
"""

import asyncio
import contextlib
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from coterie.client.http1 import NotSent, Pool, Unknown
from coterie.console.control import ControlClient
from shop_ways import LAUNCH, up
from shop_web import IN_FLASK, Customer, Web

__all__ = ["FLASK_WAYS", "FOLDER", "FlaskWeb"]

FOLDER = Path(__file__).parents[2] / "shop-flask"

START_LIMIT = 30.0
"""Seconds until a service must have answered."""

PATHS = {
    "users": ("/api/users", "/api/user/", "/api/login"),
    "orders": ("/api/orders", "/api/order/", "/api/userorders/"),
    "inventory": ("/api/products",),
}
"""The services, and how the paths of each begin."""


class FlaskWeb(Web):
    """Requests to the shop in Flask, where nobody has a token.

    ``services`` are its services themselves, ``file`` is its database. Without a ``gateway`` the path
    says which service is asked.
    """

    refusals = "application/json"

    def __init__(
        self, services: Mapping[str, Pool], file: Path, gateway: Pool | None = None
    ) -> None:
        super().__init__(gateway or services["orders"])
        self.services = services
        self.file = file
        self.joined = gateway is not None

    def to(self, path: str) -> Pool:
        owners = [name for name, begin in PATHS.items() if path.startswith(begin)]
        return self.services[owners[0]] if owners and not self.joined else self.pool

    async def admin(self) -> Customer:
        return Customer(self, "anybody", 0, None)

    async def documents(self) -> list[dict[str, Any]]:
        services = map(Web, self.services.values())
        return [(await service.ask("GET", "/swagger.json")).json for service in services]

    def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """What the database itself answers."""
        with contextlib.closing(sqlite3.connect(self.file)) as connection, connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement, values)]


class Gunicorn:
    """``gunicorn NAME.wsgi:app``, as the README says, on a port that is taken beforehand."""

    def __init__(self, name: str, folder: Path, environment: dict[str, str]) -> None:
        self.log = folder / f"{name}.log"
        with socket.socket() as listener, self.log.open("wb") as log:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1024)
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            bind = f"fd://{listener.fileno()}"
            self.process = subprocess.Popen(
                [*LAUNCH, sys.executable, "-m", "gunicorn", "--bind", bind, f"{name}.wsgi:app"],
                cwd=FOLDER,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[listener.fileno()],
            )

    async def ready(self, pool: Pool) -> None:
        """Wait for its first answer. Raises RuntimeError with its log if it has none."""
        try:
            deadline = time.monotonic() + START_LIMIT
            answer = await pool.request("GET", "/swagger.json", deadline=deadline)
        except (NotSent, Unknown) as problem:
            raise RuntimeError(f"{problem}\n{self.log.read_text()[-3000:]}") from None
        assert answer.status == 200, self.log.read_text()

    async def gone(self) -> None:
        """Wait for the end it was asked for; then force it."""
        try:
            await asyncio.to_thread(self.process.wait, 10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def environment(folder: Path) -> dict[str, str]:
    """What the services are told: where the database is, and to make hashes that cost little."""
    file = folder / "database" / "centraldb.sqlite3"
    # The path is absolute: four slashes.
    return {"DATABASE_URL": f"sqlite:///{file}", "PASSWORD_METHOD": "scrypt:1024:8:1"}


@asynccontextmanager
async def by_gunicorn() -> AsyncGenerator[FlaskWeb]:
    """Each service by itself, from an empty folder until the block ends."""
    with tempfile.TemporaryDirectory(prefix="shop-flask-") as kept:
        folder = Path(kept)
        # All at once, as anywhere: any may be the first at the database.
        started = {name: Gunicorn(name, folder, environment(folder)) for name in PATHS}
        try:
            async with AsyncExitStack() as stack:
                pools: dict[str, Pool] = {}
                for name, service in started.items():
                    # gunicorn closes a connection that was idle for two seconds; we do so before.
                    pool = Pool(service.url, idle_timeout=1)
                    pools[name] = await stack.enter_async_context(pool)
                    await service.ready(pool)
                yield FlaskWeb(pools, folder / "database" / "centraldb.sqlite3")
        finally:
            for service in started.values():
                service.process.terminate()
            for service in started.values():
                await service.gone()


@asynccontextmanager
async def by_coterie_up() -> AsyncGenerator[FlaskWeb]:
    """All behind one gateway, by its `coterie.toml`."""
    with tempfile.TemporaryDirectory(prefix="shop-flask-") as kept:
        folder = Path(kept)
        async with up(FOLDER, folder, **environment(folder)) as gateway, AsyncExitStack() as stack:
            rows = await ControlClient(folder / "state").rows()
            pools: dict[str, Pool] = {}
            for name in PATHS:
                address = next(row.address for row in rows if row.name == f"{name}-1")
                assert address is not None
                pools[name] = await stack.enter_async_context(Pool(address))
            yield FlaskWeb(pools, folder / "database" / "centraldb.sqlite3", gateway)


_WAYS: dict[str, Callable[[], AbstractAsyncContextManager[Web]]] = {
    "flask": by_gunicorn,
    "flask-up": by_coterie_up,
}
FLASK_WAYS = {name: _WAYS[name] for name in IN_FLASK}
