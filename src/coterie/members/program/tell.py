"""tell(): an answer of our own, where the program has none."""

from coterie.call import Reply

from .asgi import Send

__all__ = ["tell"]


async def tell(reply: Reply, send: Send) -> None:
    """Send ``reply``, whose body is whole."""
    body = reply.body if isinstance(reply.body, bytes) else b""
    headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in reply.headers]
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
