"""`coterie migrate`: databases up to date without starting, and the next migration written."""

import json

import pytest

from tests.cli.conftest import Coterie
from tests.console.process import system
from tests.system.folder import Folder

NOTES = """
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
    from coterie import Service, get
    from coterie.store import Database, metadata

    class Model(DeclarativeBase):
        metadata = metadata()

    class Note(Model):
        __tablename__ = "notes"
        id: Mapped[int] = mapped_column(primary_key=True)
        text: Mapped[str]

    class NotesService(Service, version="1.0"):
        def __init__(self, database: Database) -> None:
            self.database = database

        @get("/notes")
        async def notes(self) -> None: ...
"""
PLAIN = """
    from coterie import Service, get

    class PlainService(Service, version="1.0"):
        @get("/plain")
        async def plain(self) -> None: ...
"""


@pytest.fixture
def lab(home: Folder) -> Folder:
    """A system in which one service keeps a database."""
    system(home.path, notes=NOTES, plain=PLAIN)
    return home


def test_a_migration_is_written_and_applied(coterie: Coterie, lab: Folder) -> None:
    """From the models to a file, from the file to the database, once."""
    done = coterie("migrate", "--service", "notes", "--new", "first tables")
    file = lab.path / "lab" / "migrations" / "0001_first_tables.py"
    assert done == (0, f"wrote {file}\n", "")
    assert "notes" in file.read_text()
    assert coterie("migrate").out == "notes: 0001_first_tables First tables.\n"
    assert coterie("migrate").out == "notes: up to date\n"
    assert coterie("migrate", "--json").json() == {"notes": []}
    assert (lab.path / ".coterie" / "notes.db").is_file()
    again = coterie("migrate", "--service", "notes", "--new", "again")
    assert again.out == "notes: nothing changed, nothing written\n"
    again = coterie("migrate", "--service", "notes", "--new", "again", "--json")
    assert again.json() == {"written": None}


def test_where_nothing_is_kept_there_is_nothing_to_do(coterie: Coterie, lab: Folder) -> None:
    """One service alone may be asked for."""
    assert coterie("migrate", "--service", "plain").out == "nothing keeps a database\n"
    done = coterie("migrate", "--service", "plain", "--new", "first tables")
    assert done.code == 1
    assert "service plain: nothing in it asks for a Database" in done.err


def test_whose_migration_must_be_said(coterie: Coterie, lab: Folder) -> None:
    """Each service owns its tables; the remedy can be copied."""
    done = coterie("migrate", "--new", "first tables")
    assert done.code == 2
    assert 'coterie migrate --service notes --new "first tables"' in done.err
    done = coterie("migrate", "--service", "nots")
    assert done.code == 2
    assert "Did you mean notes?" in done.err


def test_a_database_that_cannot_be_used_is_told(coterie: Coterie, lab: Folder) -> None:
    """No traceback: service, path and remedy."""
    coterie("migrate", "--service", "notes", "--new", "first tables")
    (lab.path / ".coterie").mkdir(exist_ok=True)
    (lab.path / ".coterie" / "notes.db").write_bytes(b"no database, but long enough" * 200)
    done = coterie("migrate", "--json")
    assert done.code == 1
    (problem,) = json.loads(done.err)["problems"]
    assert "service notes" in problem["what"]
    assert "notes.db" in problem["remedy"]
