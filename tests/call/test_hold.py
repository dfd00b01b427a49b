"""hold(): no call leaves while a unit of work holds locks."""

import asyncio
from collections.abc import Iterator

import pytest

from coterie.call import held, hold, separate


@pytest.fixture(autouse=True)
def _nothing_is_held() -> Iterator[None]:
    """Each test begins and ends where calls may leave."""
    assert held() is None
    yield
    assert held() is None


def test_a_hold_has_a_reason_until_it_is_released() -> None:
    release = hold("orders is writing")
    assert held() == "orders is writing"
    release()
    assert held() is None


def test_of_two_holds_each_is_released_by_itself() -> None:
    """Two stores write in one call: the first to end does not end the other's."""
    first, second = hold("a is writing"), hold("b is writing")
    first()
    assert held() == "b is writing"
    first()
    assert held() == "b is writing"
    second()
    assert held() is None


async def test_every_task_of_a_scope_sees_the_hold() -> None:
    """Whichever began to write: a call from the task beside it would wait for the same locks."""
    end = separate()
    writing, done = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        release = hold("orders is writing")
        writing.set()
        await done.wait()
        release()

    async def look() -> str | None:
        await writing.wait()
        return held()

    writer = asyncio.create_task(write())
    assert await asyncio.wait_for(asyncio.create_task(look()), 10) == "orders is writing"
    assert held() == "orders is writing"
    done.set()
    await asyncio.wait_for(writer, 10)
    assert held() is None
    end()


async def test_calls_side_by_side_do_not_hold_each_other() -> None:
    """Each call begins a scope of its own."""
    writing, looked = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        end = separate()
        release = hold("orders is writing")
        writing.set()
        await looked.wait()
        release()
        end()

    async def look() -> str | None:
        separate()
        await writing.wait()
        found = held()
        looked.set()
        return found

    async with asyncio.timeout(10):
        _, found = await asyncio.gather(write(), look())
    assert found is None


def test_a_hold_counts_in_the_scopes_within() -> None:
    """A second unit of work inside a writing one may not call out either."""
    outer = separate()
    release = hold("orders is writing")
    inner = separate()
    assert held() == "orders is writing"
    let_go = hold("users is writing")
    inner()
    assert held() == "orders is writing"
    let_go()
    release()
    outer()
    assert held() is None


def test_a_hold_within_ends_with_its_scope() -> None:
    """What an inner scope holds is no concern of the outer one."""
    outer = separate()
    inner = separate()
    hold("users is writing")
    inner()
    assert held() is None
    outer()
