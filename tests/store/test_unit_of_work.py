"""Whatever one call changes is kept or forgotten together, on every engine."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from coterie.call import Failure, Reply
from coterie.contract import Code
from coterie.store import CommitFailed, Database, Misuse, unit_of_work
from tests.store.shop import LOOK, Order, Product, answering, call, count, until


async def test_a_call_that_returns_is_committed(database: Database) -> None:
    """What a call added is there for everybody once it has answered."""

    async def buy() -> str:
        database.add(Product(id=1, available=10))
        return "bought"

    reply = await answering(unit_of_work(database), buy)(call())
    assert reply.value == "bought"
    assert await count(database, Product) == 1


async def test_nothing_is_seen_before_the_commit(database: Database) -> None:
    """Between the statement and the end of the call, others see the state before it."""
    seen: list[int] = []

    async def buy() -> None:
        database.add(Product(id=1, available=10))
        await database.flush()
        seen.append(await count(database, Product))

    await answering(unit_of_work(database), buy)(call())
    assert seen == [0]
    assert await count(database, Product) == 1


async def test_a_call_that_raises_leaves_nothing(database: Database) -> None:
    """The exception reaches the caller as it is, and the database is as before."""

    async def buy() -> None:
        database.add(Product(id=1, available=10))
        await database.flush()
        raise LookupError("no such user")

    with pytest.raises(LookupError, match="no such user"):
        await answering(unit_of_work(database), buy)(call())
    assert await count(database, Product) == 0


async def test_a_reply_that_cannot_be_encoded_leaves_nothing(database: Database) -> None:
    """Rendering belongs to the unit of work: what the caller cannot be told did not happen."""

    def render(value: object) -> Reply:
        raise TypeError(f"cannot encode {value!r}")

    async def buy() -> object:
        database.add(Product(id=1, available=10))
        await database.flush()
        return object()

    with pytest.raises(TypeError, match="cannot encode"):
        await answering(unit_of_work(database), buy)(call(render=render))
    assert await count(database, Product) == 0


async def test_a_rendered_reply_is_committed(database: Database) -> None:
    """Control of the test before: the same call with a reply that can be encoded is kept."""

    async def buy() -> object:
        database.add(Product(id=1, available=10))
        return object()

    await answering(unit_of_work(database), buy)(call(render=lambda _: Reply(body=b"ok")))
    assert await count(database, Product) == 1


async def test_a_safe_operation_cannot_write(database: Database) -> None:
    """What is declared safe is refused every write, and the message says what to declare."""

    async def look() -> None:
        database.add(Product(id=1, available=10))

    with pytest.raises(Failure) as failure:
        await answering(unit_of_work(database), look)(call(LOOK))
    assert failure.value.code is Code.INTERNAL
    assert isinstance(failure.value.__cause__, Misuse)
    assert "declare the operation as post" in str(failure.value.__cause__)
    assert await count(database, Product) == 0


async def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    """While one call is in the middle of writing, another one reads the state before it."""
    begun, go = asyncio.Event(), asyncio.Event()

    async def buy() -> None:
        database.add(Product(id=1, available=10))
        await database.flush()
        begun.set()
        await go.wait()

    async def look() -> int:
        return len((await database.scalars(select(Product))).all())

    writer = asyncio.ensure_future(answering(unit_of_work(database), buy)(call()))
    await begun.wait()
    reply = await asyncio.wait_for(answering(unit_of_work(database), look)(call(LOOK)), 2)
    assert reply.value == 0
    go.set()
    await writer
    assert (await answering(unit_of_work(database), look)(call(LOOK))).value == 1


async def test_more_readers_than_connections_all_answer(database: Database) -> None:
    """A call that reads gives its connection back, and the next in line takes it."""

    async def look() -> int:
        await database.execute(select(Product))
        return len((await database.scalars(select(Product))).all())

    handler = answering(unit_of_work(database), look)
    replies = await asyncio.gather(*(handler(call(LOOK)) for _ in range(50)))
    assert [reply.value for reply in replies] == [0] * 50


async def test_the_last_items_are_sold_once(database: Database) -> None:
    """100 parallel orders for the last 10 items: exactly 10 succeed, and stock ends at zero."""
    async with database.transaction():
        database.add(Product(id=1, available=10))

    async def buy() -> bool:
        taken = await database.execute(
            update(Product)
            .where(Product.id == 1, Product.available >= 1)
            .values(available=Product.available - 1)
        )
        if taken.rowcount != 1:
            return False
        database.add(Order(product_id=1, note=secrets.token_hex(8)))
        return True

    handler = answering(unit_of_work(database), buy)
    replies = await asyncio.gather(*(handler(call()) for _ in range(100)))
    assert sum(reply.value for reply in replies) == 10
    assert await count(database, Order) == 10
    async with database.transaction(read_only=True):
        assert await database.scalar(select(Product.available)) == 0


async def test_a_check_in_the_database_holds_where_the_code_forgets(database: Database) -> None:
    """Stock below zero is refused by the database itself, and all of the call is undone."""
    async with database.transaction():
        database.add(Product(id=1, available=1))

    async def buy() -> None:
        database.add(Order(product_id=1, note="x"))
        await database.execute(update(Product).values(available=Product.available - 2))

    with pytest.raises(IntegrityError):
        await answering(unit_of_work(database), buy)(call())
    assert await count(database, Order) == 0


async def test_a_row_cannot_refer_to_what_is_not_there(database: Database) -> None:
    """Foreign keys are enforced on both engines."""
    with pytest.raises(IntegrityError):
        async with database.transaction():
            database.add(Order(product_id=404, note="x"))


async def test_a_savepoint_undoes_a_part(database: Database) -> None:
    """A refused insert inside a savepoint leaves the rest of the call whole, on both engines."""

    async def buy() -> str:
        database.add(Product(id=1, available=10))
        await database.flush()
        database.add(Order(product_id=1, note="same"))
        await database.flush()
        try:
            async with database.savepoint():
                database.add(Order(product_id=1, note="same"))
        except IntegrityError:
            return "refused"
        return "taken twice"

    reply = await answering(unit_of_work(database), buy)(call())
    assert reply.value == "refused"
    assert await count(database, Order) == 1


async def test_tasks_of_one_call_take_turns(database: Database) -> None:
    """Statements sent side by side with gather() join the same unit, one after the other."""

    async def buy() -> None:
        await asyncio.gather(
            *(database.execute(insert(Product).values(id=one, available=1)) for one in range(20))
        )

    await answering(unit_of_work(database), buy)(call())
    assert await count(database, Product) == 20


async def test_tasks_of_one_call_share_one_connection(url: str) -> None:
    """Also where all of them are the first: one opens the unit, the others find it open."""
    async with Database(url, connections=1, wait=1.0) as database:

        async def look() -> list[object]:
            ones = (database.scalar(text("SELECT 1")) for _ in range(20))
            return list(await asyncio.gather(*ones))

        reply = await answering(unit_of_work(database), look)(call(LOOK))
        assert reply.value == [1] * 20


async def test_a_streamed_body_begins_after_the_commit(database: Database) -> None:
    """The stream may take minutes; no transaction waits for it."""
    seen: list[int] = []

    async def stream() -> AsyncIterator[bytes]:
        seen.append(await count(database, Product))
        yield b"done"

    async def buy() -> None:
        database.add(Product(id=1, available=10))

    reply = await answering(unit_of_work(database), buy)(
        call(render=lambda _: Reply(body=stream()))
    )
    assert isinstance(reply.body, AsyncIterator)
    assert [part async for part in reply.body] == [b"done"]
    assert seen == [1]


async def test_a_constraint_checked_at_commit_is_a_failed_commit(database: Database) -> None:
    """A deferred foreign key speaks at the very end; then nothing was kept, and that is known."""
    async with database.transaction():
        await database.execute(
            text(
                "CREATE TABLE late (id INTEGER PRIMARY KEY, product_id INTEGER"
                " REFERENCES product (id) DEFERRABLE INITIALLY DEFERRED)"
            )
        )
    with pytest.raises(CommitFailed) as failed:
        async with database.transaction():
            await database.execute(text("INSERT INTO late VALUES (1, 404)"))
    assert not failed.value.unknown
    assert "nothing was kept" in str(failed.value)
    assert isinstance(failed.value.__cause__, IntegrityError)

    async def none_left() -> bool:
        async with database.transaction(read_only=True):
            rows = await database.scalar(text("SELECT count(*) FROM late"))
            return bool(rows == 0)

    await until(none_left)
