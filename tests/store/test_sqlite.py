"""What SQLite alone must prove: settings read back, writers in a queue, errors with a remedy."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from coterie.call import Failure
from coterie.contract import Code
from coterie.store import (
    CommitFailed,
    CorruptDatabase,
    Database,
    Misuse,
    Unavailable,
    unit_of_work,
)
from coterie.store.write_queue import WriteQueue
from tests.store.conftest import with_tables
from tests.store.shop import LOOK, Product, answering, call, count


async def pragma(database: Database, name: str, *, read_only: bool) -> object:
    async with database.transaction(read_only=read_only):
        return await database.scalar(text(f"PRAGMA {name}"))


async def test_the_settings_are_those_that_keep_promises(file: Database) -> None:
    """Read back from the running engine: WAL, FULL, foreign keys; readers cannot write."""
    assert await pragma(file, "journal_mode", read_only=False) == "wal"
    assert await pragma(file, "synchronous", read_only=False) == 2  # FULL
    assert await pragma(file, "foreign_keys", read_only=False) == 1
    assert await pragma(file, "query_only", read_only=True) == 1
    assert await pragma(file, "busy_timeout", read_only=False) == 0  # asked for by the fixture


async def test_parallel_writers_queue_without_any_busy_timeout(sqlite: str) -> None:
    """200 writers of two Databases on one file, not one of which may wait inside SQLite."""
    async with Database(sqlite, busy_timeout=0) as one, Database(sqlite, busy_timeout=0) as two:
        await with_tables(one)
        async with one.transaction():
            one.add(Product(id=1, available=0))
        assert await _add(one, two) == []
        async with one.transaction(read_only=True):
            assert await one.scalar(select(Product.available)) == 200


async def test_without_the_queue_the_same_writers_collide(
    sqlite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: with the queue switched off, SQLite turns the second writer away."""

    async def enter(self: WriteQueue, claim: object, wait: float) -> None:
        """Come in, whoever writes."""

    monkeypatch.setattr(WriteQueue, "enter", enter)
    monkeypatch.setattr(WriteQueue, "leave", lambda self: None)
    async with Database(sqlite, busy_timeout=0) as one, Database(sqlite, busy_timeout=0) as two:
        await with_tables(one)
        async with one.transaction():
            await one.execute(update(Product).values(available=1))
            with pytest.raises(Unavailable, match="another process has been writing"):
                async with two.transaction():
                    await two.execute(update(Product).values(available=1))


async def _add(*databases: Database) -> list[BaseException]:
    async def add(database: Database) -> None:
        async with database.transaction():
            before = await database.scalar(select(Product.available))
            await database.execute(update(Product).values(available=(before or 0) + 1))

    results = await asyncio.gather(
        *(add(databases[number % len(databases)]) for number in range(200)),
        return_exceptions=True,
    )
    return [result for result in results if result is not None]


async def test_a_call_that_may_write_holds_the_lock_from_its_first_statement(
    file: Database, tmp_path: Path
) -> None:
    """What it read cannot change before it writes, whoever else writes; safe calls hold nothing."""
    other = sqlite3.connect(tmp_path / "shop.db", isolation_level=None, timeout=0)
    try:
        async with file.transaction():
            await file.execute(select(Product))
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
        async with file.transaction(read_only=True):
            await file.execute(select(Product))
            other.execute("BEGIN IMMEDIATE")
            other.execute("COMMIT")
    finally:
        other.close()


async def test_writers_come_in_the_order_they_asked(file: Database) -> None:
    """First come, first served: nobody starves."""
    order: list[int] = []

    async def write(number: int) -> None:
        async with file.transaction():
            await file.execute(insert(Product).values(id=number, available=1))
            order.append(number)

    await asyncio.gather(*(write(number) for number in range(30)))
    assert order == list(range(30))


async def test_waiting_for_the_turn_is_bounded_and_names_who_writes(sqlite: str) -> None:
    """A unit that never ends does not hang the others for ever; the cancelled leave no gap."""
    async with Database(sqlite, wait=0.1) as database:
        await with_tables(database)
        began, go = asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            database.add(Product(id=1, available=1))
            await database.flush()
            began.set()
            await go.wait()

        writer = asyncio.ensure_future(answering(unit_of_work(database), slow)(call()))
        await began.wait()
        with pytest.raises(Unavailable, match=r"waited 0\.1 s .* shop\.buy was writing"):
            async with database.transaction():
                await database.execute(update(Product).values(available=2))
        go.set()
        await writer
        async with database.transaction():
            await database.execute(update(Product).values(available=3))


async def test_a_writer_nested_in_a_writer_is_told_at_once(sqlite: str) -> None:
    """Two services on one file, one calling the other in the middle of writing: no deadlock."""
    async with Database(sqlite) as one, Database(sqlite) as two:
        await with_tables(one)

        async def inner() -> None:
            two.add(Product(id=2, available=1))

        async def outer() -> None:
            one.add(Product(id=1, available=1))
            await one.flush()
            await answering(unit_of_work(two), inner)(call())

        began = time.monotonic()
        with pytest.raises(Failure) as failure:
            await answering(unit_of_work(one), outer)(call())
        assert isinstance(failure.value.__cause__, Misuse)
        assert "Call first, then write" in str(failure.value.__cause__)
        assert time.monotonic() - began < 2
        assert await count(one, Product) == 0


@contextmanager
def _lock_of_another_process(file: Path) -> Generator[Callable[[], Any]]:
    """Hold the write lock by a connection that our queue does not know."""
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield lambda: other.execute("COMMIT")
    finally:
        other.close()


async def test_a_writer_of_another_process_is_waited_for(sqlite: str, tmp_path: Path) -> None:
    """Across processes there is only polling: it succeeds once the lock is free."""
    async with Database(sqlite, busy_timeout=10) as database:
        await with_tables(database)
        with _lock_of_another_process(tmp_path / "shop.db") as unlock:
            asyncio.get_running_loop().call_later(0.1, unlock)
            async with database.transaction():
                database.add(Product(id=1, available=1))
        assert await count(database, Product) == 1


async def test_a_writer_of_another_process_is_not_waited_for_for_ever(
    sqlite: str, tmp_path: Path
) -> None:
    """After busy_timeout it is an error that says who and what to do; then it works again."""
    async with Database(sqlite, busy_timeout=0.05) as database:
        await with_tables(database)
        with _lock_of_another_process(tmp_path / "shop.db") as unlock:
            with pytest.raises(Unavailable, match="another process has been writing"):
                async with database.transaction():
                    database.add(Product(id=1, available=1))
            unlock()
            async with database.transaction():
                database.add(Product(id=1, available=1))


@contextmanager
def _coming_and_going(file: Path) -> Generator[None]:
    """A thread that opens the file, reads and closes it, again and again."""
    enough = threading.Event()

    def work() -> None:
        while not enough.is_set():
            with closing(sqlite3.connect(file, timeout=5)) as other:
                other.execute("SELECT count(*) FROM product").fetchall()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


async def test_whoever_just_closes_the_file_is_waited_for(sqlite: str, tmp_path: Path) -> None:
    """It has the file for itself for a moment: that is no error, even with no patience."""
    async with Database(sqlite, busy_timeout=0) as database:
        await with_tables(database)
    with _coming_and_going(tmp_path / "shop.db"):
        for _ in range(50):
            async with Database(sqlite, busy_timeout=0) as database:
                assert await count(database, Product) == 0


async def test_waiting_for_another_process_can_be_cancelled(sqlite: str, tmp_path: Path) -> None:
    """A deadline ends the wait at once, not after the busy timeout."""
    async with Database(sqlite, busy_timeout=60) as database:
        await with_tables(database)
        with _lock_of_another_process(tmp_path / "shop.db"):
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1), database.transaction():
                    await database.execute(update(Product).values(available=1))
            assert time.monotonic() - began < 2


async def test_after_an_error_that_undid_everything_nothing_more_is_done(file: Database) -> None:
    """Some errors make SQLite roll back by itself; going on would commit a half."""
    insert_one = text("INSERT OR ROLLBACK INTO product (id, available) VALUES (:id, 1)")

    async def buy() -> None:
        await file.execute(insert_one, {"id": 1})
        with pytest.raises(IntegrityError):
            await file.execute(insert_one, {"id": 1})
        with pytest.raises(OperationalError, match="rolled the transaction back"):
            await file.execute(insert_one, {"id": 2})

    with pytest.raises(Failure) as failure:
        await answering(unit_of_work(file), buy)(call())
    assert isinstance(failure.value.__cause__, CommitFailed)
    assert not failure.value.__cause__.unknown
    assert await count(file, Product) == 0


async def test_a_full_disk_is_told_and_passes(file: Database) -> None:
    """The call fails as unavailable, nothing is kept, and with room again all is well."""
    async with file.transaction():
        pages = await file.scalar(text("PRAGMA page_count"))
        await file.execute(text(f"PRAGMA max_page_count={pages + 2}"))

    async def buy() -> None:
        rows = [{"id": number, "available": number} for number in range(5000)]
        await file.execute(insert(Product), rows)

    handler = answering(unit_of_work(file), buy)
    with pytest.raises(Failure) as failure:
        await handler(call())
    assert failure.value.code is Code.UNAVAILABLE
    assert "is full: make room" in str(failure.value.__cause__)
    assert "shop.db" not in failure.value.message
    assert await count(file, Product) == 0
    async with file.transaction():
        await file.execute(text("PRAGMA max_page_count=1000000"))
    await handler(call())
    assert await count(file, Product) == 5000


@pytest.mark.parametrize(
    "content", [b"not a database, " * 100, b"SQLite format 3\0" + b"\xff" * 4080]
)
async def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    """It is never overwritten."""
    path = tmp_path / "shop.db"
    path.write_bytes(content)
    with pytest.raises(CorruptDatabase, match=r"shop\.db .* put a backup in its place"):
        async with Database(f"sqlite:///{path}") as database:
            await count(database, Product)
    assert path.read_bytes() == content


async def test_rows_beyond_the_first_chunk_all_come(file: Database) -> None:
    """However many rows there are, all at once or streamed in parts."""
    async with file.transaction():
        rows = [{"id": number, "available": number} for number in range(1000)]
        await file.execute(insert(Product), rows)
    async with file.transaction(read_only=True):
        assert len((await file.scalars(select(Product.id))).all()) == 1000
        session = await file.session()
        stream = await session.stream_scalars(select(Product.id).order_by(Product.id))
        assert [number async for number in stream] == list(range(1000))
        stream = await session.stream_scalars(select(Product.id).order_by(Product.id))
        assert await stream.first() == 0  # and leaves the rest


async def test_a_memory_database_works_like_a_file(tmp_path: Path) -> None:
    """Readers beside the writer, nothing left behind."""
    database = Database("sqlite:///:memory:")
    async with database:
        await with_tables(database)
        async with database.transaction():
            database.add(Product(id=1, available=1))
            await database.flush()
            assert await count(database, Product) == 0
        assert await count(database, Product) == 1
        async with database.transaction(read_only=True):
            folder = Path(
                str((await database.execute(text("PRAGMA database_list"))).one()[2])
            ).parent
    assert not folder.exists()


async def test_a_unit_that_reads_sees_one_moment(file: Database) -> None:
    """Between two statements of one safe call, other calls' commits do not show."""
    async with file.transaction():
        file.add(Product(id=1, available=1))

    async def look() -> tuple[int, int]:
        first = len((await file.scalars(select(Product.id))).all())
        async with file.transaction(independent=True):
            file.add(Product(id=2, available=1))
        return first, len((await file.scalars(select(Product.id))).all())

    assert (await answering(unit_of_work(file), look)(call(LOOK))).value == (1, 1)


_COMMITS = """
import asyncio, sys
from sqlalchemy import text
from coterie.store import Database

async def main():
    async with Database(sys.argv[1]) as database:
        number = 0
        while True:
            async with database.transaction():
                await database.execute(text(f"INSERT INTO product VALUES ({number}, 1)"))
            print(number, flush=True)
            number += 1

asyncio.run(main())
"""


async def test_what_was_acknowledged_survives_a_kill(sqlite: str) -> None:
    """Killed at any moment, a process leaves every commit it told of, and no half of one."""
    async with Database(sqlite) as database:
        await with_tables(database)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _COMMITS, sqlite, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        told = [int(await process.stdout.readline()) for _ in range(50)][-1]
        process.kill()
        rest = (await process.communicate())[0].split()
        told = int(rest[-1]) if rest else told
        assert await count(database, Product) in {told + 1, told + 2}
