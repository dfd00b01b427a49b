"""Body: what comes with a request, of bounded size and in bounded time."""

import asyncio

from starlette.requests import Request

from .limits import Limits
from .refusal import Refused

__all__ = ["is_json", "json_body", "whole_body"]


async def whole_body(request: Request, limits: Limits) -> bytes:
    """The whole body. Raises `Refused`: 408 or 413."""
    large = Refused(413, f"A body may have {limits.body} octets here: send less")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > limits.body:
        raise large
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_time):
            async for part in request.stream():
                body += part
                if len(body) > limits.body:
                    raise large
    except TimeoutError as error:
        raise Refused(408, "The body did not come in time: send it at once") from error
    return bytes(body)


async def json_body(request: Request, limits: Limits) -> bytes:
    """The whole body. Raises `Refused`: 408, 413, or 415 where it is not called JSON."""
    body = await whole_body(request, limits)
    if not is_json(request):
        raise Refused(415, "Send JSON, and say so: `Content-Type: application/json`")
    return body


def is_json(request: Request) -> bool:
    """Whether the body is called JSON.

    A page of a foreign site can make a browser send any text here, but not under this name unless
    it is allowed to: a registry that asks for no tokens is safe from it so.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media == "application/json" or (
        media.startswith("application/") and media.endswith("+json")
    )
