"""Who calls: the token that came with a call becomes a principal, or the call is refused."""

from typing import Protocol

from msgspec import structs

from coterie.call import Call, Handler, Policy, Principal, Reply, current_context

__all__ = ["Verifier", "authenticate"]


class Verifier(Protocol):
    """Tells whom a token speaks for."""

    def verify(self, token: str) -> Principal:
        """Whom ``token`` speaks for.

        Raises `Failure` (``unauthenticated``) for a token that is not to be trusted. Called for
        every call, on the event loop: quick, and never waiting for another service.
        """
        ...


def authenticate(verifier: Verifier) -> Policy:
    """Find out who calls, from the token in the context.

    A bad token is refused on every operation, on those open to anyone too (RFC 6750, 3.1): a
    caller who means to be somebody must not be served as nobody. Without a token the call goes
    on as it is: with nobody from the wire, which carries no principal, or with the principal
    that a caller in the same process has proved.
    """

    def policy(handler: Handler) -> Handler:
        async def authenticated(call: Call) -> Reply:
            token = call.context.token
            # A principal is there only if a caller in this process has proved it already.
            if token is None or call.context.principal is not None:
                return await handler(call)
            context = structs.replace(call.context, principal=verifier.verify(token))
            before = current_context.set(context)
            try:
                return await handler(structs.replace(call, context=context))
            finally:
                current_context.reset(before)

        return authenticated

    return policy
