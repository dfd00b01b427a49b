"""Migrations of a system's services, run and written without starting it."""

import importlib

import pytest

from coterie.system import SystemProblems, load, migrate, write_migration
from tests.system.folder import Folder

SERVICE = """
    from coterie import Service, get
    from coterie.store import Database
    from notes.tables import notes

    class Notes(Service, version="1.0"):
        def __init__(self, database: Database) -> None:
            self.database = database

        @get("/notes")
        async def all(self) -> list[str]:
            return []
"""

TABLES = """
    from coterie.store import metadata
    from sqlalchemy import Column, String, Table

    tables = metadata()
    notes = Table("notes", tables, Column("text", String(20), nullable=False))
"""


@pytest.fixture
def notes(folder: Folder) -> Folder:
    """A system with tables and no migrations yet."""
    folder.write("notes/__init__.py", "")
    folder.write("notes/service.py", SERVICE)
    folder.write("notes/tables.py", TABLES)
    folder.write(
        "notes/hello.py", "from coterie import Service\nclass Hello(Service, version='1'): ...\n"
    )
    folder.toml("""
        [system]
        name = "notes"
        [service.notes]
        implements = "notes.service:Notes"
        [service.hello]
        implements = "notes.hello:Hello"
    """)
    return folder


async def test_the_first_migration_is_written_and_run(notes: Folder) -> None:
    """From the tables that the service's modules name, into `migrations` beside its module."""
    system = load(notes.path, environment={})
    assert await migrate(system) == {"notes": ()}
    written = await write_migration(system, "notes", "first tables")
    assert written is not None
    assert written.parent == notes.path / "notes" / "migrations"
    assert "create_table(" in written.read_text()
    (step,) = (await migrate(system))["notes"]
    assert step.endswith("First tables.")
    assert await migrate(system) == {"notes": ()}
    assert await write_migration(system, "notes", "again") is None


async def test_a_changed_table_makes_the_next_migration(notes: Folder) -> None:
    """Only the difference is written."""
    system = load(notes.path, environment={})
    await write_migration(system, "notes", "first tables")
    tables = TABLES.replace(
        "nullable=False)", "nullable=False), Column('note', String(9), nullable=True)"
    )
    notes.write("notes/tables.py", tables)
    with notes.lent():
        pass  # forgets the modules, as a new process would
    importlib.invalidate_caches()
    written = await write_migration(system, "notes", "orders have a note")
    assert written is not None
    assert "add_column" in written.read_text()


async def test_a_named_folder_is_made_with_its_first_migration(notes: Folder) -> None:
    """`check` asks for the folder; what it advises does work."""
    notes.toml("""
        [system]
        name = "notes"
        [service.notes]
        implements = "notes.service:Notes"
        migrations = "steps"
    """)
    assert len(notes.problems()) == 1
    written = await write_migration(load(notes.path, environment={}), "notes", "first")
    assert written is not None
    assert written.parent == notes.path / "steps"
    assert notes.problems() == []


async def test_only_the_services_asked_for_are_migrated(notes: Folder) -> None:
    """Each service owns its database."""
    system = load(notes.path, environment={})
    assert await migrate(system, services=["hello"]) == {}
    with pytest.raises(LookupError, match="notes has no service 'nots'; it has notes, hello"):
        await write_migration(system, "nots", "x")
    with pytest.raises(SystemProblems, match="service hello: nothing in it asks for a Database"):
        await write_migration(system, "hello", "x")


async def test_a_migration_that_cannot_be_loaded_is_named(notes: Folder) -> None:
    """With service and file."""
    notes.write("notes/migrations/0001.py", "1 / 0")
    with pytest.raises(SystemProblems, match=r"toml:4?.*service notes cannot use its database"):
        await migrate(load(notes.path, environment={}))


async def test_two_sets_of_tables_in_one_service_are_told(notes: Folder) -> None:
    """Which would the migration lead to?"""
    second = "other = metadata()\nmore = Table('more', other, Column('x', String(2)))\n"
    notes.write("notes/tables.py", TABLES + "    " + second.replace("\n", "\n    "))
    notes.write("notes/service.py", SERVICE.replace("import notes", "import more, notes"))
    with pytest.raises(SystemProblems, match="2 different sets of tables"):
        await write_migration(load(notes.path, environment={}), "notes", "x")
