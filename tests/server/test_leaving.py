"""A client that goes away: what was done for it ends, and leaves nothing half done."""

import asyncio
import logging
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from coterie.contract import Code, Service, get, post
from coterie.server import App, Host, HttpServer
from coterie.store import Database, metadata, unit_of_work
from tests.server.kit import Talk, made, request, site_of, until


async def test_a_call_that_nobody_waits_for_ends(caplog: pytest.LogCaptureFixture) -> None:
    """It is cancelled where it waits; that is counted and logged, and is no error."""
    with caplog.at_level(logging.INFO):
        async with site_of() as site:
            async with await site.talk() as talk:
                talk.say(request("GET", "/waits"))
                await until(lambda: site.host.in_flight == 1)
            await until(lambda: site.host.in_flight == 0)
            assert not site.lab.go.is_set()
            assert site.host.meter.calls("lab.waits", Code.CANCELLED) == 1
            await until(lambda: "GET /waits 499" in site.lines.getvalue())
            assert await site.alive()
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_control_without_leaving_it_goes_on() -> None:
    """Control: a client that stays, silent for as long, gets its answer."""
    async with site_of() as site, await site.talk() as talk:
        talk.say(request("GET", "/waits"))
        await until(lambda: site.host.in_flight == 1)
        await asyncio.sleep(0.05)
        assert site.host.in_flight == 1
        site.lab.go.set()
        assert (await talk.answer()).status == 200


async def test_a_call_that_has_not_begun_is_never_begun() -> None:
    """Whoever gave up while it was waiting for its turn costs nothing, and keeps no place."""
    async with site_of() as site:
        talks = [await site.talk() for _ in range(20)]
        for talk in talks:
            talk.say(request("POST", "/notes", made(), {"content-type": "application/json"}))
            talk.writer.transport.abort()
        door = site.app.door
        assert door is not None
        await until(lambda: door.gate.waiting == 0 and site.host.in_flight == 0)
        assert (await site.ask("GET", "/text")).status == 200
        assert door.gate.waiting == 0


class Base(DeclarativeBase):
    metadata = metadata()


class Row(Base):
    __tablename__ = "row"
    id: Mapped[int] = mapped_column(primary_key=True)


class Writing(Service, version="1.0"):
    """Writes, and waits to be told to go on: before its end, or before its commit."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.go = asyncio.Event()
        self.finish = asyncio.Event()
        self.log: list[str] = []

    @post("/write")
    async def write(self) -> str:
        self.database.unit.after_rollback(self._undone)
        self.database.unit.after_commit(self._kept)
        self.database.add(Row(id=1))
        await self.database.flush()
        self.log.append("written")
        await self.go.wait()
        return "done"

    @get("/count")
    async def count(self) -> int:
        return await self.database.scalar(select(func.count()).select_from(Row)) or 0

    async def _undone(self) -> None:
        self.log.append("undone")

    async def _kept(self) -> None:
        self.log.append("keeping")
        await self.finish.wait()
        self.log.append("kept")


@pytest.fixture
async def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path}/rows.db")


@pytest.mark.parametrize("when", ["in its midst", "after its commit"])
async def test_what_it_wrote_is_undone_whole_or_kept_whole(database: Database, when: str) -> None:
    """In its midst all is rolled back, with what was to be taken back; a commit is finished."""
    async with database:
        async with database.transaction():
            connection = await (await database.session()).connection()
            await connection.run_sync(Base.metadata.create_all)
        writing = Writing(database)
        host = Host(writing, policies=[unit_of_work(database)])
        server = HttpServer(App([host]))
        await host.start()
        await server.start()
        try:
            async with Talk(*await asyncio.open_connection("127.0.0.1", server.port)) as talk:
                talk.say(request("POST", "/write"))
                await until(lambda: writing.log == ["written"])
                if when == "after its commit":
                    writing.go.set()
                    await until(lambda: "keeping" in writing.log)
            await asyncio.sleep(0.05)  # until the server has noticed, in the midst of it
            writing.finish.set()
            await until(lambda: host.in_flight == 0)
            undone = when == "in its midst"
            assert writing.log == (
                ["written", "undone"] if undone else ["written", "keeping", "kept"]
            )
            async with database.reading():
                assert await writing.count() == (0 if undone else 1)
        finally:
            await server.stop()
            await host.stop()
