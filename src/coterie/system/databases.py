"""The databases of one system. Imported by `engines` alone, and only where one is needed."""

from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from coterie.call import Policy
from coterie.store import (
    Database,
    KeyStore,
    StoreError,
    metadata,
    migrate,
    new_migration,
    seed_once,
    unit_of_work,
)

from .engines import Unfit

__all__ = ["Shelf"]

_MetaData = type(metadata())


class Shelf:
    """One `Database` a URL, so that services which share a file share its line of writers."""

    def __init__(self) -> None:
        self._databases: dict[str, Database] = {}
        self._started: list[Database] = []

    def refusal(self, url: str) -> str | None:
        """Why ``url`` cannot be opened, as far as can be told without opening it."""
        try:
            Database(url)
        except StoreError as error:
            return str(error)
        return None

    def at(self, url: str) -> Database:
        """The database at ``url``, not yet open."""
        if url not in self._databases:
            self._databases[url] = Database(url)
        return self._databases[url]

    def policy(self, url: str) -> Policy:
        """The unit of work round each call of a service at ``url``."""
        return unit_of_work(self.at(url))

    def keys(self, url: str, service: str) -> KeyStore:
        """Where the idempotency keys of ``service``, whose database is at ``url``, are kept."""
        return KeyStore(self.at(url), service)

    async def migrate(self, url: str, service: str, folder: Path | None) -> tuple[str, ...]:
        """Open the database at ``url`` and bring the tables of ``service`` up to its code."""
        with _told():
            database = await self._opened(url)
            if folder is None:
                return ()
            done = await migrate(database, folder, service=service)
            return tuple(f"{step.revision} {step.message}".strip() for step in done)

    async def sow(
        self, url: str, service: str, seeds: Sequence[tuple[str, Callable[[], Awaitable[None]]]]
    ) -> None:
        """Run each seed that the database has not had yet."""
        with _told():
            database = await self._opened(url)
            for name, function in seeds:
                await seed_once(database, service, name, function)

    async def write(
        self, url: str, service: str, folder: Path, message: str, modules: Sequence[ModuleType]
    ) -> Path | None:
        """Write the migration that leads to the tables which ``modules`` know."""
        found = {id(known): known for module in modules for known in _metadata(module)}
        if len(found) > 1:
            what = f"the modules of {service} speak of {len(found)} different sets of tables"
            raise Unfit(f"{what}. Let all models of a service share one metadata")
        tables = next(iter(found.values()), None)
        with _told():
            database = await self._opened(url)
            return await new_migration(
                database, folder, service=service, message=message, metadata=tables
            )

    async def stop(self) -> None:
        """Close all, those too that did not open to the end."""
        while self._started:
            await self._started.pop().stop()

    async def _opened(self, url: str) -> Database:
        database = self.at(url)
        if database not in self._started:
            await database.start()
            self._started.append(database)
        return database


@contextmanager
def _told() -> Generator[None]:
    try:
        yield
    except StoreError as error:
        raise Unfit(str(error)) from error


def _metadata(module: ModuleType) -> Iterator[Any]:
    """The sets of tables that a module names: its own, and those of the models it imports."""
    for value in vars(module).values():
        known = value if isinstance(value, _MetaData) else getattr(value, "metadata", None)
        if isinstance(known, _MetaData) and known.tables:
            yield known
