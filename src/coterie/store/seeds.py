"""seed_once(): initial data, sown once per database however many processes start on it."""

from collections.abc import Awaitable, Callable

from sqlalchemy import CursorResult, inspect, select, text

from .database import Database
from .session import UnitSession
from .tables import SEEDS

__all__ = ["seed_once"]

# "DO NOTHING" is the whole race: a second process waits here for the first one's commit, in both
# engines, and then inserts no row.
_CLAIM = text(
    "INSERT INTO coterie_seed (service, name) VALUES (:service, :name) ON CONFLICT DO NOTHING"
)


async def seed_once(
    database: Database, service: str, name: str, function: Callable[[], Awaitable[object]]
) -> bool:
    """Run ``function`` unless ``database`` has the seed ``name`` of ``service`` already.

    Its statements and the note that it ran commit together; if it raises, it runs again next
    time. True if it ran now.
    """
    title = f"seed {service}.{name}"
    async with database.unit_of_work(title, write=False) as unit:
        table_is_there = await unit.run(_table_is_there)
        note = select(SEEDS.c.name).where(SEEDS.c.service == service, SEEDS.c.name == name)
        if table_is_there and await unit.run(lambda session: session.scalar(note)) is not None:
            return False
    if not table_is_there:
        async with database.engine.alter() as connection:
            await connection.run_sync(SEEDS.create, checkfirst=True)

    async def claim(session: UnitSession) -> bool:
        result = await session.execute(_CLAIM, {"service": service, "name": name})
        return isinstance(result, CursorResult) and result.rowcount == 1

    async with database.unit_of_work(title, write=True) as unit:
        mine = await unit.run(claim)
        if mine:
            await function()
    return mine


async def _table_is_there(session: UnitSession) -> bool:
    connection = await session.connection()
    return await connection.run_sync(lambda there: inspect(there).has_table(SEEDS.name))
