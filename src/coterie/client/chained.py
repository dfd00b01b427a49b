"""chained(): a chain of policies for each operation, made when it is first called."""

from collections.abc import Awaitable, Callable, Iterable

from coterie.call import Call, Handler, Policy, Reply, chain
from coterie.contract import Operation

__all__ = ["chained"]


def chained(policies: Callable[[Operation], Iterable[Policy]], handler: Handler) -> Handler:
    """``handler`` inside what ``policies`` says of each operation, the first outermost."""
    chains: dict[Operation, Handler] = {}

    def made(operation: Operation) -> Handler:
        found = chains[operation] = chain(policies(operation), handler)
        return found

    def protected(call: Call) -> Awaitable[Reply]:
        operation = call.operation
        return (chains.get(operation) or made(operation))(call)

    return protected
