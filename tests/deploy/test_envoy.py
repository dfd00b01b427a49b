"""A real Envoy on our files: swaps, limits, TLS, upgrades, and what it writes down."""

import asyncio
import datetime
import json
import os
import ssl
import stat
from collections.abc import AsyncGenerator
from pathlib import Path
from time import monotonic

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import structs

from coterie.deploy.envoy import Edge, Tls
from tests.deploy.peers import ECHO, Peer, peer_of
from tests.deploy.running import Gate, gate_of
from tests.server.talk import Talk, request, soon


@pytest.fixture
async def peers() -> AsyncGenerator[list[Peer]]:
    async with peer_of("one", "two") as found:
        yield found


async def talk_to(gate: Gate, tls: ssl.SSLContext | None = None) -> Talk:
    streams = await asyncio.open_connection(
        "127.0.0.1", gate.port, ssl=tls, server_hostname="localhost" if tls else None
    )
    return Talk(*streams)


async def test_a_swap_is_seen_at_once(peers: list[Peer], tmp_path: Path) -> None:
    """Within 100 ms of the file's rename requests go to the new instance; none fails meanwhile."""
    one, two = peers
    async with gate_of(tmp_path, ECHO, {"echo": (one.instance,)}) as gate:
        spent = []
        for turn in range(6):
            old, new = (one, two) if turn % 2 == 0 else (two, one)
            async with await talk_to(gate) as talk:
                gate.tell("echo", new.instance)
                began, heard = monotonic(), old.name.encode()
                while heard == old.name.encode():
                    talk.say(request("GET", "/echo"))
                    answer = await talk.answer()
                    assert answer.status == 200
                    heard = answer.body[:3]
                    assert monotonic() - began < 5
                spent.append(monotonic() - began)
        print([round(one * 1000, 1) for one in spent], "ms")
        assert sorted(spent)[len(spent) // 2] < 0.1


async def test_a_file_in_place_is_the_same_or_whole(peers: list[Peer], tmp_path: Path) -> None:
    """Nothing is swapped where nothing changed, and nothing but the files is left."""
    instances = (peers[0].instance,)
    async with gate_of(tmp_path, ECHO, {"echo": instances}) as gate:
        before = (tmp_path / "eds" / "echo.json").stat().st_mtime_ns
        gate.tell("echo", *instances)
        assert (tmp_path / "eds" / "echo.json").stat().st_mtime_ns == before
        assert [path.name for path in (tmp_path / "eds").iterdir()] == ["echo.json"]
        assert "rejected" not in gate.log


def impatient(edge: Edge) -> Edge:
    return structs.replace(edge, head_timeout=0.3, body_timeout=0.3, timeout=0.2, idle_timeout=0.3)


SLOW = {
    "half a head": b"GET /echo HTTP/1.1\r\nhost: lab\r\nx: ",
    "half a body": b"POST /echo HTTP/1.1\r\nhost: lab\r\ncontent-length: 9\r\n\r\nhalf",
}


@pytest.mark.parametrize("name", SLOW)
async def test_the_slow_are_not_waited_for(peers: list[Peer], tmp_path: Path, name: str) -> None:
    """Whoever sends less than a request within the limit is told, and let go."""
    instances = {"echo": (peers[0].instance,)}
    async with (
        gate_of(tmp_path, ECHO, instances, impatient) as gate,
        await talk_to(gate) as talk,
    ):
        talk.say(SLOW[name])
        answer = await talk.answer()
        assert (answer.status, answer.json["code"]) == (408, "deadline_exceeded")
        assert await talk.rest() == b""


@pytest.mark.parametrize("name", SLOW)
async def test_control_the_patient_wait(peers: list[Peer], tmp_path: Path, name: str) -> None:
    """Control: it is the limit that lets go of them."""
    async with (
        gate_of(tmp_path, ECHO, {"echo": (peers[0].instance,)}) as gate,
        await talk_to(gate) as talk,
    ):
        talk.say(SLOW[name])
        with pytest.raises(TimeoutError):
            await soon(talk.head(), 1.0)


async def test_idle_connections_are_closed(peers: list[Peer], tmp_path: Path) -> None:
    """A connection that says nothing more is given up."""
    instances = {"echo": (peers[0].instance,)}
    async with gate_of(tmp_path, ECHO, instances, impatient) as gate, await talk_to(gate) as talk:
        talk.say(request("GET", "/echo"))
        assert (await talk.answer()).status == 200
        assert await talk.rest() == b""


async def test_connections_beyond_the_limit_are_closed(peers: list[Peer], tmp_path: Path) -> None:
    """And those within it are served."""

    def few(edge: Edge) -> Edge:
        return structs.replace(edge, connections=2)

    async with (
        gate_of(tmp_path, ECHO, {"echo": (peers[0].instance,)}, few) as gate,
        await talk_to(gate) as first,
        await talk_to(gate) as second,
    ):
        for talk in (first, second):
            talk.say(request("GET", "/echo"))
            assert (await talk.answer()).status == 200
        async with await talk_to(gate) as third:
            third.say(request("GET", "/echo"))
            assert await third.rest() == b""


async def test_websockets_are_passed_through(peers: list[Peer], tmp_path: Path) -> None:
    """Once the service has switched, octets go both ways as they are."""
    headers = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    async with (
        gate_of(tmp_path, ECHO, {"echo": (peers[0].instance,)}) as gate,
        await talk_to(gate) as talk,
    ):
        talk.say(request("GET", "/echo", b"", headers | {"sec-websocket-key": "dGhlIHNhbXBsZQ=="}))
        status, answered = await soon(talk.head())
        assert status == 101
        assert ("upgrade", "websocket") in answered
        for octets in (b"\x81\x05hello", b"\x00\xff" * 1000):
            talk.say(octets)
            assert await soon(talk.reader.readexactly(len(octets))) == octets


async def test_tls_ends_here(peers: list[Peer], tmp_path: Path) -> None:
    """With the given certificate, HTTP/2 offered; the service hears that it was https."""
    tls = Tls(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    _certify(Path(tls.certificate), Path(tls.key))

    def secure(edge: Edge) -> Edge:
        return structs.replace(edge, tls=tls)

    trusting = ssl.create_default_context(cafile=tls.certificate)
    trusting.set_alpn_protocols(["h2", "http/1.1"])
    async with gate_of(tmp_path, ECHO, {"echo": (peers[0].instance,)}, secure) as gate:
        async with await talk_to(gate, trusting) as talk:
            assert talk.writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        trusting.set_alpn_protocols(["http/1.1"])
        async with await talk_to(gate, trusting) as talk:
            talk.say(request("GET", "/echo"))
            assert "x-forwarded-proto: https" in (await talk.answer()).body.decode()
        async with await talk_to(gate) as plain:
            plain.say(request("GET", "/echo"))
            assert b"200" not in await plain.rest()


async def test_every_request_leaves_a_line(peers: list[Peer], tmp_path: Path) -> None:
    """JSON, with what a reader looks for; a query may hold a secret, and is left out."""
    async with (
        gate_of(tmp_path, ECHO, {"echo": (peers[0].instance,)}) as gate,
        await talk_to(gate) as talk,
    ):
        for target in ("/echo?token=hunter2", "/nowhere"):
            talk.say(request("GET", target, b"", {"traceparent": "00-ab-cd-01"}))
            await talk.answer()
    lines = (tmp_path / "access").read_text().splitlines()
    first, second = (json.loads(line) for line in lines)
    assert (first["method"], first["path"], first["status"]) == ("GET", "/echo", 200)
    assert (first["service"], first["route"], first["tries"]) == ("echo", "echo.get", 1)
    assert first["traceparent"] == "00-ab-cd-01"
    assert (second["status"], second["route"]) == (404, "nowhere")
    assert "hunter2" not in "".join(lines)


async def test_administration_is_the_owners(peers: list[Peer], tmp_path: Path) -> None:
    """Who may write to that socket may stop the gateway."""
    async with gate_of(tmp_path, ECHO, {}) as gate:
        mode = os.stat(gate.admin).st_mode  # noqa: PTH116
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600


async def test_routes_are_swapped_without_losing_a_connection(
    peers: list[Peer], tmp_path: Path
) -> None:
    """A new route table counts for the next request on a connection that was there before."""
    folder = tmp_path
    table: list[bytes] = []

    def without(files: dict[str, bytes]) -> None:
        table.append(files["rds.json"])
        made = json.loads(files["rds.json"])
        routes = made["resources"][0]["virtual_hosts"][0]["routes"]
        routes[:] = [route for route in routes if "/echo" not in str(route["match"])]
        files["rds.json"] = json.dumps(made).encode()

    instances = {"echo": (peers[0].instance,)}
    async with gate_of(folder, ECHO, instances, alter=without) as gate, await talk_to(gate) as talk:
        talk.say(request("GET", "/echo"))
        assert (await talk.answer()).status == 404
        written = folder / ".rds"
        written.write_bytes(table[0])
        written.replace(folder / "rds.json")
        async with asyncio.timeout(5):
            status = 404
            while status == 404:
                talk.say(request("GET", "/echo"))
                status = (await talk.answer()).status
        assert status == 200


def _certify(certificate: Path, key: Path) -> None:
    """Write a certificate for localhost that signs itself."""
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(secret, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        secret.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
