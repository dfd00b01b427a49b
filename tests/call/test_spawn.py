"""spawn(): background work that ends with the service that began it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from coterie.call import Spawner, spawn, spawning

T = TypeVar("T")


class Owner:
    """Owns tasks as a host does."""

    def __init__(self) -> None:
        self.names: list[str | None] = []

    def spawn(self, work: Coroutine[Any, Any, T], name: str | None) -> "asyncio.Task[T]":
        self.names.append(name)
        return asyncio.create_task(work)


async def one() -> int:
    return 1


async def test_outside_of_a_service_nobody_would_end_it() -> None:
    """The error says what to use instead, and the work is not left unawaited."""
    with pytest.raises(RuntimeError, match=r"a hosted service; elsewhere use asyncio\.create_task"):
        _ = spawn(one())


async def test_within_a_service_its_host_owns_the_work() -> None:
    """The task is typed, and named for whoever looks at what runs."""
    owner = Owner()
    known: Spawner = owner
    token = spawning.set(known)
    try:
        assert await spawn(one(), name="counting") == 1
        assert await spawn(one()) == 1
    finally:
        spawning.reset(token)
    assert owner.names == ["counting", None]


async def test_tasks_of_a_call_may_spawn_too() -> None:
    """The owner is found from wherever the call's own code runs."""
    owner = Owner()

    async def method() -> int:
        return await spawn(one())

    token = spawning.set(owner)
    task = asyncio.create_task(method())
    spawning.reset(token)
    assert await task == 1
