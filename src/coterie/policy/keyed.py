"""Keyed: calls that must not have their effect twice leave with an idempotency key."""

from uuid import uuid4

from msgspec import structs

from coterie.call import Call, Handler, Policy, Reply

from .fingerprint import fingerprint

__all__ = ["keyed"]


def keyed(*, required: bool = False) -> Policy:
    """Give a call its idempotency key, before it is sent, sent again or sent twice.

    A key that the user named (``calling(idempotency_key=...)``) stays. A call made while one with a
    key is served gets a key made of that, of what is called, with what, and the how manieth of its
    kind it is: if the caller is run again, because it was killed or its answer got lost, it sends
    the same keys and nothing below it happens twice. That holds as far as it calls the same with
    the same: what it draws anew each time, a random number or the hour, makes another call. A call
    that is taken back when its caller fails (a saga) needs such a name of its own for each try: else
    the next try is told that it was done, although it was undone.

    Else an operation declared ``keyed``, or every one where the service has ``required`` it, gets a
    random key: for the retries of this one call.

    Belongs outside of retries and hedges, which send what they are given. Calls that are safe, or
    take or give streams, go without. Those that are idempotent carry a made key on, for the calls
    that are made below them.

    Source: IETF draft *The Idempotency-Key HTTP Header Field*, 2.2 and 2.5.
    """

    def policy(handler: Handler) -> Handler:
        async def with_key(call: Call) -> Reply:
            context, operation = call.context, call.operation
            if context.idempotency_key is not None or operation.safe:
                return await handler(call)
            if operation.result.stream or any(p.stream for p in operation.parameters):
                return await handler(call)
            if context.origin is not None:
                key = context.origin.derived(fingerprint(operation, call.arguments))
            elif (operation.keyed or required) and not operation.idempotent:
                key = str(uuid4())
            else:
                return await handler(call)
            return await handler(structs.replace(call, context=context.keyed(key)))

        return with_key

    return policy
