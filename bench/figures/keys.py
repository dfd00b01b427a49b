"""`keys`: what an idempotency key costs a small write, on SQLite and on PostgreSQL."""

import secrets
from collections.abc import Callable
from statistics import median
from time import perf_counter
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from sqlalchemy import insert, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bench.figure import Figure, limited
from bench.report import line
from bench.setting import Setting
from coterie.call import Call, Context, Reply, Trace
from coterie.contract import Service, Struct, anyone, describe, post
from coterie.policy import authorize, deadline, idempotency
from coterie.server import Host
from coterie.store import Database, KeyStore, StoreError, metadata, unit_of_work

GOAL = 1.3
"""A write with a key takes so many times as long as one without, at most."""

WRITES = 40
ROUNDS = 44


class Model(DeclarativeBase):
    metadata = metadata()


class Bought(Model):
    __tablename__ = "bought"

    id: Mapped[int] = mapped_column(primary_key=True)
    product: Mapped[int]
    quantity: Mapped[int]


class Order(Struct):
    product: int
    quantity: int


class Shop(Service, version="1.0"):
    """Takes orders: writes one row for each."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @post("/orders")
    async def place(self, order: Order) -> Order:
        """Take one."""
        values = {"product": order.product, "quantity": order.quantity}
        await self.database.execute(insert(Bought).values(**values))
        return order


async def measure(setting: Setting, said: Callable[[str], None]) -> list[Figure]:
    """Medians of rounds that alternate, in one process, through the policies of a system."""
    figures = []
    file = f"sqlite:///{setting.folder}/keys.db"
    figures.append(await _figure("keys on SQLite", file, setting))
    server = setting.environment.get(
        "COTERIE_TEST_POSTGRES", "postgresql://postgres@localhost:5432/postgres"
    )
    name = f"coterie_bench_{secrets.token_hex(4)}"
    try:
        await _tell(server, f"CREATE DATABASE {name}")
    except (OSError, SQLAlchemyError) as error:
        why = f"no PostgreSQL: {error}"
        figures.append(limited("keys on PostgreSQL", "times a write without", None, GOAL, why=why))
    else:
        try:
            url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
            figures.append(await _figure("keys on PostgreSQL", url, setting))
        finally:
            await _tell(server, f"DROP DATABASE {name} WITH (FORCE)")
    for figure in figures:
        said(line(figure))
    return figures


async def _tell(server: str, statement: str) -> None:
    url = server.replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(statement))
    finally:
        await engine.dispose()


async def _figure(name: str, url: str, setting: Setting) -> Figure:
    unit = "times a write without"
    try:
        without, with_key = await _compared(url, setting.times(ROUNDS))
    except StoreError as error:
        return limited(name, unit, None, GOAL, why=str(error))
    also = {"us without": without * 1e6, "us with": with_key * 1e6}
    return limited(name, unit, with_key / without, GOAL, rounds=setting.times(ROUNDS), also=also)


async def _compared(url: str, rounds: int) -> tuple[float, float]:
    """Seconds that a write takes without a key, and with one."""
    (operation,) = describe(Shop).operations
    headers = (("content-type", "application/json"),)

    def render(value: Order) -> Reply:
        return Reply(value, 200, headers, b'{"product":7,"quantity":2}')

    async with Database(url) as database:
        async with database.transaction():
            connection = await (await database.session()).connection()
            await connection.run_sync(Model.metadata.create_all)
        keys = KeyStore(database, "shop")
        await keys.prepare()
        host = Host(
            Shop(database),
            policies=[deadline(), authorize(anyone), idempotency(keys), unit_of_work(database)],
        )
        await host.start()

        async def write(context: Context) -> None:
            await host.handle(Call(operation, {"order": Order(7, 2)}, context, render))

        taken: tuple[list[float], list[float]] = ([], [])
        for number in range(-2, rounds):
            for keyed in (False, True):
                contexts = [Context(Trace.root()) for _ in range(WRITES)]
                if keyed:
                    contexts = [context.keyed(str(uuid4())) for context in contexts]
                began = perf_counter()
                for context in contexts:
                    await write(context)
                if number >= 0:
                    taken[keyed].append((perf_counter() - began) / WRITES)
        await host.stop()
    return median(taken[False]), median(taken[True])
