"""What hangs itself into the unit of work shares its fate."""

import pytest
from sqlalchemy.exc import IntegrityError

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
