"""Headers on their way through: what ends here, and what is said of where a request came from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .passage import PREFIX

__all__ = ["HOP", "downstream", "named", "untouched", "upstream"]

Pairs = Sequence[tuple[bytes, bytes]]

# What belongs to one connection, not to the message (RFC 9110, 7.6.1).
HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# And those that the connection to the instance writes itself.
_FRAMING = HOP | {b"content-length", b"expect"}
# Nobody outside says where a request came from, or went through.
_REQUEST = _FRAMING | {b"x-forwarded-proto", b"x-forwarded-host", PREFIX.encode()}
# Our server dates every answer.
_RESPONSE = HOP | {b"date"}


def upstream(scope: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """The headers of an ASGI request as an instance gets them.

    ``prefix`` is what was taken off the path, if anything was.
    """
    pairs: Pairs = scope["headers"]
    mentioned = named(pairs)
    client = scope.get("client")
    passed = [value for name, value in pairs if name == b"x-forwarded-for"]
    came = b", ".join([*passed, (client[0] if client else "unknown").encode()])
    host = next((value for name, value in pairs if name == b"host"), b"gateway")
    kept = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in pairs
        # A name with an underscore is the same as one with a hyphen for some programs (CGI).
        if name not in _REQUEST
        and name not in mentioned
        and name not in (b"host", b"x-forwarded-for")
        and b"_" not in name
    ]
    return [
        ("host", host.decode("latin-1")),
        *kept,
        ("x-forwarded-for", came.decode("latin-1")),
        ("x-forwarded-proto", scope["scheme"]),
        ("x-forwarded-host", host.decode("latin-1")),
        *([(PREFIX, prefix)] if prefix else []),
    ]


def untouched(scope: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The headers of a program's request to another, which nobody else has sent.

    Those of the connection end here; and it is said how it came, unless the program says so.
    """
    pairs: Pairs = scope["headers"]
    mentioned = named(pairs)
    kept = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in pairs
        if name not in _FRAMING and name not in mentioned
    ]
    told = any(name == "x-forwarded-proto" for name, _ in kept)
    return kept if told else [*kept, ("x-forwarded-proto", scope["scheme"])]


def downstream(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """The headers of an instance's answer as the client gets them."""
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    mentioned = named(pairs)
    return [pair for pair in pairs if pair[0] not in _RESPONSE and pair[0] not in mentioned]


def named(pairs: Pairs) -> frozenset[bytes]:
    """What ``Connection`` says belongs to the connection too."""
    return frozenset(
        word.strip().lower()
        for name, value in pairs
        if name == b"connection"
        for word in value.split(b",")
    )
