"""A network that can be made bad: each way of it is seen at the other end of a socket."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import pytest
from nats.aio.client import Client
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from coterie.client.http1 import NotSent, Pool, Unknown
from coterie.engine import Nats
from coterie.testing import TcpProxy

HELLO = b"hello, " * 100


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[TcpProxy]:
    """One in front of a server that says what it hears."""
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, TcpProxy("127.0.0.1", server.sockets[0].getsockname()[1]) as found:
        yield found


@asynccontextmanager
async def connected(
    proxy: TcpProxy,
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def asked(proxy: TcpProxy, words: bytes = HELLO) -> bytes:
    """What is answered to ``words`` on a new connection."""
    async with connected(proxy) as (reader, writer):
        writer.write(words)
        return await reader.readexactly(len(words))


async def test_open_it_changes_nothing(proxy: TcpProxy) -> None:
    """Bytes pass both ways, an end is passed on, and nothing is left of the connection."""
    async with connected(proxy) as (reader, writer):
        writer.write(HELLO)
        writer.write_eof()
        assert await reader.read() == HELLO
    assert proxy.accepted == 1
    for _ in range(1000):
        if proxy.connections == 0:
            break
        await asyncio.sleep(0.002)
    assert proxy.connections == 0


async def test_latency_is_on_each_way(proxy: TcpProxy) -> None:
    """Twice it, there and back. Control: without it, next to nothing."""
    began = monotonic()
    await asked(proxy)
    assert monotonic() - began < 0.1
    proxy.latency = 0.1
    began = monotonic()
    await asked(proxy)
    assert 0.19 <= monotonic() - began < 0.4


async def test_bandwidth_is_a_rate(proxy: TcpProxy) -> None:
    """10,000 bytes at 50,000 a second take a fifth of a second, each way one after the other."""
    proxy.bandwidth = 50_000
    began = monotonic()
    await asked(proxy, b"x" * 10_000)
    assert 0.19 <= monotonic() - began < 1.0


async def test_a_reset_after_so_many_bytes(proxy: TcpProxy) -> None:
    """So many arrive, and then the connection is gone with RST, not with an end."""
    proxy.reset_after = 10
    async with connected(proxy) as (reader, writer):
        writer.write(HELLO)
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(11)
    proxy.reset_after = None
    assert await asked(proxy) == HELLO


async def test_a_reset_at_once(proxy: TcpProxy) -> None:
    """Those that are there; the next one is served."""
    async with connected(proxy) as (reader, writer):
        writer.write(b"here")
        assert await reader.readexactly(4) == b"here"
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            await reader.read()
    assert await asked(proxy) == HELLO


async def test_half_open_the_socket_stays_and_nothing_comes(proxy: TcpProxy) -> None:
    """Neither data nor an end, and what was sent meanwhile arrives once it is open again."""
    async with connected(proxy) as (reader, writer):
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        proxy.state = "half-open"
        writer.write(b"two")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.read(1)
        async with connected(proxy) as (silent, other):
            other.write(b"anybody?")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await silent.read(1)
        proxy.state = "open"
        assert await reader.readexactly(3) == b"two"


async def test_closed_it_refuses_and_opens_again_at_the_same_port(proxy: TcpProxy) -> None:
    """What is connected stays connected."""
    port = proxy.port
    async with connected(proxy) as (reader, writer):
        proxy.state = "closed"
        with pytest.raises(ConnectionRefusedError):
            await asked(proxy)
        writer.write(b"still")
        assert await reader.readexactly(5) == b"still"
    proxy.state = "open"
    assert proxy.port == port
    assert await asked(proxy) == HELLO


async def test_unreachable_not_even_a_connection_is_made(proxy: TcpProxy) -> None:
    """As behind a firewall that drops: whoever connects waits, until it is open again."""
    proxy.state = "unreachable"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asked(proxy), 0.3)
    proxy.state = "open"
    assert await asked(proxy) == HELLO
    assert proxy.accepted == 1


async def test_a_lie_is_one_wrong_bit_in_so_many_bytes(proxy: TcpProxy) -> None:
    """At places that do not depend on how the bytes came."""
    proxy.lie = 100
    got = await asked(proxy)
    wrong = [place for place, (a, b) in enumerate(zip(got, HELLO, strict=True)) if a != b]
    assert wrong == [99, 199, 299, 399, 499, 599, 699]
    proxy.lie = None
    assert await asked(proxy) == HELLO


async def test_our_http_client_meets_each_of_them(proxy: TcpProxy) -> None:
    """Not sent where nobody was reached, unknown where it was sent: never anything else."""
    async with Pool(f"http://{proxy.address}", connect_timeout=0.3) as pool:
        proxy.state = "closed"
        with pytest.raises(NotSent):
            await pool.request("GET", "/", (), b"")
        proxy.state = "unreachable"
        with pytest.raises(NotSent):
            await pool.request("GET", "/", (), b"")
        proxy.state = "open"
        proxy.reset_after = 5
        with pytest.raises(Unknown):
            await pool.request("GET", "/", (), b"")


async def test_postgresql_through_it(postgres_url: str) -> None:
    """A reset in between is an error to whoever had the connection, and only to that one."""
    direct = make_url(postgres_url).set(drivername="postgresql+asyncpg")
    async with TcpProxy(direct.host or "127.0.0.1", direct.port or 5432) as proxy:
        through = create_async_engine(direct.set(host=proxy.host, port=proxy.port))
        try:
            async with through.connect() as connection:
                assert await connection.scalar(text("SELECT 1")) == 1
                proxy.reset()
                with pytest.raises((DBAPIError, OSError)):
                    await connection.scalar(text("SELECT 2"))
            async with through.connect() as connection:
                assert await connection.scalar(text("SELECT 3")) == 3
        finally:
            await through.dispose()
        assert proxy.accepted == 2


async def test_a_broker_through_it(tmp_path: Path) -> None:
    """A partition and its end: what is published meanwhile arrives after it, nothing is made up."""
    broker = Nats(tmp_path / "nats")
    await broker.start()
    client = Client()
    try:
        parts = urlsplit(broker.url)
        async with TcpProxy(parts.hostname or "", parts.port or 0) as proxy:
            user = f"{parts.username}:{parts.password}@" if parts.username else ""
            await client.connect(f"nats://{user}{proxy.address}", allow_reconnect=False)
            heard = await client.subscribe("news")
            await client.flush()
            proxy.state = "half-open"
            await client.publish("news", b"one")
            with pytest.raises(TimeoutError):
                await heard.next_msg(timeout=0.2)
            proxy.state = "open"
            assert (await heard.next_msg(timeout=2)).data == b"one"
            await client.close()
    finally:
        await client.close()
        await broker.stop()
