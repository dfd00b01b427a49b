"""Whatever one call changes is kept or forgotten together, on every engine."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession

from coterie.call import Failure, Reply, held, separate
from coterie.contract import Code
from coterie.store import CommitFailed, Database, Misuse, unit_of_work
from tests.store.conftest import with_tables
from tests.store.shop import BUY, LOOK, Order, Product, answering, call, count, until


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


async def test_a_cancelled_call_leaves_nothing_and_blocks_nobody(database: Database) -> None:
    """Cancelled in the middle of its work, a call undoes what it did, and the next one runs."""
    begun = asyncio.Event()

    async def buy() -> None:
        database.add(Product(id=1, available=10))
        await database.flush()
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(answering(unit_of_work(database), buy)(call()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count(database, Product) == 0
    await test_a_call_that_returns_is_committed(database)


SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)"
    " SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(30)",
}


async def test_a_statement_that_is_cancelled_ends_at_once(database: Database, url: str) -> None:
    """A deadline that strikes in the middle of a statement stops it: no hidden work goes on."""
    statement = text(SLOW[url.partition(":")[0]])

    async def buy() -> None:
        database.add(Product(id=1, available=10))
        await database.flush()
        await database.execute(statement)

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await answering(unit_of_work(database), buy)(call())
    assert await count(database, Product) == 0
    await test_a_call_that_returns_is_committed(database)
    assert time.monotonic() - began < 5


async def test_a_cancellation_during_the_commit_waits_for_it(database: Database) -> None:
    """A commit that was sent cannot be taken back: it is finished, its hooks run, then we stop."""
    told: list[str] = []

    async def buy() -> None:
        database.add(Product(id=1, available=10))

        async def told_after() -> None:
            told.append("committed")

        async def cancel_soon() -> None:
            # The next time this task waits is inside the commit.
            asyncio.get_running_loop().call_soon(task.cancel)

        await database.flush()
        database.unit.before_commit(cancel_soon)
        database.unit.after_commit(told_after)

    task = asyncio.ensure_future(answering(unit_of_work(database), buy)(call()))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told == ["committed"]
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


async def test_hooks_before_the_commit_share_its_fate(database: Database) -> None:
    """What a hook writes commits with the call, also when the call itself wrote nothing."""

    async def note() -> None:
        database.add(Product(id=7, available=1))

    async def buy() -> None:
        database.unit.before_commit(note)

    await answering(unit_of_work(database), buy)(call())
    assert await count(database, Product) == 1


async def test_a_hook_that_fails_undoes_the_call(database: Database) -> None:
    """An outbox row that cannot be written must not leave the order behind."""

    async def fail() -> None:
        raise OSError("no outbox")

    async def buy() -> None:
        database.add(Product(id=1, available=10))
        database.unit.before_commit(fail)

    with pytest.raises(OSError, match="no outbox"):
        await answering(unit_of_work(database), buy)(call())
    assert await count(database, Product) == 0


async def test_hooks_after_the_commit_run_only_after_one(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """They see what was committed; after a rollback they do not run; their failure changes nothing."""
    seen: list[int] = []

    async def look() -> None:
        seen.append(await count(database, Product))

    async def fail() -> None:
        raise OSError("nobody to tell")

    async def buy() -> None:
        database.add(Product(id=1, available=10))
        database.unit.after_commit(fail)
        database.unit.after_commit(look)

    async def break_off() -> None:
        await buy()
        await database.flush()

    await answering(unit_of_work(database), buy)(call())
    assert seen == [1]
    assert "the commit stands" in caplog.text
    with pytest.raises(IntegrityError):  # the same product again
        await answering(unit_of_work(database), break_off)(call())
    assert seen == [1]


async def test_a_hook_that_adds_itself_is_stopped(database: Database) -> None:
    """Hooks may add hooks, and not for ever."""

    async def again() -> None:
        database.unit.before_commit(again)

    with pytest.raises(Misuse, match="adds itself"):
        async with database.transaction() as unit:
            unit.before_commit(again)


async def test_tasks_of_one_call_take_turns(database: Database) -> None:
    """Statements sent side by side with gather() join the same unit, one after the other."""

    async def buy() -> None:
        for number in range(20):
            database.add(Product(id=number, available=1))
        await asyncio.gather(
            *(database.scalar(select(Product.id).where(Product.id == one)) for one in range(20))
        )

    await answering(unit_of_work(database), buy)(call())
    assert await count(database, Product) == 20


async def test_calls_may_not_leave_while_a_call_writes(database: Database) -> None:
    """From its first statement on, a call that writes holds locks: the reason is there to read."""
    reasons: list[str | None] = []

    async def buy() -> None:
        reasons.append(held())
        await database.execute(select(Product))
        reasons.append(held())

    end = separate()
    await answering(unit_of_work(database), buy)(call())
    reasons.append(held())
    await answering(unit_of_work(database), buy)(call(LOOK))
    end()
    before, during, after, reading, still_reading = reasons
    assert before is None
    assert during is not None
    assert "call first, then write" in during
    assert BUY.id in during
    assert (after, reading, still_reading) == (None, None, None)


async def test_a_nested_call_has_a_unit_of_its_own(database: Database) -> None:
    """Called within a process before the caller writes, a service commits for itself."""
    policy = unit_of_work(database)

    async def inner() -> None:
        database.add(Product(id=1, available=10))

    async def outer() -> None:
        await answering(policy, inner)(call())
        database.add(Product(id=2, available=10))
        await database.flush()
        raise LookupError

    with pytest.raises(LookupError):
        await answering(policy, outer)(call())
    assert await count(database, Product) == 1


async def test_nested_readers_never_wait_for_each_other(url: str) -> None:
    """Callers that hold all connections and call services that need one each: all answer."""
    async with Database(url, connections=3, wait=5.0) as database:
        await with_tables(database)
        policy = unit_of_work(database)
        all_hold = asyncio.Barrier(3)

        async def inner() -> int:
            return len((await database.scalars(select(Product))).all())

        async def outer() -> object:
            await database.execute(select(Product))
            await all_hold.wait()
            return (await answering(policy, inner)(call(LOOK))).value

        began = time.monotonic()
        replies = await asyncio.gather(*(answering(policy, outer)(call(LOOK)) for _ in range(9)))
        assert [reply.value for reply in replies] == [0] * 9
        assert time.monotonic() - began < 4  # nobody waited for a connection in vain


async def test_outside_of_a_call_statements_are_refused(database: Database) -> None:
    """Nobody would commit them; the message says what to write."""
    with pytest.raises(Misuse, match=r"async with database\.transaction"):
        await database.execute(select(Product))
    with pytest.raises(Misuse, match=r"async with database\.transaction"):
        database.add(Product(id=1, available=1))


async def test_work_that_outlives_its_call_is_told_so(database: Database) -> None:
    """A task left behind finds the unit over, and may open one of its own."""
    go = asyncio.Event()
    left: list[asyncio.Task[None]] = []

    async def later() -> None:
        await go.wait()
        with pytest.raises(Misuse, match="is over"):
            await database.execute(select(Product))
        async with database.transaction():
            database.add(Product(id=1, available=1))

    async def buy() -> None:
        await database.execute(select(Product))
        left.append(asyncio.create_task(later()))

    await answering(unit_of_work(database), buy)(call())
    go.set()
    await left[0]
    assert await count(database, Product) == 1


async def test_an_object_kept_beyond_its_call_reaches_no_connection(database: Database) -> None:
    """Its loaded values stay readable; its session is closed for good."""
    kept: list[tuple[Product, AsyncSession]] = []

    async def buy() -> None:
        product = Product(id=1, available=10)
        database.add(product)
        kept.append((product, await database.session()))

    await answering(unit_of_work(database), buy)(call())
    product, session = kept[0]
    assert product.available == 10
    with pytest.raises(InvalidRequestError):
        await session.execute(select(Product))


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


@pytest.mark.parametrize("verb", ["commit", "rollback", "close", "reset", "invalidate"])
async def test_user_code_cannot_end_the_transaction(database: Database, verb: str) -> None:
    """The session does everything but what belongs to the unit of work."""
    async with database.transaction():
        session = await database.session()
        with pytest.raises(Misuse, match="the unit of work"):
            await getattr(session, verb)()
        with pytest.raises(Misuse, match="the unit of work"):
            session.begin()


async def test_a_second_transaction_within_a_call_must_be_meant(database: Database) -> None:
    """Inside a call it is refused, unless it is independent; then it outlives a failed call."""

    async def log_in() -> None:
        with pytest.raises(Misuse, match="independent=True"):
            async with database.transaction():
                pass
        async with database.transaction(independent=True):
            database.add(Product(id=1, available=1))
        raise PermissionError("wrong password")

    with pytest.raises(PermissionError):
        await answering(unit_of_work(database), log_in)(call())
    assert await count(database, Product) == 1


async def test_an_unopened_unit_asks_nothing_of_the_database(url: str) -> None:
    """A call without statements costs no connection: it works even if there is no database."""
    database = Database(url)  # never started
    reply = await answering(unit_of_work(database), _nothing)(call())
    assert reply.value is None
    with pytest.raises(Misuse, match="start the Database first"):
        async with database.transaction():
            await database.execute(select(Product))


async def _nothing() -> None:
    return None


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
