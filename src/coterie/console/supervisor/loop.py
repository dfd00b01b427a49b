"""The event loop of a process of the system."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

__all__ = ["run"]

T = TypeVar("T")


def run(life: Coroutine[Any, Any, T]) -> T:
    """Run ``life`` on uvloop, to its end."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(life)
