"""Replies: JSON, and errors that say what to do next."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from .refusal import Refused

__all__ = ["HANDLERS", "INDEX", "PLAIN", "answer"]

INDEX = "X-Registry-Index"
"""The header that says up to which change an answer knows: watch from there."""

PLAIN: Mapping[str, str] = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def answer(
    value: Any, status: int = 200, *, index: int | None = None, headers: Mapping[str, str] = PLAIN
) -> Response:
    """``value`` as JSON."""
    more = {} if index is None else {INDEX: str(index)}
    return Response(
        msgspec.json.encode(value),
        status,
        headers={**PLAIN, **headers, **more},
        media_type="application/json",
    )


def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    return answer({"error": error.message}, error.status, headers=error.headers)


def _no_such(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    headers = error.headers or {}
    what = "There is nothing here: POST /register, GET /discover/NAME and GET /services are"
    if error.status_code == 405:
        what = f"Use {headers.get('Allow', 'another method')} here"
    return answer({"error": what}, error.status_code, headers=headers)


def _left(_: Request, __: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it: the client has gone


def _failed(_: Request, __: Exception) -> Response:
    return answer({"error": "The registry failed; its log tells why"}, 500)


HANDLERS: Mapping[Any, Any] = {
    HTTPException: _no_such,
    Refused: _refused,
    ClientDisconnect: _left,
    Exception: _failed,
}
"""What answers for an exception."""
