"""HTTPS: trust is checked before anything is sent."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from coterie.client.http1 import NotSent, Pool, Reason, Unknown
from tests.client.http1.peer import OK, Peer, answer, soon, until


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and self-signed certificate of 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


class Server(asyncio.Protocol):
    """Answers as told; notes what it read and when it was left."""

    def __init__(self, seen: list[bytes], says: bytes, left: asyncio.Event) -> None:
        self.seen, self.says, self.left = seen, says, left

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.seen.append(data)
        if self.says == b"close":
            self.transport.abort()
        else:
            self.transport.write(self.says)

    def connection_lost(self, exc: Exception | None) -> None:
        self.left.set()


@asynccontextmanager
async def serving(
    certificate: Path, says: bytes = OK
) -> AsyncGenerator[tuple[str, list[bytes], asyncio.Event]]:
    """An HTTPS server: its URL, what it read, and whether a client left."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    seen: list[bytes] = []
    left = asyncio.Event()
    server = await asyncio.get_running_loop().create_server(
        lambda: Server(seen, says, left), "127.0.0.1", 0, ssl=context
    )
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"https://127.0.0.1:{port}", seen, left
    finally:
        server.close()


async def test_a_trusted_server_is_asked_and_kept(certificate: Path) -> None:
    """Several requests over one TLS connection."""
    trust = ssl.create_default_context(cafile=str(certificate))
    async with serving(certificate) as (url, seen, _), Pool(url, tls=trust) as pool:
        for _ in range(3):
            assert (await soon(pool.request("GET", "/"))).body == b"hello"
        assert len(seen) == 3
        assert pool._slots == 1


async def test_an_untrusted_server_is_sent_nothing(certificate: Path) -> None:
    """Without a certificate we trust, the handshake fails: not sent, and the message says TLS."""
    async with serving(certificate) as (url, seen, _), Pool(url) as pool:
        with pytest.raises(NotSent, match="certificate") as caught:
            await soon(pool.request("POST", "/", body=b"secret"))
        assert caught.value.reason is Reason.TLS
        assert seen == []
        assert pool._slots == 0


async def test_a_server_that_speaks_no_tls_is_sent_nothing(peer: Peer) -> None:
    """Plain HTTP on the port: the request never leaves."""
    async with Pool(peer.url.replace("http:", "https:")) as pool:
        asking = asyncio.create_task(pool.request("POST", "/", body=b"secret"))
        talk = await peer.accept()
        talk.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with pytest.raises(NotSent) as caught:
            await soon(asking)
        assert caught.value.reason is Reason.TLS
        assert b"secret" not in await talk.rest()


async def test_a_handshake_that_does_not_end_is_not_sent(peer: Peer) -> None:
    """The connect timeout covers it."""
    async with Pool(peer.url.replace("http:", "https:"), connect_timeout=0.05) as pool:
        with pytest.raises(NotSent) as caught:
            await soon(pool.request("GET", "/"))
        assert caught.value.reason is Reason.CONNECT


async def test_a_close_without_an_answer_is_unknown(certificate: Path) -> None:
    """The same line between not sent and unknown, through TLS."""
    trust = ssl.create_default_context(cafile=str(certificate))
    async with serving(certificate, b"close") as (url, seen, _), Pool(url, tls=trust) as pool:
        with pytest.raises(Unknown) as caught:
            await soon(pool.request("GET", "/"))
        assert caught.value.reason is Reason.CLOSED
        assert len(seen) == 1


async def test_cancelling_closes_within_100_ms_through_tls(certificate: Path) -> None:
    """No polite goodbye holds the socket open."""
    trust = ssl.create_default_context(cafile=str(certificate))
    async with serving(certificate, b"") as (url, seen, left), Pool(url, tls=trust) as pool:
        asking = asyncio.create_task(pool.request("GET", "/"))
        await until(lambda: seen)
        begin = monotonic()
        asking.cancel()
        await soon(left.wait())
        assert monotonic() - begin < 0.1


async def test_a_large_answer_streams_through_tls(certificate: Path) -> None:
    """Back-pressure pauses and resumes the encrypted socket, and nothing is lost."""
    trust = ssl.create_default_context(cafile=str(certificate))
    body = bytes(range(256)) * 16 * 1024
    async with (
        serving(certificate, answer(body)) as (url, _, _),
        Pool(url, tls=trust) as pool,
        await soon(pool.request("GET", "/", stream=True)) as response,
    ):
        await until(lambda: response.body._inbox.full)
        assert b"".join([chunk async for chunk in response.body]) == body
        assert len(pool._idle) == 1
