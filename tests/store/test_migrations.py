"""A service's tables follow its code: written from its models, applied once, never by halves."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import CheckConstraint, ForeignKey, MetaData, Numeric, String, inspect, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from coterie.store import (
    Database,
    MigrationError,
    NewerDatabase,
    metadata,
    migrate,
    new_migration,
    pending,
)

LATEST = 2


def models(version: int = LATEST, prefix: str = "") -> MetaData:
    """The tables of a service, as its code declared them over time."""

    class Model(DeclarativeBase):
        metadata = metadata()

    class User(Model):  # pyright: ignore[reportUnusedClass]
        __tablename__ = f"{prefix}user"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = mapped_column(String(200), unique=True)

    class Order(Model):  # pyright: ignore[reportUnusedClass]  # its table is in the metadata
        __tablename__ = f"{prefix}order"
        id: Mapped[int] = mapped_column(primary_key=True)
        user_id: Mapped[int] = mapped_column(
            ForeignKey(f"{prefix}user.id", ondelete="CASCADE"), index=True
        )
        quantity: Mapped[int] = mapped_column(CheckConstraint("quantity > 0", name="positive"))
        if version > 1:
            note: Mapped[str | None] = mapped_column(String(99), server_default='it\'s "new"')
            total: Mapped[float] = mapped_column(Numeric(10, 2), server_default=text("0"))

    if version == 1:

        class Old(Model):  # pyright: ignore[reportUnusedClass]
            __tablename__ = f"{prefix}old"
            id: Mapped[int] = mapped_column(primary_key=True)

    return Model.metadata


@pytest.fixture
async def empty(url: str) -> Database:
    return Database(url, busy_timeout=0)


async def written(
    database: Database, folder: Path, version: int, service: str = "shop", prefix: str = ""
) -> Path | None:
    return await new_migration(
        database,
        folder,
        service=service,
        message=f"Version {version}",
        metadata=models(version, prefix),
    )


async def tables(database: Database) -> set[str]:
    async with database.transaction(read_only=True):
        connection = await (await database.session()).connection()
        names: list[str] = await connection.run_sync(lambda one: inspect(one).get_table_names())
    return set(names)


async def test_tables_are_made_and_changed(empty: Database, tmp_path: Path) -> None:
    """Models become migrations, migrations become tables, and rows survive the change."""
    folder = tmp_path / "migrations"
    async with empty as database:
        await written(database, folder, 1)
        assert [one.revision for one in await pending(database, folder, service="shop")] == [
            "0001_version_1"
        ]
        assert await tables(database) == set()  # pending changes nothing
        applied = await migrate(database, folder, service="shop")
        assert [(one.revision, one.message) for one in applied] == [
            ("0001_version_1", "Version 1.")
        ]
        assert await tables(database) == {"user", "order", "old", "alembic_version_shop"}
        async with database.transaction():
            await database.execute(text("INSERT INTO \"user\" VALUES (1, 'ann@example.org')"))
            await database.execute(text('INSERT INTO "order" VALUES (1, 1, 5)'))

        await written(database, folder, 2)
        assert len(await migrate(database, folder, service="shop")) == 1
        assert await migrate(database, folder, service="shop") == ()
        assert await pending(database, folder, service="shop") == ()
        assert await tables(database) == {"user", "order", "alembic_version_shop"}
        async with database.transaction(read_only=True):
            row = (await database.execute(text('SELECT * FROM "order"'))).one()
        assert row[:4] == (1, 1, 5, 'it\'s "new"')


async def test_where_nothing_differs_nothing_is_written(empty: Database, tmp_path: Path) -> None:
    """Defaults, constraints and indexes are recognised; an empty revision can be asked for."""
    async with empty as database:
        await written(database, tmp_path, 1)
        assert await written(database, tmp_path, 1) is None
        await written(database, tmp_path, 2)
        assert await written(database, tmp_path, 2) is None
        path = await new_migration(
            database, tmp_path, service="shop", message="fill in totals", metadata=None
        )
        assert path is not None
        assert path.name == "0003_fill_in_totals.py"
        assert len(await migrate(database, tmp_path, service="shop")) == 3


async def test_writing_a_migration_does_not_touch_the_data(empty: Database, tmp_path: Path) -> None:
    """It is worked out beside the data: nothing is made, and the tables of others do not matter."""
    async with empty as database:
        async with database.transaction():
            await database.execute(text("CREATE TABLE foreign_table (id INTEGER PRIMARY KEY)"))
        path = await written(database, tmp_path, 1)
        assert path is not None
        assert "foreign_table" not in path.read_text()
        assert await tables(database) == {"foreign_table"}


async def test_generated_files_need_no_tidying(empty: Database, tmp_path: Path) -> None:
    """The formatter changes nothing, the linter finds nothing, mypy --strict agrees."""
    async with empty as database:
        await written(database, tmp_path, 1)
        await written(database, tmp_path, 2)
        await new_migration(database, tmp_path, service="shop", message='say "hi"\\', metadata=None)
    rules = "A,B,C4,D1,E,F,I,N,PIE,Q,RET,RUF,SIM,UP,W"
    for arguments in (
        ["format", "--check", "--isolated"],
        ["check", "--isolated", "--select", rules],
    ):
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "ruff", *arguments, str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


async def test_services_share_a_database_without_meeting(empty: Database, tmp_path: Path) -> None:
    """Each has its own version table, and both may migrate at the same moment."""
    async with empty as database:
        await written(database, tmp_path / "a", 1, "shop-a", "a_")
        await written(database, tmp_path / "b", 1, "shop-b", "b_")
        await asyncio.gather(
            migrate(database, tmp_path / "a", service="shop-a"),
            migrate(database, tmp_path / "b", service="shop-b"),
        )
        expected = {"alembic_version_shop_a", "alembic_version_shop_b"}
        expected |= {
            f"{prefix}{name}" for prefix in ("a_", "b_") for name in ("user", "order", "old")
        }
        assert await tables(database) == expected
        await written(database, tmp_path / "a", 2, "shop-a", "a_")
        await migrate(database, tmp_path / "a", service="shop-a")
        assert await tables(database) == expected - {"a_old"}


_MIGRATE = """
import asyncio, sys
from pathlib import Path
from coterie.store import Database, migrate, seed_once
from sqlalchemy import text

async def main():
    async with Database(sys.argv[1]) as database:
        async def sow():
            await database.execute(text("INSERT INTO \\"user\\" VALUES (1, 'ann')"))
        print("ready", flush=True)
        sys.stdin.readline()
        applied = await migrate(database, Path(sys.argv[2]), service="shop")
        print(len(applied), await seed_once(database, "shop", "users", sow), flush=True)

asyncio.run(main())
"""


async def test_processes_that_start_at_once_migrate_once(empty: Database, tmp_path: Path) -> None:
    """Of three processes one migrates and one sows; none fails, none does it again."""
    folder = tmp_path / "migrations"
    async with empty as database:
        await written(database, folder, 1)
        await written(database, folder, 2)
    url = str(empty.engine)
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", _MIGRATE, url, str(folder),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        line = await process.stdout.readline()
        assert line == b"ready\n", (await process.communicate())[1].decode()
    results = await asyncio.gather(*(process.communicate(b"\n") for process in processes))
    assert [process.returncode for process in processes] == [0] * 3, results
    told = [out.split() for out, _ in results]
    assert sorted(int(applied) for applied, _ in told) == [0, 0, 2]
    assert sorted(sown for _, sown in told) == [b"False", b"False", b"True"]


BROKEN = '''"""Break."""

from alembic import op

revision = "0002_break"
down_revision = "0001_version_1"


def upgrade() -> None:
    op.execute("CREATE TABLE half (id INTEGER PRIMARY KEY)")
    op.execute("THIS IS NO SQL")
'''


async def test_a_migration_that_fails_leaves_nothing(empty: Database, tmp_path: Path) -> None:
    """Not even the migrations before it in the same run; the message names the file."""
    async with empty as database:
        await written(database, tmp_path, 1)
        (tmp_path / "0002_break.py").write_text(BROKEN)
        with pytest.raises(MigrationError, match=r"0002_break\.py failed .*nothing was changed"):
            await migrate(database, tmp_path, service="shop")
        assert await tables(database) == set()
        (tmp_path / "0002_break.py").unlink()
        assert len(await migrate(database, tmp_path, service="shop")) == 1


async def test_a_database_ahead_of_the_code_is_refused(empty: Database, tmp_path: Path) -> None:
    """An old version of the service must not run on the tables of a newer one."""
    async with empty as database:
        await written(database, tmp_path, 1)
        await written(database, tmp_path, 2)
        await migrate(database, tmp_path, service="shop")
        (tmp_path / "0002_version_2.py").unlink()
        for look in (migrate, pending):
            with pytest.raises(NewerDatabase, match="at migration 0002_version_2 of shop"):
                await look(database, tmp_path, service="shop")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"0001_a.py": 'revision = "0001_a"\ndown_revision = "0000_x"\n'}, "0000_x"),
        (
            {
                "0001_a.py": 'revision = "0001_a"\ndown_revision = None\n',
                "0002_b.py": 'revision = "0002_b"\ndown_revision = "0001_a"\n',
                "0002_c.py": 'revision = "0002_c"\ndown_revision = "0001_a"\n',
            },
            "0002_b and 0002_c .* both come last",
        ),
        ({"0001_a.py": "def upgrade(:\n"}, r"cannot be loaded .*0001_a\.py"),
        ({"0001_a.py": "import no_such_module\n"}, "cannot be loaded .*no_such_module"),
        ({"0001_a.py": "x = 1\n"}, r"0001_a\.py"),
    ],
)
async def test_files_that_do_not_fit_together_are_named(
    sqlite: str, tmp_path: Path, files: dict[str, str], told: str
) -> None:
    """Before anything is touched."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content)
    async with Database(sqlite) as database:
        with pytest.raises(MigrationError, match=told):
            await migrate(database, folder, service="shop")


async def test_a_missing_folder_names_the_command(sqlite: str, tmp_path: Path) -> None:
    """The remedy is one line."""
    async with Database(sqlite) as database:
        with pytest.raises(MigrationError, match="coterie migrate --service shop"):
            await migrate(database, tmp_path / "nowhere", service="shop")


RECREATE = '''"""Recreate users."""

import sqlalchemy as sa
from alembic import op

revision = "0002_recreate"
down_revision = "0001_version_1"


def upgrade() -> None:
    with op.batch_alter_table("user", recreate="always") as batch_op:
        batch_op.add_column(sa.Column("name", sa.String(20), nullable=True))
'''
ORPHAN = '''"""Orphan the orders."""

from alembic import op

revision = "0002_orphan"
down_revision = "0001_version_1"


def upgrade() -> None:
    op.execute('DELETE FROM "user"')
'''


async def test_altering_a_table_keeps_what_refers_to_it(sqlite: str, tmp_path: Path) -> None:
    """SQLite alters by copy and drop; with ON DELETE CASCADE the drop would empty other tables."""
    folder = tmp_path / "migrations"
    async with Database(sqlite) as database:
        await written(database, folder, 1)
        await migrate(database, folder, service="shop")
        async with database.transaction():
            await database.execute(text("INSERT INTO \"user\" VALUES (1, 'ann@example.org')"))
            await database.execute(text('INSERT INTO "order" VALUES (1, 1, 5)'))
        (folder / "0002_recreate.py").write_text(RECREATE)
        await migrate(database, folder, service="shop")
        async with database.transaction(read_only=True):
            assert await database.scalar(text('SELECT count(*) FROM "order"')) == 1
            assert await database.scalar(text("PRAGMA foreign_keys")) is not None


async def test_a_migration_that_orphans_rows_is_undone(sqlite: str, tmp_path: Path) -> None:
    """Foreign keys are off while tables change, so they are checked before the commit."""
    folder = tmp_path / "migrations"
    async with Database(sqlite) as database:
        await written(database, folder, 1)
        await migrate(database, folder, service="shop")
        async with database.transaction():
            await database.execute(text("INSERT INTO \"user\" VALUES (1, 'ann@example.org')"))
            await database.execute(text('INSERT INTO "order" VALUES (1, 1, 5)'))
        (folder / "0002_orphan.py").write_text(ORPHAN)
        with pytest.raises(MigrationError, match="rows of order would refer to rows"):
            await migrate(database, folder, service="shop")
        async with database.transaction(read_only=True):
            assert await database.scalar(text('SELECT count(*) FROM "user"')) == 1
