"""asker(): whose calls may share an answer."""

from collections.abc import Hashable
from time import monotonic

from coterie.call import Context, current

__all__ = ["asker", "own", "time_left"]


def asker() -> Hashable:
    """Who asks: an answer given to one is not for another whose proof or baggage differs.

    Baggage counts because it may name a tenant. Nothing here is to be printed: it has the token.
    """
    context = current()
    baggage = frozenset(context.baggage.items()) if context.baggage else None
    return (context.principal, context.token, baggage)


def own(context: Context, *, shared: bool, deadline: float | None) -> Context:
    """The context of work done for several callers, of which ``context`` is the first.

    Their proof travels with it only where it is the same for all of them. An idempotency key
    never does: it belongs to one caller's call.
    """
    principal, token, baggage = (
        (None, None, {}) if shared else (context.principal, context.token, context.baggage)
    )
    return Context(context.trace, deadline, principal, token, None, baggage)


def time_left() -> bool:
    """Whether the present caller's own deadline is still ahead."""
    deadline = current().deadline
    return deadline is None or monotonic() < deadline
