"""spawn(): background work that ends with the service that began it."""

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

__all__ = ["Spawner", "spawn", "spawning"]

T = TypeVar("T")


class Spawner(Protocol):
    """Owns background tasks; the host of a service is one."""

    def spawn(self, work: Coroutine[Any, Any, T], name: str | None) -> "asyncio.Task[T]":
        """Start ``work`` now; cancel and await it when the service stops."""
        ...


spawning: ContextVar[Spawner | None] = ContextVar("coterie_spawner", default=None)


def spawn(work: Coroutine[Any, Any, T], *, name: str | None = None) -> "asyncio.Task[T]":
    """Run ``work`` beside the call or start hook that asks for it, for as long as the service.

    It is cancelled and awaited when the service stops; if it fails, the failure is logged.
    Raises `RuntimeError` outside of a hosted service.
    """
    spawner = spawning.get()
    if spawner is None:
        work.close()
        raise RuntimeError(
            "spawn() works inside the calls and hooks of a hosted service; elsewhere use"
            " asyncio.create_task and keep the task"
        )
    return spawner.spawn(work, name)
