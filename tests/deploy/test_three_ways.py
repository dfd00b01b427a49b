"""One system, reached three ways, is one system: nobody can tell by its answers which way it was."""

import asyncio
from random import Random

import pytest

from tests.deploy.three import WAYS, Heard, Three
from tests.deploy.wires import REQUESTS, SMUGGLING, Wire, ask
from tests.server.talk import soon

pytestmark = pytest.mark.asyncio(loop_scope="module")

BARE = ask("/api/text").sent.replace(b"\r\n", b"\n")
UPGRADE = ("connection: upgrade", "upgrade: websocket", "sec-websocket-key: dGhlIHNhbXBsZQ==")

# Where they cannot agree: what each answers, in the order of `WAYS`, and why.
DIFFERENCES: dict[str, tuple[Wire, tuple[int, int, int], str]] = {
    "asterisk": (ask("*"), (404, 400, 404), "Envoy takes it with OPTIONS alone; nothing is there"),
    "absolute form without a path": (
        ask("http://other"),
        (400, 404, 400),
        "Envoy reads it as /, as RFC 9112, 3.2.1 would have the client write it",
    ),
    "target beyond 64 KiB": (
        ask("/" + "a" * 70_000),
        (400, 431, 400),
        "llhttp's URL ends there, before the head is too long",
    ),
    "more than 100 headers": (
        ask("/api/text", *(f"x-{n}: 1" for n in range(300))),
        (200, 431, 200),
        "Envoy counts headers, our servers their octets",
    ),
    "folded header": (
        ask("/api/seen", "x-word: a", " b"),
        (400, 200, 400),
        "Envoy puts a space for the fold before anybody else sees it (RFC 9112, 5.2)",
    ),
    "bare line feeds": (
        Wire(BARE),
        (400, 200, 400),
        "Envoy writes them out as CR LF before anybody else sees them (RFC 9112, 2.2)",
    ),
    "version 1.2": (
        ask("/api/text", version="HTTP/1.2"),
        (400, 200, 400),
        "Envoy answers as to HTTP/1.0",
    ),
    "websocket": (
        ask("/api/text", *UPGRADE),
        (200, 200, 200),
        "where the service does not upgrade, Envoy passes its status on and no body",
    ),
    "header of the connection": (
        ask("/api/seen", "connection: x-word", "x-word: w"),
        (200, 200, 200),
        "a gateway takes out what belongs to the connection (RFC 9110, 7.6.1)",
    ),
    "metrics": (
        ask("/metrics"),
        (200, 404, 404),
        "several processes have as many; each tells its own on its own port",
    ),
    "a service that is away": (
        ask("/api/ghost"),
        (200, 503, 503),
        "in one process no service is away",
    ),
    "what a service that is away allows": (
        ask("/api/ghost", method="OPTIONS"),
        (204, 503, 204),
        "Envoy leaves OPTIONS and wrong methods to the service",
    ),
}


async def ways(three: Three, wire: Wire) -> list[Heard]:
    """What each of them answers."""
    return await asyncio.gather(*(three.hear(way, wire.sent, wire.method) for way in WAYS))


@pytest.mark.parametrize("name", REQUESTS)
async def test_the_answer_is_the_same(three: Three, name: str) -> None:
    """Status, media, body, ``Allow``, CORS, ``ETag``, ``Location``; and whether it is closed."""
    one, envoy, own = await ways(three, REQUESTS[name])
    assert one == envoy
    assert one == own
    assert "server" not in envoy.headers
    assert not [name for name in envoy.headers if name.startswith("x-envoy")]


@pytest.mark.parametrize("name", DIFFERENCES)
async def test_the_differences_are_those_that_are_told(three: Three, name: str) -> None:
    """A table, so that whoever closes a gap, or opens one, notices."""
    wire, statuses, _ = DIFFERENCES[name]
    answers = await ways(three, wire)
    assert tuple(answer.status for answer in answers) == statuses
    assert not answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", SMUGGLING)
async def test_what_can_be_read_two_ways_is_refused(three: Three, name: str, way: str) -> None:
    """And what follows it is never a request: the connection ends (RFC 9112, 11.2)."""
    hidden = ask("/api/text").sent
    reader, writer = await asyncio.open_connection("127.0.0.1", three.ports[way])
    try:
        writer.write(SMUGGLING[name] + hidden)
        heard = await soon(reader.read())
    finally:
        writer.transport.abort()
    assert heard.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in heard
    assert heard.count(b"HTTP/1.1") == 1
    assert b"plain words" not in heard


@pytest.mark.parametrize("way", WAYS)
async def test_control_what_follows_a_clear_request_is_one(three: Three, way: str) -> None:
    """Pipelining (RFC 9112, 9.3.2): in their order, each its own answer."""
    # Answers of its own Envoy gives to requests sent ahead, too, but may close after one of them.
    targets = ["/api/text", "/api/items/101", "/api/items/x", "/api/text?size=5"]
    last = ask("/api/text?size=6", "connection: close").sent
    reader, writer = await asyncio.open_connection("127.0.0.1", three.ports[way])
    try:
        writer.write(b"".join(ask(target).sent for target in targets) + last)
        heard = await soon(reader.read())
    finally:
        writer.transport.abort()
    statuses = [int(part[:3]) for part in heard.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [200, 404, 400, 200, 200]
    assert heard.endswith(b"plain ")


PIECES = (
    *("api", "items", "names", "shared", "1", "", "", ".", "..", "%2e", "%2E%2e", ".%2e", "..;"),
    *("..;x", "%2e%2e;x", "a;b", "%2F", "..%2f", "%5c", "\\", "a\\..\\b", "%61pi", "%41", "%c3%a9"),
    *("%25", "%252e", "~", "%7E", "a%20b", "...", ";", ".;", "%3b", "a|b", "%zz"),
)


@pytest.mark.parametrize("seed", range(6))
async def test_paths_lead_to_the_same_place(three: Three, seed: int) -> None:
    """However they are written: nobody gets round the gateway by another spelling."""
    draw = Random(seed)  # noqa: S311  # the same dice every time
    for _ in range(40):
        start = draw.choice(["/api/names/", "/api/", "/", "/api/items/"])
        path = start + "/".join(draw.choice(PIECES) for _ in range(draw.randint(1, 5)))
        one, envoy, own = await ways(three, ask(path))
        assert (path, one) == (path, own)
        assert (path, one) == (path, envoy)
