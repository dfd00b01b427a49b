"""The registry's file: what is answered with success is on the disk, and damage is told."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from coterie.members.registry.server import RegisterFileError, RegistryApp
from coterie.members.registry.server.register_file import RegisterFile, Write
from coterie.registry import Memory
from tests.members.registry.kit import TOKENS, live

A = "http://localhost:5000"


def statement(path: Path, sql: str) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute(sql)
    database.close()


def written(path: Path, octets: bytes, at: int = 0) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(octets)


async def _filled(folder: Path) -> Path:
    async with live(folder) as here:
        for number in range(40):
            sent = {"name": f"service-{number}", "url": A}
            assert (await here.ask("POST", "/register", sent)).status == 201
    return folder / "registry.db"


DAMAGE: list[tuple[str, Callable[[Path], None]]] = [
    ("it is no database", lambda path: written(path, b"not a database at all")),
    ("a page is torn", lambda path: written(path, b"\xff" * 8192, 8192)),
    (
        "a record cannot be read",
        lambda path: statement(path, "UPDATE service SET record = '{' WHERE name = 'service-7'"),
    ),
    (
        "a record is something else",
        lambda path: statement(path, "UPDATE instance SET record = '{\"id\": 5}'"),
    ),
    ("a table is gone", lambda path: statement(path, "DROP TABLE instance")),
]


@pytest.mark.parametrize("damage", [damage for _, damage in DAMAGE], ids=[d for d, _ in DAMAGE])
async def test_a_damaged_file_is_named_and_left_as_it_is(
    damage: Callable[[Path], None], tmp_path: Path
) -> None:
    """Nothing is begun anew in silence: whose name is whose would be lost."""
    path = await _filled(tmp_path)
    damage(path)
    before = path.read_bytes()
    app = RegistryApp(Memory(), path, tokens=TOKENS)
    with pytest.raises(
        RegisterFileError, match="Restore it from a backup, or move it away"
    ) as told:
        await app.start()
    assert str(path) in str(told.value)
    assert path.read_bytes() == before
    await app.stop()
    path.rename(tmp_path / "aside")
    for end in ("-wal", "-shm"):
        (tmp_path / f"registry.db{end}").unlink(missing_ok=True)
    await app.start()
    await app.stop()


async def test_control_a_whole_file_is_read(tmp_path: Path) -> None:
    """Control: the same file, untouched."""
    await _filled(tmp_path)
    async with live(tmp_path) as here:
        assert len(await here.state()) == 40


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda path: path.mkdir(), "cannot be opened"),
        (lambda path: path.parent.joinpath("x").write_text(""), "cannot be opened"),
        (lambda path: statement(path, "PRAGMA user_version = 99"), "newer Coterie wrote it"),
    ],
    ids=["a folder", "below a file", "a newer one"],
)
async def test_a_file_that_cannot_be_used_is_named(
    prepare: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    """With what to do about it."""
    path = tmp_path / "registry.db"
    prepare(path)
    if (tmp_path / "x").exists():
        path = tmp_path / "x" / "registry.db"
    with pytest.raises(RegisterFileError, match=words) as told:
        await RegistryApp(Memory(), path, tokens=TOKENS).start()
    assert str(path) in str(told.value)
    assert told.value.remedy


async def test_two_registries_do_not_share_a_file(tmp_path: Path) -> None:
    """The second says so. Control: when the first has stopped, it has the file."""
    app = RegistryApp(Memory(), tmp_path / "registry.db", tokens=TOKENS)
    async with live(tmp_path):
        with pytest.raises(RegisterFileError, match="another process has"):
            await app.start()
    await app.start()
    await app.stop()


async def test_the_file_is_private(tmp_path: Path) -> None:
    """Nobody else reads who is where, and nothing in it is a token."""
    path = await _filled(tmp_path)
    assert path.stat().st_mode & 0o077 == 0
    assert b"token" not in path.read_bytes()


def as_killed(folder: Path, copy: Path) -> None:
    copy.mkdir()
    for file in folder.glob("registry.db*"):
        (copy / file.name).write_bytes(file.read_bytes())


async def test_what_is_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """The files as they are at the moment of the answer hold what was answered."""
    async with live(tmp_path) as here:
        for number in range(20):
            sent = {"name": f"service-{number}", "url": A}
            assert (await here.ask("POST", "/register", sent)).status == 201
            as_killed(tmp_path, tmp_path / f"killed-{number}")
    kept = RegisterFile(tmp_path / "killed-19" / "registry.db")
    assert len((await kept.open()).services) == 20
    await kept.close()
    first = RegisterFile(tmp_path / "killed-0" / "registry.db")
    assert [service.name for service in (await first.open()).services] == ["service-0"]
    await first.close()


async def test_what_cannot_be_written_has_not_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503, and nothing changed; when the disk has room again, it goes on."""

    async def full(file: RegisterFile, writes: Sequence[Write]) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    async with live(tmp_path) as here:
        await here.ask("POST", "/register", {"name": "ServiceA", "url": A})
        before, index = await here.state(), (await here.ask("GET", "/health")).index
        instance = "/services/ServiceA/instances/ServiceA-default"
        with monkeypatch.context() as patched:
            patched.setattr(RegisterFile, "write", full)
            for method, path, body in (
                ("POST", "/register", {"name": "ServiceA", "url": "http://elsewhere"}),
                ("POST", "/register", {"name": "ServiceB", "url": A}),
                ("PUT", "/services/ServiceA", {"owner": "x"}),
                ("PUT", "/services/ServiceB", {"owner": "x"}),
                ("PUT", f"{instance}/heartbeat", {"status": "DOWN"}),
                ("DELETE", instance, None),
                ("DELETE", "/services/ServiceA", None),
            ):
                answer = await here.ask(method, path, body)
                assert (answer.status, bool(answer.error)) == (503, True)
                assert await here.state() == before
            assert (await here.ask("PUT", f"{instance}/heartbeat")).status == 200
        assert (await here.ask("GET", "/health")).index == index
        assert (await here.ask("DELETE", "/services/ServiceA")).status == 204


async def test_half_a_change_is_none(tmp_path: Path) -> None:
    """All statements of a change happen, or none of them."""
    file = RegisterFile(tmp_path / "registry.db")
    await file.open()
    good = ("INSERT INTO service VALUES (?, ?)", ("a", '{"name": "a", "registered_by": "b"}'))
    with pytest.raises(sqlite3.Error):
        await file.write([good, ("INSERT INTO nowhere VALUES (1)", ())])
    await asyncio.gather(*(file.write([]) for _ in range(3)))
    await file.close()
    assert (await file.open()).services == []
    await file.close()
