"""What hangs itself into the unit of work shares its fate."""

import asyncio
import contextlib
import time

import pytest
from sqlalchemy.exc import IntegrityError

from coterie.call import Context, Principal, Trace, current, entered, held
from coterie.store import Database, Misuse, unit_of_work
from tests.store.shop import Product, answering, call, count


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


async def test_hooks_after_a_rollback_take_back_what_was_done_elsewhere(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """The last one first, once nothing is held any more; one that fails does not stop the rest."""
    done: list[str] = []

    async def take_back(what: str) -> None:
        done.append(f"{what} with {await count(database, Product)} rows")
        assert held() is None
        if what == "second":
            raise OSError("stock does not answer")

    async def buy() -> None:
        database.add(Product(id=1, available=10))
        await database.flush()
        database.unit.after_rollback(lambda: take_back("first"))
        database.unit.after_rollback(lambda: take_back("second"))
        raise LookupError

    with pytest.raises(LookupError):
        await answering(unit_of_work(database), buy)(call())
    assert done == ["second with 0 rows", "first with 0 rows"]
    assert "stock does not answer" in caplog.text


async def test_what_was_committed_is_not_taken_back(database: Database) -> None:
    """Neither after a call that answered, nor after one whose cancellation came too late."""
    done: list[str] = []

    async def take_back() -> None:
        done.append("taken back")

    async def cancel_soon() -> None:
        # The next time this task waits is inside the commit.
        asyncio.get_running_loop().call_soon(task.cancel)

    async def buy(one: int, *, cancel: bool) -> None:
        database.add(Product(id=one, available=10))
        await database.flush()
        database.unit.after_rollback(take_back)
        if cancel:
            database.unit.before_commit(cancel_soon)

    policy = unit_of_work(database)
    await answering(policy, lambda: buy(1, cancel=False))(call())
    task = asyncio.ensure_future(answering(policy, lambda: buy(2, cancel=True))(call()))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count(database, Product) == 2
    assert done == []


async def test_what_a_failing_commit_undid_is_taken_back(database: Database) -> None:
    """The commit may fail where the call itself did not."""
    done: list[str] = []

    async def take_back() -> None:
        done.append("taken back")

    async def buy() -> None:
        database.unit.after_rollback(take_back)
        database.add(Product(id=1, available=-1))  # refused by a check, when it is sent

    with pytest.raises(IntegrityError):
        await answering(unit_of_work(database), buy)(call())
    assert done == ["taken back"]


@pytest.mark.parametrize("fails", [True, False])
async def test_hooks_that_come_last_have_time_of_their_own(database: Database, fails: bool) -> None:
    """The call may end because its deadline is over: what follows it still reaches others."""
    principal = Principal("4")
    seen: list[Context] = []

    async def look() -> None:
        seen.append(current())

    async def buy() -> None:
        database.unit.after_rollback(look)
        database.unit.after_commit(look)
        if fails:
            raise LookupError

    over = Context(
        Trace.root(),
        deadline=time.monotonic() - 1,
        principal=principal,
        token="a token",
        idempotency_key="one",
    )
    with entered(over), contextlib.suppress(LookupError):
        await answering(unit_of_work(database), buy)(call())
    (context,) = seen
    assert context.remaining is not None
    assert 5 < context.remaining <= 10
    assert (context.trace, context.principal, context.token) == (over.trace, principal, "a token")
    assert context.idempotency_key is None


@pytest.mark.parametrize("fails", [True, False])
async def test_hooks_that_come_last_are_finished_by_a_cancelled_call(
    database: Database, fails: bool
) -> None:
    """A caller who hangs up does not leave half of it undone."""
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        begun.set()
        await go_on.wait()
        done.set()

    async def buy() -> None:
        database.unit.after_rollback(slow)
        database.unit.after_commit(slow)
        if fails:
            raise LookupError

    task = asyncio.ensure_future(answering(unit_of_work(database), buy)(call()))
    async with asyncio.timeout(5):
        await begun.wait()
        task.cancel()
        asyncio.get_running_loop().call_soon(go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await task
    assert done.is_set()


async def test_an_error_of_the_database_does_not_repeat_the_values(database: Database) -> None:
    """Errors end in logs; what was to be kept may be a secret."""
    with pytest.raises(IntegrityError) as caught:
        async with database.transaction():
            database.add(Product(id=1, available=-987654))
    assert "parameters hidden" in str(caught.value)
    if "sqlite" in str(database.engine):
        assert "987654" not in str(caught.value)
