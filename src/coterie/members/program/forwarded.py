"""What a gateway says of where a request came from, put where programs look for it."""

from collections.abc import Mapping
from urllib.parse import unquote

from .asgi import Scope

__all__ = ["GATEWAYS", "believe", "below"]

GATEWAYS = frozenset(
    {b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-prefix"}
)
"""Headers that a request has which came through a gateway, and no other."""

_SCHEMES = {b"http": "http", b"https": "https"}


def believe(scope: Scope, known: Mapping[bytes, bytes]) -> None:
    """Make ``scope`` what the client of the gateway asked for; ``known`` are its headers.

    ``X-Forwarded-Prefix`` is what the gateway took off the path. It becomes ``root_path``, and stands at
    the beginning of ``path`` and ``raw_path`` again, as the specification has them (ASGI HTTP 2.3,
    *Connection Scope*). ``X-Forwarded-Host`` becomes ``Host``, ``X-Forwarded-Proto`` the scheme, and the
    last of ``X-Forwarded-For``, which is what the gateway itself saw, the client. So the links
    that Flask, Django and Starlette make lead to where the client is.
    """
    prefix = known.get(b"x-forwarded-prefix")
    if prefix is not None and prefix.startswith(b"/") and (prefix := prefix.rstrip(b"/")):
        scope["root_path"] = unquote(prefix.decode("latin-1"))
        scope["path"] = scope["root_path"] + scope["path"]
        scope["raw_path"] = prefix + scope["raw_path"]
    scheme = _SCHEMES.get(known.get(b"x-forwarded-proto", b""))
    if scheme is not None:
        web = scope["type"] == "websocket"
        scope["scheme"] = {"http": "ws", "https": "wss"}[scheme] if web else scheme
    host = known.get(b"x-forwarded-host")
    if host and host != known.get(b"host"):
        others = [pair for pair in scope["headers"] if pair[0] != b"host"]
        scope["headers"] = [(b"host", host), *others]
    came = known.get(b"x-forwarded-for")
    if came:
        last = came.rpartition(b",")[2].strip().decode("latin-1")
        scope["client"] = (last, 0)


def below(scope: Scope) -> bytes:
    """The path and nothing of where the program is mounted, as it came: percent-encoded."""
    raw: bytes = scope["raw_path"]
    root = scope.get("root_path", "")
    if not root:
        return raw
    # The root may have been written in other words than ours: its segments are counted.
    parts = raw.split(b"/", root.count("/") + 1)
    return b"/" + parts[-1] if len(parts) > root.count("/") + 1 else b"/"
