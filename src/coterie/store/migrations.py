"""Migrations: a service's tables brought to where its code needs them, by Alembic, run from here.

A folder of revision files, one after the other, is all a service has: no alembic.ini, no env.py.
Each service has a version table of its own, so several may share a database.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from .database import Database
from .errors import MigrationError, NewerDatabase, StoreError
from .written import written_head

__all__ = ["Folder", "Migration", "migrate", "pending"]


@dataclass(frozen=True, slots=True)
class Migration:
    """One step; ``revision`` is its name in the version table."""

    revision: str
    message: str
    path: Path


async def migrate(database: Database, folder: Path, *, service: str) -> tuple[Migration, ...]:
    """Apply what ``folder`` has and ``database`` has not; what was applied now, oldest first.

    All of it in one transaction, under a lock: several processes may start at once, and one that
    fails leaves nothing behind. Raises `MigrationError` or `NewerDatabase`.
    """
    # Nearly every start finds nothing to do: to see that costs a question, and not all of Alembic,
    # in every process.
    head = written_head(folder)
    if head is not None and await _is_at(database, service, head):
        return ()
    found = Folder(folder, service)
    if not await _pending(database, found):
        return ()
    async with database.engine.alter() as connection:
        return await connection.run_sync(found.upgrade)


async def pending(database: Database, folder: Path, *, service: str) -> tuple[Migration, ...]:
    """What `migrate` would apply, oldest first. Changes nothing."""
    return await _pending(database, Folder(folder, service))


async def _is_at(database: Database, service: str, head: str) -> bool:
    """Whether the tables of ``service`` are at ``head``, and nowhere else."""
    table = _version_table(service)

    def versions(connection: Connection) -> list[str]:
        # Plain words, and no look at the catalogue: what reads little is little to each process.
        try:
            rows = connection.exec_driver_sql(f'SELECT version_num FROM "{table}"')  # noqa: S608  # made of letters
            return [row[0] for row in rows]
        except DBAPIError:
            return []  # it was never migrated

    async with database.unit_of_work(f"migrations of {service}", write=False) as unit:
        connection = await unit.run(lambda session: session.connection())
        return await connection.run_sync(versions) == [head]


def _version_table(service: str) -> str:
    return f"alembic_version_{re.sub(r'[^a-z0-9_]', '_', service.lower())}"[:63]


async def _pending(database: Database, folder: "Folder") -> tuple[Migration, ...]:
    async with database.unit_of_work(f"migrations of {folder.service}", write=False) as unit:
        connection = await unit.run(lambda session: session.connection())
        return await connection.run_sync(folder.missing)


class Folder:
    """The revision files of one service, in order. Raises `MigrationError` if there is none."""

    def __init__(self, path: Path, service: str) -> None:
        self.path = path
        self.service = service
        self.table = _version_table(service)
        if not path.is_dir():
            raise MigrationError(
                f"{service} has no folder {path}: write the first migration with"
                f" coterie migrate --service {service} --new 'first tables'"
            )
        self._scripts = ScriptDirectory(str(path), version_locations=[str(path)])
        self.head = self._head()

    @classmethod
    def made(cls, path: Path, service: str) -> "Folder":
        """The folder, made if need be."""
        path.mkdir(parents=True, exist_ok=True)
        return cls(path, service)

    def _head(self) -> str | None:
        try:
            heads = self._scripts.get_heads()
        except CommandError as error:
            raise MigrationError(
                f"the migrations in {self.path} do not fit together: {error}"
            ) from error
        except Exception as error:  # a revision file is code, and may raise anything
            raise MigrationError(
                f"a migration in {self.path} cannot be loaded ({type(error).__name__}: {error}):"
                " mend the file"
            ) from error
        if len(heads) > 1:
            raise MigrationError(
                f"the migrations {' and '.join(sorted(heads))} in {self.path} both come last: set"
                " the down_revision of one of them to the other"
            )
        return heads[0] if heads else None

    def missing(self, connection: Connection) -> tuple[Migration, ...]:
        """What the database of ``connection`` has not."""
        return tuple(map(_migration, self._steps(self._current(self._context(connection)))))

    def upgrade(self, connection: Connection) -> tuple[Migration, ...]:
        """Apply what is missing, in the transaction of ``connection``."""
        applied: list[str] = []

        def steps(current: tuple[str, ...], _: MigrationContext) -> Iterable[MigrationStep]:
            for script in self._steps(current):
                # Alembic's own `op` is one per process; a migration of another service, which
                # runs at the same time, would take it over. So each file gets one of its own.
                script.module.__dict__["op"] = operations
                yield MigrationStep.upgrade_from_script(self._scripts.revision_map, script)
                applied.append(script.revision)

        context = self._context(connection, fn=steps)
        operations = Operations(context)
        missing = self._steps(self._current(context))
        try:
            context.run_migrations()
        except StoreError:
            raise
        except Exception as error:  # a revision file is code, and may raise anything
            file = missing[len(applied)].path if len(applied) < len(missing) else self.path
            reason = " ".join(str(error).split())
            raise MigrationError(
                f"{self.service}: the migration {file} failed ({type(error).__name__}: {reason});"
                " nothing was changed. Mend the file and start again"
            ) from error
        return tuple(map(_migration, missing))

    def _context(self, connection: Connection, **options: Any) -> MigrationContext:
        return MigrationContext.configure(
            connection, opts={"version_table": self.table, "script": self._scripts, **options}
        )

    def _current(self, context: MigrationContext) -> tuple[str, ...]:
        current = context.get_current_heads()
        known = {script.revision for script in self._scripts.walk_revisions()}
        unknown = sorted(set(current) - known)
        if unknown:
            raise NewerDatabase(
                f"the database is at migration {', '.join(unknown)} of {self.service}, which"
                f" {self.path} does not have: it was migrated by a newer version. Run that"
                " version, or restore a backup made before it"
            )
        return current

    def _steps(self, current: tuple[str, ...]) -> list[Script]:
        newest_first = self._scripts.iterate_revisions("heads", current, implicit_base=True)
        return list(newest_first)[::-1]


def _migration(script: Script) -> Migration:
    return Migration(script.revision, script.doc, Path(script.path))
