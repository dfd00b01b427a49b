"""environ(): a request as a WSGI application finds it (PEP 3333)."""

import sys
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIEnvironment
from wsgiref.util import FileWrapper

from .asgi import Scope
from .forwarded import below

__all__ = ["environ"]

_FIXED: WSGIEnvironment = {
    "GATEWAY_INTERFACE": "CGI/1.1",
    "SERVER_SOFTWARE": "coterie",
    "wsgi.version": (1, 0),
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.file_wrapper": FileWrapper,
    # Reading ends where the body ends, also of one that does not tell its length.
    "wsgi.input_terminated": True,
}
_DEFAULT_PORT = {"http": "80", "https": "443"}


def environ(scope: Scope, body: Any, length: int | None) -> WSGIEnvironment:
    """The variables of one request, whose body is read from ``body``; ``length`` where it is known.

    Texts hold the octets of the path and of headers, one a character. A header sent twice is joined by
    commas, cookies by semicolons. Left out are headers that a client could mistake programs with:
    names with underscores, which would be the same as those with hyphens, and ``Proxy``.
    """
    root: str = scope.get("root_path", "")
    raw = below(scope)
    query: bytes = scope["query_string"]
    scheme: str = scope.get("scheme", "http")
    target = scope["raw_path"] + b"?" + query if query else scope["raw_path"]
    made: WSGIEnvironment = {
        **_FIXED,
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": root.encode("utf-8", "surrogateescape").decode("latin-1") if root else "",
        "PATH_INFO": (unquote_to_bytes(raw) if b"%" in raw else raw).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "REQUEST_URI": target.decode("latin-1"),
        "RAW_URI": target.decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.url_scheme": scheme,
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
    }
    server = scope.get("server")
    made["SERVER_NAME"] = server[0] if server else "localhost"
    made["SERVER_PORT"] = str(server[1]) if server else _DEFAULT_PORT.get(scheme, "80")
    client = scope.get("client")
    if client:
        made["REMOTE_ADDR"] = client[0]
        made["REMOTE_PORT"] = str(client[1])
    if scheme == "https":
        made["HTTPS"] = "on"
    for name, value in scope["headers"]:
        key = _key(name)
        if key in made:
            if key.startswith("HTTP_"):
                between = "; " if key == "HTTP_COOKIE" else ","
                made[key] = f"{made[key]}{between}{value.decode('latin-1')}"
        elif key:
            made[key] = value.decode("latin-1")
    if length is not None:
        made["CONTENT_LENGTH"] = str(length)
        made.pop("HTTP_TRANSFER_ENCODING", None)
    return made


@lru_cache(maxsize=512)
def _key(name: bytes) -> str:
    text = name.decode("latin-1").upper()
    if text in ("CONTENT-TYPE", "CONTENT-LENGTH"):
        return text.replace("-", "_")
    return "" if "_" in text or text == "PROXY" else f"HTTP_{text.replace('-', '_')}"
