"""The head of a request, as bytes: validated, so that no caller can smuggle a second one in."""

import functools
import re
from collections.abc import Sequence

__all__ = ["compose"]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2
_OURS = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"})


def compose(
    host: str, method: str, target: str, headers: Sequence[tuple[str, str]], length: int | None
) -> bytes:
    """Return the request line, the headers and the blank line after them.

    Args:
        host: The value of Host, unless `headers` have one of their own.
        method: A token in capitals, such as ``GET``.
        target: Path and query as they go on the wire, ASCII, beginning with ``/``; or ``*``.
        headers: Names and values in order; values are latin-1 (RFC 9110, section 5.5).
        length: Octets of body that follow; None for a chunked body of unknown length.

    Raises:
        ValueError: Method, target, a name or a value would break the message apart, or a header
            is one that only the connection may write.
    """
    _check_method(method)
    if target[:1] != "/" and target != "*":
        raise ValueError(f"target must begin with '/', as in '/orders?page=2': {target[:80]!r}")
    if " " in target or not (target.isascii() and target.isprintable()):
        raise ValueError(f"target must be percent-encoded ASCII: {target[:80]!r}")
    text = f"{method} {target} HTTP/1.1\r\n"
    lines = len(headers) + 1
    for name, value in headers:
        prefix = _prefix(name)
        if prefix == "host: ":
            if not host:
                raise ValueError("header 'host' given twice: which one would be believed?")
            host = ""
        text += f"{prefix}{value}\r\n"
    # Each line above ends in the one CR LF we gave it: one more of either came from a value.
    if text.count("\r") != lines or text.count("\n") != lines or "\0" in text:
        raise ValueError(f"header {_culprit(headers)!r}: a value cannot hold CR, LF or NUL")
    if host:
        text += f"host: {host}\r\n"
    text += _framing(method, length)
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"header {_culprit(headers)!r}: a value is latin-1; encode the rest (RFC 8187)"
        ) from error


def _framing(method: str, length: int | None) -> str:
    if length:
        return f"content-length: {length}\r\n\r\n"
    elif length is None:
        return "transfer-encoding: chunked\r\n\r\n"
    elif method in _BODILESS:
        return "\r\n"
    else:
        return "content-length: 0\r\n\r\n"  # RFC 9110, section 8.6


@functools.lru_cache(64)
def _check_method(method: str) -> None:
    if not _TOKEN.fullmatch(method) or method != method.upper() or method == "CONNECT":
        raise ValueError(f"method must be a token in capitals, as in 'GET': {method[:80]!r}")


@functools.lru_cache(1024)  # few names, many times
def _prefix(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"header name must be a token, as in 'content-type': {name[:80]!r}")
    lower = name.lower()
    if lower in _OURS:
        raise ValueError(f"header {lower!r} belongs to the connection: leave it out")
    return f"{lower}: "


def _culprit(headers: Sequence[tuple[str, str]]) -> str:
    """The name of the header with the bad value; never the value, which may be a secret."""
    for name, value in headers:
        if any(sign in "\r\n\0" or sign > "\xff" for sign in value):
            return name.lower()
    return "host"
