"""connect(): a typed client of a service anywhere, without any system."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from coterie.call import Policy, chain
from coterie.contract import Contract

from .http import Http
from .proxy import TIMEOUT, proxy

__all__ = ["connect"]

C = TypeVar("C", bound=Contract)


@asynccontextmanager
async def connect(
    contract: type[C],
    url: str,
    *,
    policies: Sequence[Policy] = (),
    connections: int = 100,
    timeout: float = TIMEOUT,
) -> AsyncGenerator[C]:
    """A client of ``contract`` at ``url``, closed at the end of the block.

    ::

        async with connect(Orders, "http://127.0.0.1:8080") as orders:
            placed = await orders.place(order)

    ``url`` is http or https, a path goes before every operation's own. ``policies`` wrap every
    call, the first outermost; ``timeout`` is in seconds, for operations that name none. Raises `ValueError` for a URL that is none.
    """
    async with Http(url, connections=connections) as http:
        yield proxy(contract, chain(policies, http.handle), timeout=timeout)
