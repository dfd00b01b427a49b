"""The databases of one system. Imported by `engines` alone, and only where one is needed."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from coterie.call import Policy
from coterie.store import AddressError, Database, StoreError, migrate, seed_once, unit_of_work

from .engines import Unfit

__all__ = ["Shelf"]


class Shelf:
    """One `Database` a URL, so that services which share a file share its line of writers."""

    def __init__(self) -> None:
        self._databases: dict[str, Database] = {}
        self._started: list[Database] = []

    def refusal(self, url: str) -> str | None:
        """Why ``url`` cannot be opened, as far as can be told without opening it."""
        try:
            Database(url)
        except AddressError as error:
            return str(error)
        return None

    def at(self, url: str) -> Database:
        """The database at ``url``. Raises `AddressError`."""
        if url not in self._databases:
            self._databases[url] = Database(url)
        return self._databases[url]

    def policy(self, url: str) -> Policy:
        """The unit of work round each call of a service at ``url``."""
        return unit_of_work(self.at(url))

    async def start(self) -> None:
        """Open all. Raises `Unfit` for the first that cannot be opened."""
        for database in self._databases.values():
            self._started.append(database)
            try:
                await database.start()
            except StoreError as error:
                raise Unfit(str(error)) from error

    async def prepare(
        self,
        url: str,
        service: str,
        migrations: Path | None,
        seeds: Sequence[tuple[str, Callable[[], Awaitable[None]]]],
    ) -> None:
        """Bring the tables of ``service`` up to its code, then sow its seeds. Raises `Unfit`."""
        database = self.at(url)
        try:
            if migrations is not None:
                await migrate(database, migrations, service=service)
            for name, sow in seeds:
                await seed_once(database, service, name, sow)
        except StoreError as error:
            raise Unfit(str(error)) from error

    async def stop(self) -> None:
        """Close all, those too that did not open to the end."""
        while self._started:
            await self._started.pop().stop()
