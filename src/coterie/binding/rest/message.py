"""The request and the response of the wire, before and after HTTP's own framing."""

from collections.abc import AsyncIterator, Mapping

from msgspec import Struct

__all__ = ["Request", "Response"]


class Request(Struct, frozen=True):
    """What a server was asked.

    ``path`` holds the values of the template's braces, percent-decoded; ``query`` the raw query
    string; ``headers`` names in lower case, as bytes; a repeated header is joined by commas.
    """

    path: Mapping[str, str]
    query: bytes
    headers: Mapping[bytes, bytes]
    body: bytes | AsyncIterator[bytes] = b""


class Response(Struct, frozen=True):
    """What a client was answered; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes | AsyncIterator[bytes] = b""
