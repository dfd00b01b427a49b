"""Calls within a process: no bytes unless asked, the same meaning either way."""

from urllib.parse import urlsplit

from msgspec import structs

from coterie.binding.rest import (
    Caller,
    Endpoint,
    Request,
    Response,
    Router,
    from_headers,
    problem_reply,
)
from coterie.call import Call, Failure, Handler, Reply
from coterie.contract import Fault, Operation

__all__ = ["serialising"]


def serialising(handler: Handler) -> Handler:
    """``handler`` reached through bytes, as over a wire but without one.

    A host's own `handle` serves as the transport of in-process calls and copies nothing. This
    puts encoding and decoding between, for tests that want to know what a wire would do. Beside
    the bytes goes the principal: over a wire a token would prove it.
    """
    ends: dict[Operation, tuple[Caller, Endpoint, Router[bool]]] = {}

    async def handle(call: Call) -> Reply:
        operation = call.operation
        if operation not in ends:
            routes: list[tuple[str, str, bool]] = [(operation.method, operation.route, True)]
            ends[operation] = (Caller(operation), Endpoint(operation), Router(routes))
        caller, endpoint, router = ends[operation]
        out = caller.request(call)
        parts = urlsplit(out.target)
        headers = {k.lower().encode(): v.encode("latin-1") for k, v in out.headers}
        try:
            _, values = router.find(out.method, parts.path)
            request = Request(values, parts.query.encode(), headers, out.body)
            context = structs.replace(from_headers(headers), principal=call.context.principal)
            asked = endpoint.call(request, out.target.encode(), context)
            reply = await handler(asked)
        except (Fault, Failure) as error:
            reply = problem_reply(error, call.context.trace.trace_id)
        answered = tuple([(name.lower(), value) for name, value in reply.headers])
        return caller.reply(call, Response(reply.status, dict(answered), reply.body), answered)

    return handle
