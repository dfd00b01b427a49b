"""Inside addresses: programs find each service at a port of the loopback, in either gateway."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from time import monotonic

import pytest
import pytest_asyncio
from msgspec import structs

from coterie.deploy.envoy import Edge, files, swap
from coterie.engine.admin import Admin
from tests.deploy.peers import peer_of
from tests.deploy.programs import BOTH, INVENTORY, Both, both_of, seen
from tests.server.talk import Answer, Talk, request, soon, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

KINDS = pytest.mark.parametrize("kind", BOTH)
SERVICES = ("native", "legacy", "private", "slow")


def free(*names: str) -> dict[str, int]:
    """Ports that nobody has."""
    held = [socket.socket() for _ in names]
    for one in held:
        one.bind(("127.0.0.1", 0))
    found = {name: one.getsockname()[1] for name, one in zip(names, held, strict=True)}
    for one in held:
        one.close()
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Both]:
    async with both_of(tmp_path_factory.mktemp("inside"), inside=free(*SERVICES)) as found:
        yield found


async def ask(
    port: int,
    method: str,
    target: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    async with Talk(*await asyncio.open_connection("127.0.0.1", port)) as talk:
        talk.say(request(method, target, body, headers))
        return await talk.answer(of=method)


TARGETS = (
    "/",
    "/x?y=/../z",
    "//x",
    "/x/../y",
    "/x/./y",
    "/%2e%2e/%41%2F",
    "/.coterie/live",
    "/api/items",
    "/registry",
    "/docs",
    "/metrics",
)


@KINDS
@pytest.mark.parametrize("service", ["native", "legacy", "private"])
async def test_everything_is_passed_on_as_it_is(both: Both, kind: str, service: str) -> None:
    """Whatever the path, to this service alone, be it public or not."""
    port = both.inside[kind][service]
    for target in TARGETS:
        found = await seen(port, target, "x-forwarded-prefix: /told")
        assert (found.status, found.who, found.target) == (200, service, target)
        assert found.prefix == "/told"  # by a program, of whom it asks for
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"):
        assert (await ask(port, method, "/x")).body.split(b" ")[0].endswith(method.encode())


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@KINDS
async def test_headers_are_the_callers(both: Both, kind: str) -> None:
    """Its host, its trace, and what it says of somebody else; nobody is put in its place."""
    said = {"traceparent": TRACE, "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https"}
    heard = (await ask(both.inside[kind]["legacy"], "GET", "/x", b"", said)).body.decode().lower()
    assert "\r\nhost: lab\r\n" in heard
    for name, value in said.items():
        assert f"\r\n{name}: {value}\r\n" in heard
    assert "x-forwarded-host" not in heard
    assert "x-envoy" not in heard
    heard = (await ask(both.inside[kind]["legacy"], "GET", "/x")).body.decode().lower()
    assert "x-forwarded-for" not in heard
    assert "\r\nx-forwarded-proto: http\r\n" in heard


@KINDS
async def test_bodies_flow_and_have_no_limit(both: Both, kind: str) -> None:
    """The service is asked before all of it has come; and it may be larger than from outside."""
    legacy = both.peers["legacy"]
    legacy.asked.clear()
    port = both.inside[kind]["legacy"]
    async with Talk(*await asyncio.open_connection("127.0.0.1", port)) as talk:
        size = (1 << 20) * 3
        talk.say(b"PUT /x HTTP/1.1\r\nhost: lab\r\ncontent-length: %d\r\n\r\n" % size)
        talk.say(b"x" * 1000)
        await until(lambda: legacy.asked)
        talk.say(b"x" * (size - 1000))
        assert (await talk.answer(of="PUT")).status == 200


@KINDS
async def test_who_hangs_is_given_up_here_too(both: Both, kind: str) -> None:
    """After the time of the service that is asked."""
    both.peers["slow"].mood = "silent"
    began = monotonic()
    answer = await ask(both.inside[kind]["slow"], "POST", "/x", b"{}")
    both.peers["slow"].mood = "well"
    assert answer.status == 504
    assert answer.json["detail"] == "slow did not answer in time"
    assert 0.5 < monotonic() - began < 2


async def test_websockets_are_passed_through(both: Both) -> None:
    """By Envoy; ours opens none."""
    asked = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    asked["sec-websocket-key"] = "dGhlIHNhbXBsZQ=="
    ports = [(both.inside["envoy"]["legacy"], "/chat"), (both.ports["envoy"], "/legacy/chat")]
    for port, path in ports:
        async with Talk(*await asyncio.open_connection("127.0.0.1", port)) as talk:
            talk.say(request("GET", path, b"", asked))
            assert (await soon(talk.head()))[0] == 101
            talk.say(b"\x81\x05hello")
            assert await soon(talk.reader.readexactly(7)) == b"\x81\x05hello"


async def test_a_service_that_joins_gets_an_address(tmp_path: Path) -> None:
    """While Envoy runs; and who talks to another notices nothing. All is written down."""
    first, more = free("legacy"), free("private")
    async with (
        both_of(tmp_path, inside=first) as both,
        Talk(*await asyncio.open_connection("127.0.0.1", first["legacy"])) as talk,
        Talk(*await asyncio.open_connection("127.0.0.1", both.gate.port)) as outside,
    ):
        for one in (talk, outside):
            one.say(request("GET", "/x"))
            assert (await one.answer()).status == 200
        told = Edge(folder=str(tmp_path), host="127.0.0.1", port=both.gate.port, timeout=5.0)
        told = structs.replace(
            told, admin=both.gate.admin, log=str(tmp_path / "access"), inside=first | more
        )
        made = files(INVENTORY, told)
        swap(tmp_path, {"eds/private.json": made["eds/private.json"]})
        both.gate.tell("private", both.peers["private"].instance)
        swap(tmp_path, {"cds.json": made["cds.json"]})
        await both.gate.healthy("private", 1)
        before = json.loads((tmp_path / "lds.json").read_bytes())["resources"]
        after = json.loads(made["lds.json"])["resources"]
        added = [one for one in after if one["name"] == "inside-private"]
        swap(tmp_path, {"lds.json": json.dumps({"resources": before + added}).encode()})

        async def answered() -> bool:
            try:
                return (await seen(more["private"], "/y")).who == "private"
            except OSError:
                return False

        async with asyncio.timeout(5):
            while not await answered():  # noqa: ASYNC110  # a listener has no event
                await asyncio.sleep(0.01)
        for one in (talk, outside):
            one.say(request("GET", "/x"))
            assert (await one.answer()).status == 200
        assert "rejected" not in both.gate.log
    lines = map(json.loads, (tmp_path / "access").read_text().splitlines())
    written = [(line["path"], line["service"], line["route"]) for line in lines]
    assert ("/y", "private", "inside") in written
    assert ("/x", "web", "/*") in written


async def test_a_crowd_outside_keeps_nobody_apart_inside(tmp_path: Path) -> None:
    """The limit of connections is for those from outside."""
    inside = free("legacy")
    async with (
        both_of(tmp_path, inside=inside, connections=1) as both,
        Talk(*await asyncio.open_connection("127.0.0.1", both.gate.port)) as first,
    ):
        first.say(request("GET", "/x"))
        assert (await first.answer()).status == 200
        async with Talk(*await asyncio.open_connection("127.0.0.1", both.gate.port)) as second:
            second.say(request("GET", "/x"))
            assert await second.rest() == b""
        for _ in range(3):
            assert (await seen(inside["legacy"], "/x")).who == "legacy"


async def test_what_is_under_way_finds_others_to_the_end(tmp_path: Path) -> None:
    """Who comes from outside is refused while the gateway drains; programs still reach each other."""
    inside = free("legacy")
    async with both_of(tmp_path, inside=inside) as both:
        admin = Admin(Path(both.gate.admin))
        await admin.drain()
        await admin.refuse(inbound=True)
        with pytest.raises(OSError, match=r"refused|[Cc]onnect"):
            await both.ask("envoy", "/legacy/x")
        assert (await seen(inside["legacy"], "/x")).who == "legacy"
        await admin.refuse()  # control: that is what closes these, too
        with pytest.raises(OSError, match=r"refused|[Cc]onnect"):
            await seen(inside["legacy"], "/x")


@KINDS
async def test_what_never_left_goes_elsewhere(kind: str, tmp_path: Path) -> None:
    """One instance is gone, and nobody knows yet."""
    async with (
        both_of(tmp_path, inside=free("legacy")) as both,
        peer_of("other", service="legacy", program=True) as (other,),
    ):
        instances = (both.peers["legacy"].instance, other.instance)
        both.gate.tell("legacy", *instances)
        await both.gate.healthy("legacy", 2)
        both.known.tell(*instances)
        await both.peers["legacy"].die()
        for _ in range(10):
            answer = await ask(both.inside[kind]["legacy"], "POST", "/x", b"{}")
            assert answer.body.startswith(b"other")
