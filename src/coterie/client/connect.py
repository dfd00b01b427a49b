"""connect(): a typed client of a service anywhere, without any system."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from coterie.call import Handler, Policy
from coterie.contract import Contract, Operation
from coterie.policy import Budget, Retry, keyed, retry

from .chained import chained
from .http import Http
from .proxy import TIMEOUT, proxy

__all__ = ["connect", "resilient"]

C = TypeVar("C", bound=Contract)

_RETRY = Retry()


@asynccontextmanager
async def connect(
    contract: type[C],
    url: str,
    *,
    policies: Sequence[Policy] = (),
    connections: int = 100,
    timeout: float = TIMEOUT,
    retrying: Retry | None = _RETRY,
) -> AsyncGenerator[C]:
    """A client of ``contract`` at ``url``, closed at the end of the block.

    ::

        async with connect(Orders, "http://127.0.0.1:8080") as orders:
            placed = await orders.place(order)

    ``url`` is http or https, a path goes before every operation's own. ``policies`` wrap every
    call, the first outermost; ``timeout`` is in seconds, for operations that name none. Inside of
    the policies a call that failed in a way that may pass is made anew as ``retrying`` says, where
    that does no harm: the operation is idempotent, or its contract says that it is keyed, or nothing
    was begun; ``None`` leaves that out. There is no breaker: behind one address there may be many
    instances, of which one that fails must not cost the others.

    Raises `ValueError` for a URL that is none.
    """
    async with Http(url, connections=connections) as http:
        handler = resilient(http.handle, policies=policies, retrying=retrying)
        yield proxy(contract, handler, timeout=timeout)


def resilient(
    handler: Handler, *, policies: Sequence[Policy] = (), retrying: Retry | None = _RETRY
) -> Handler:
    """``handler``, whose calls are made as those of `connect` are: inside ``policies``, and anew."""
    budget = Budget(0.0 if retrying is None else retrying.budget)

    def of_each(operation: Operation) -> Iterator[Policy]:
        yield from policies
        streams = any(parameter.stream for parameter in operation.parameters)
        if not operation.safe:
            yield keyed()
        if retrying is not None and not streams:
            yield retry(retrying, budget, keyed=operation.keyed)

    return chained(of_each, handler)
