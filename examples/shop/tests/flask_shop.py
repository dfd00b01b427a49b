"""The same shop as its own team runs it in Flask: two gunicorns before one SQLite file."""

import asyncio
import contextlib
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from coterie.client.http1 import NotSent, Pool, Unknown
from shop_web import Customer, Web

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "examples" / "shop-flask"
# Sees to it that nothing outlives a test run that is killed.
LAUNCH = (sys.executable, str(ROOT / "bench" / "launch.py"), "")

START_LIMIT = 30.0
"""Seconds until a service must have answered."""

OF_USERS = ("/api/users", "/api/user/", "/api/login")


class FlaskWeb(Web):
    """Requests to the shop in Flask: the path says to which service; nobody has a token.

    It has no page about its products, so these are looked up in its database.
    """

    refusals = "application/json"

    def __init__(self, users: Pool, orders: Pool, file: Path) -> None:
        super().__init__(orders)
        self.users = users
        self.file = file

    def to(self, path: str) -> Pool:
        return self.users if path.startswith(OF_USERS) else self.pool

    async def admin(self) -> Customer:
        return Customer(self, "anybody", 0, None)

    async def documents(self) -> list[dict[str, Any]]:
        services = (Web(self.users), Web(self.pool))
        return [(await service.ask("GET", "/swagger.json")).json for service in services]

    async def products(self) -> list[dict[str, Any]]:
        return self.rows("SELECT id, name, price, available FROM products ORDER BY id")

    async def restock(self, product: int, available: int) -> None:
        self.rows("UPDATE products SET available = ? WHERE id = ?", available, product)

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


@asynccontextmanager
async def flask_shop() -> AsyncGenerator[FlaskWeb]:
    """Both services, from an empty folder until the block ends."""
    with tempfile.TemporaryDirectory(prefix="shop-flask-") as folder:
        file = Path(folder, "database", "centraldb.sqlite3")
        environment = {
            "DATABASE_URL": f"sqlite:///{file}",  # the path is absolute: four slashes
            "PASSWORD_METHOD": "scrypt:1024:8:1",  # hashes that cost next to nothing
        }
        # Both at once, as anywhere: either may be the first at the database.
        services = [Gunicorn(name, Path(folder), environment) for name in ("users", "orders")]
        try:
            # gunicorn closes a connection that was idle for two seconds; the pool does so before.
            urls = [service.url for service in services]
            async with (
                Pool(urls[0], idle_timeout=1) as users,
                Pool(urls[1], idle_timeout=1) as orders,
            ):
                for service, pool in zip(services, (users, orders), strict=True):
                    await service.ready(pool)
                yield FlaskWeb(users, orders, file)
        finally:
            for service in services:
                service.process.terminate()
            for service in services:
                await service.gone()
