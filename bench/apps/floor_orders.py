"""The floor: what a careful programmer writes by hand, ASGI and msgspec and nothing else."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from bench.apps.models import NewOrder, priced
from bench.orders import PATH

Message = MutableMapping[str, Any]

decode = msgspec.json.Decoder(NewOrder).decode
encode = msgspec.json.Encoder().encode


async def app(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] != PATH:
        await answer(send, 404, b'{"error":"not found"}')
        return
    if scope["method"] != "POST":
        await answer(send, 405, b'{"error":"method not allowed"}')
        return
    message = await receive()
    body = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    try:
        order = decode(body)
    except msgspec.MsgspecError as error:
        await answer(send, 400, encode({"error": str(error)}))
        return
    await answer(send, 200, encode(priced(order)))


async def answer(send: Callable[[Message], Awaitable[None]], status: int, body: bytes) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
