"""Database URLs: what they mean, and what a wrong one is told."""

import importlib.util
import logging
from pathlib import Path

import pytest

from coterie.store import AddressError, Database
from coterie.store.address import PostgresAddress, SqliteAddress, address


def test_three_slashes_are_relative_and_four_are_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sqlite:///app/x.db` is in the current folder; `sqlite:////app/x.db` is where it says."""
    monkeypatch.chdir(tmp_path)
    assert address("sqlite:///app/x.db") == SqliteAddress(tmp_path / "app" / "x.db")
    assert address("sqlite:////app/x.db") == SqliteAddress(Path("/app/x.db"))
    assert address("sqlite+aiosqlite:///x.db") == SqliteAddress(tmp_path / "x.db")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_memory_needs_no_path(url: str) -> None:
    """The usual spellings of a database that is gone with the app."""
    assert address(url) == SqliteAddress(None)


@pytest.mark.promise("W2-04")
async def test_a_slash_too_few_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A relative path whose absolute twin exists is taken as written, and the log names the twin."""
    (tmp_path / "mounted").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    name = f"{str(tmp_path).removeprefix('/')}/mounted/shop.db"
    with caplog.at_level(logging.WARNING):
        async with Database(f"sqlite:///{name}"):
            pass
    assert "an absolute path has four slashes" in caplog.text
    assert f"sqlite:////{name}" in caplog.text
    assert (tmp_path / "elsewhere" / name).exists()
    assert not (tmp_path / "mounted" / "shop.db").exists()


@pytest.mark.promise("S2-42")
async def test_the_folder_of_the_file_is_made(tmp_path: Path) -> None:
    """A path given by configuration works the first time, four slashes and all."""
    url = f"sqlite:///{tmp_path}/database/deep/central.sqlite3"
    assert url.startswith("sqlite:////")
    async with Database(url):
        assert (tmp_path / "database" / "deep" / "central.sqlite3").is_file()


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """The message names the path and what to do."""
    (tmp_path / "plain").write_text("a file, not a folder")
    with pytest.raises(AddressError, match=r"the folder of .*plain/x\.db cannot be made"):
        await Database(f"sqlite:///{tmp_path}/plain/x.db").start()


async def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """Naming a folder is told apart from naming a file in it."""
    with pytest.raises(AddressError, match="is a folder: name a file in it"):
        await Database(f"sqlite:///{tmp_path}").start()


async def test_a_path_nobody_may_write_is_named() -> None:
    """Where no file can be made, the message says so before the first call."""
    with pytest.raises(AddressError, match="/proc"):
        await Database("sqlite:////proc/coterie.db").start()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("shop.db", "has no '://'"),
        ("mysql://root@localhost/shop", "no database is known by 'mysql://'"),
        ("mysql://root@localhost/shop", r"pip install 'coterie\[postgres\]'"),
        ("sqlite://shop.db", "SQLite has no host"),
        ("sqlite:///shop.db?mode=ro", "takes no '\\?' parameters"),
        ("postgresql://localhost", "the name of the database is missing"),
        ("postgresql://localhost/shop?sslmod=require", "unknown parameter sslmod; known are"),
        ("postgresql://localhost:http/shop", "cannot be read"),
    ],
)
def test_a_wrong_url_is_told_what_is_right(url: str, told: str) -> None:
    """Every message shows the right form or the remedy."""
    with pytest.raises(AddressError, match=told):
        Database(url)


def test_a_missing_driver_names_the_line_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL without its driver is no traceback about an import."""
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "asyncpg" else real(name)
    )
    with pytest.raises(AddressError, match=r"run pip install 'coterie\[postgres\]'"):
        Database("postgresql://localhost/shop")


def test_a_postgres_url_is_taken_apart() -> None:
    """User, password, host, port, name and the parameters of libpq that matter."""
    found = address(
        "postgres://ann:p%40ss@db.example:6432/shop?sslmode=require&connect_timeout=3"
        "&application_name=orders"
    )
    assert found == PostgresAddress(
        host="db.example",
        port=6432,
        user="ann",
        password="p@ss",
        database="shop",
        ssl="require",
        application="orders",
        timeout=3.0,
    )
    assert address("postgresql:///shop?host=/run/postgresql") == PostgresAddress(
        host="/run/postgresql", port=None, user=None, password=None, database="shop"
    )


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:geheim@localhost",
        "postgresql://ann:geheim@localhost:http/shop",
        "postgresql://ann:geheim@localhost/shop?x=y",
        "postgresql://ann:geheim@[::1/shop",
        "mysql://ann:geheim@localhost/shop",
    ],
)
def test_no_message_shows_a_password(url: str) -> None:
    """Neither the message nor what caused it quotes the secret."""
    with pytest.raises(AddressError) as wrong:
        Database(url)
    error: BaseException | None = wrong.value
    while error is not None:
        assert "geheim" not in repr(error)
        error = error.__cause__


def test_nothing_that_is_shown_has_the_password() -> None:
    """Neither of the address nor of the database."""
    url = "postgresql://ann:geheim@localhost/shop"
    assert "geheim" not in repr(address(url)) + str(address(url)) + repr(Database(url))
