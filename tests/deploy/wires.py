"""Requests as they go on the wire, by a name that says what is odd about each."""

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["REQUESTS", "SMUGGLING", "Wire", "ask", "post"]


class Wire(NamedTuple):
    """The octets, and the method that the answer's body depends on."""

    sent: bytes
    method: str = "GET"


_HOST = "host: lab"
_JSON = "content-type: application/json"


def ask(
    target: str, *headers: str, method: str = "GET", version: str = "HTTP/1.1", body: bytes = b""
) -> Wire:
    lines = [f"{method} {target} {version}", _HOST, *headers, "", ""]
    return Wire("\r\n".join(lines).encode("latin-1") + body, method)


def post(target: str, body: bytes, *headers: str) -> Wire:
    length = f"content-length: {len(body)}"
    return ask(target, _JSON, length, *headers, method="POST", body=body)


def chunked(target: str, *chunks: bytes) -> Wire:
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])
    return ask(target, _JSON, "transfer-encoding: chunked", method="POST", body=body)


_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")
_PLACES = (
    "/api/items",
    "/api/items/1",
    "/api/items/best",
    "/api/shared",
    "/api/shared/best",
    "/api/shared/desk",
    "/api/shared/x",
    "/api/other/desk",
    "/api/nowhere",
    "/",
    "/health/live",
    "/health/ready",
    "/api/folder",
    "/api/folder/",
    "/api/items/",
    "/api/items/1/",
)
_TARGETS = {
    "two slashes first": "//api/items",
    "two slashes inside": "/api//items",
    "slash in an escape": "/api/items%2F1",
    "slash in a value": "/api/names/a%2Fb",
    "dots for a value": "/api/names/..",
    "dots in escapes": "/api/names/%2e%2e/items",
    "half a dot in an escape": "/api/names/.%2E/items",
    "dots inside": "/api/x/../items",
    "dots beyond the root": "/../../api/items",
    "a dot": "/./api/items",
    "a dot at the end": "/api/folder/.",
    "dots with a parameter": "/api/x/..;a=b/items",
    "three dots": "/api/names/...",
    "backslash": "/api\\items",
    "backslash in a value": "/api/names/a%5Cb",
    "nul": "/api/names/%00",
    "needless escape": "/%61pi/items",
    "letters beyond ascii": "/caf%C3%A9/men%C3%BC",
    "the same in small digits": "/caf%c3%a9/men%c3%bc",
    "letters in a value": "/api/names/%C3%A9",
    "no utf-8": "/api/names/%ff",
    "no hexadecimal": "/api/names/%zz",
    "half an escape": "/api/names/%4",
    "space in a value": "/api/names/a%20b",
    "plus": "/api/names/a+b",
    "bar": "/api/names/a|b",
    "semicolon": "/api/names/a;b",
    "empty value": "/api/names/",
    "twice escaped": "/api/names/%2541",
    "query": "/api/items?limit=1",
    "wrong query": "/api/items?limit=x",
    "query twice": "/api/items?limit=1&limit=2",
    "empty query": "/api/items?",
    "dots in the query": "/api/items?limit=2&x=/../y",
    "fragment": "/api/items#x",
    "absolute form": "http://other/api/text",
    "long value": "/api/names/" + "a" * 60_000,
    "long query": "/api/items?limit=1&x=" + "b" * 60_000,
    "no slash": "text",
    "no target": "",
    "query alone": "?x",
    "space": "/a b",
    "letters uncoded": "/\u00e9",
    "an operation for services only": "/Shelf.v1/inner",
    "redirect": "/api/elsewhere",
    "too slow": "/api/slow",
    "defect": "/api/fails",
    "fault": "/api/items/101",
    "stream": "/api/download",
    "long stream": "/api/download?parts=50&size=10000",
    "large": "/api/text?size=2000000",
    "empty answer": "/api/text?size=0",
    "documentation that is off": "/docs",
    "its document": "/openapi.json",
    "telemetry": "/telemetry?after=0",
}
_SHOP = "origin: https://shop.example"
_EVIL = "origin: https://evil.example"
_ASKS = "access-control-request-method: POST"
_NOTE = b'{"id":1,"name":"one"}'
_HEADERS = {
    "not changed since": ask("/api/items/1", "if-none-match: *"),
    "another tag": ask("/api/items/1", 'if-none-match: "x"'),
    "origin": ask("/api/items", _SHOP),
    "other origin": ask("/api/items", "origin: https://other.example"),
    "foreign origin": ask("/api/items", _EVIL),
    "origin of a refusal": ask("/api/nowhere", _SHOP),
    "origin of a wrong method": ask("/api/items", _SHOP, method="PATCH"),
    "preflight": ask("/api/items", _SHOP, _ASKS, method="OPTIONS"),
    "preflight from elsewhere": ask("/api/items", _EVIL, _ASKS, method="OPTIONS"),
    "preflight to nowhere": ask("/api/nowhere", _SHOP, _ASKS, method="OPTIONS"),
    "preflight to two services": ask("/api/shared", _SHOP, _ASKS, method="OPTIONS"),
    "preflight to the gateway": ask("/health/live", _SHOP, _ASKS, method="OPTIONS"),
    "cookies": ask("/api/seen", "cookie: biscuit=a; crumb=b"),
    "two cookies": ask("/api/seen", "cookie: biscuit=a", "cookie: crumb=b"),
    "header": ask("/api/seen", "x-word: w"),
    "header twice": ask("/api/seen", "x-word: w", "x-word: v"),
    "header with an underscore": ask("/api/seen", "x_word: w"),
    "header in latin-1": ask("/api/seen", "x-word: \u00e9"),
    "90 headers": ask("/api/text", *(f"x-{n}: 1" for n in range(90))),
    "long header": ask("/api/text", "x: " + "a" * 60_000),
    "longer header": ask("/api/text", "x: " + "a" * 70_000),
    "much longer header": ask("/api/text", "x: " + "a" * 400_000),
    "gzip": ask("/api/text", "accept-encoding: gzip"),
    "unknown media": ask("/api/items", "accept: image/png"),
    "close": ask("/api/text", "connection: close"),
    "http/1.0": ask("/api/text", version="HTTP/1.0"),
    "http/1.0 without a host": Wire(b"GET /api/text HTTP/1.0\r\n\r\n"),
    "no host": Wire(b"GET /api/text HTTP/1.1\r\n\r\n"),
    "two hosts": ask("/api/text", "host: other"),
    "trace": ask(
        "/api/text", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    ),
    "no trace": ask("/api/text", "traceparent: nonsense"),
    "upgrade to http/2": ask("/api/text", "connection: upgrade", "upgrade: h2c"),
    "method unknown": ask("/api/text", method="FROB"),
    "method of webdav": ask("/api/text", method="PROPFIND"),
    "method trace": ask("/api/text", method="TRACE"),
    "tunnel": Wire(b"CONNECT lab:443 HTTP/1.1\r\nhost: lab:443\r\n\r\n"),
    "nul in a header": ask("/api/text", "x: a\0b"),
    "no colon": ask("/api/text", "nonsense"),
    "space in a name": ask("/api/text", "x y: 1"),
    "rubbish": Wire(b"\x00\xff rubbish\r\n\r\n"),
}
_BODIES = {
    "json": post("/api/items", _NOTE),
    "json to an idempotent one": post("/api/letters", _NOTE),
    "bad json": post("/api/items", b"{"),
    "wrong json": post("/api/items", b'{"id":"x"}'),
    "no body": post("/api/items", b""),
    "other media": ask("/api/items", "content-length: 2", method="POST", body=b"{}"),
    "expected": post("/api/items", _NOTE, "expect: 100-continue"),
    "chunked": chunked("/api/items", _NOTE[:5], _NOTE[5:]),
    "too large": post("/api/items", b" " * 70_000),
    "much too large": post("/api/items", b" " * 3_000_000),
    "too large by its own account": ask(
        "/api/items", _JSON, "content-length: 99999999", method="POST"
    ),
    "too large in chunks": chunked("/api/items", *[b" " * 10_000] * 9),
    "upload": post("/api/upload", b"x" * 300_000),
    "upload in chunks": chunked("/api/upload", *[b"x" * 10_000] * 30),
    "body of a get": ask("/api/text", "content-length: 2", body=b"{}"),
}


def _all() -> Iterator[tuple[str, Wire]]:
    for method in _METHODS:
        for place in _PLACES:
            yield f"{method} {place}", ask(place, "content-length: 0", method=method)
    for name, target in _TARGETS.items():
        yield name, ask(target)
    yield from _HEADERS.items()
    yield from _BODIES.items()


REQUESTS = dict(_all())


def _riddle(*headers: str, body: bytes = b"0\r\n\r\n") -> bytes:
    return ask("/api/items", *headers, method="POST", body=body).sent


SMUGGLING = {
    "length and chunks": _riddle("content-length: 5", "transfer-encoding: chunked"),
    "chunks and length": _riddle("transfer-encoding: chunked", "content-length: 5"),
    "two lengths": _riddle("content-length: 5", "content-length: 6", body=b"hello"),
    "the same length twice": _riddle("content-length: 5", "content-length: 5", body=b"hello"),
    "two lengths in one": _riddle("content-length: 5, 6", body=b"hello"),
    "length with a sign": _riddle("content-length: +5", body=b"hello"),
    "coding xchunked": _riddle("transfer-encoding: xchunked"),
    "coding chunked twice": _riddle("transfer-encoding: chunked", "transfer-encoding: chunked"),
    "coding with a space": _riddle("transfer-encoding : chunked"),
    "coding gzip, chunked": _riddle("transfer-encoding: gzip, chunked"),
    "coding chunked, identity": _riddle("transfer-encoding: chunked, identity"),
    "coding after a tab": _riddle("transfer-encoding:\x0bchunked"),
    "size of a chunk": _riddle("transfer-encoding: chunked", body=b"5x\r\nhello\r\n0\r\n\r\n"),
}
