"""question(): what a call asks and for whom, so that equal ones can be known."""

from collections.abc import Hashable

import msgspec

from coterie.call import Call

__all__ = ["question"]

_encoder = msgspec.msgpack.Encoder(order="deterministic")


def question(call: Call) -> Hashable | None:
    """Equal for calls that must have the same answer at the same moment; ``None`` if none can be.

    Those of the same operation, with the same arguments, for the same caller, who attached the same
    baggage: a service may answer each of them differently. Whoever has a token is told apart by it,
    since two tokens of one person may allow different things.
    """
    context = call.context
    try:
        asked = _encoder.encode(call.arguments)
    except (TypeError, ValueError, OverflowError):
        return None  # a stream, say: there is only this one
    who = context.principal if context.token is None else context.token
    baggage = tuple(sorted(context.baggage.items())) if context.baggage else ()
    return (call.operation, asked, who, baggage)
