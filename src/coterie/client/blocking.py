"""The one synchronous shell: for scripts, consoles and tests without ``async``."""

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, Protocol, TypeVar

from coterie.contract import Contract

from .connect import connect as connect_async

__all__ = ["Wait", "connect"]

C = TypeVar("C", bound=Contract)
T = TypeVar("T")


class Wait(Protocol):
    """Runs a call to its end and gives its result."""

    def __call__(self, call: Coroutine[Any, Any, T], /) -> T:
        """The result of ``call``; raises what it raises."""
        ...


@contextmanager
def connect(contract: type[C], url: str, *, connections: int = 100) -> Generator[tuple[C, Wait]]:
    """A client, and a function that waits for its calls.

    ::

        with blocking.connect(Orders, "http://127.0.0.1:8080") as (orders, wait):
            placed = wait(orders.place(order))

    Ctrl-C cancels the call under way and closes its connection. Raises `RuntimeError` inside a
    running event loop: use `coterie.client.connect` there.
    """
    _outside_of_a_loop()
    with asyncio.Runner() as runner:

        def wait(call: Coroutine[Any, Any, T]) -> T:
            # In the context of here and now, or `calling` round it would not be heard of.
            try:
                return runner.run(call, context=copy_context())
            finally:
                call.close()  # or it would be left unawaited where no loop may run

        opened = connect_async(contract, url, connections=connections)
        client = wait(opened.__aenter__())
        try:
            yield client, wait
        finally:
            wait(opened.__aexit__(None, None, None))


def _outside_of_a_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "blocking.connect() would stop the running event loop; use coterie.client.connect() here"
    )
