"""The gateway's program: live when it says so, private, and clear about what it refuses."""

import asyncio
import json
import os
import signal
import socket
import stat
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from coterie.engine import Envoy, Failed
from tests.console.process import gone
from tests.engine.sockets import listening

_TYPES = "type.googleapis.com/envoy.extensions.filters"


def bootstrap(folder: Path, *, port: int = 0, upstream: int = 9, **more: Any) -> Path:
    """A configuration: one listener; /hello answers by itself, the rest goes ``upstream``."""
    routes = [
        {
            "match": {"path": "/hello"},
            "direct_response": {"status": 200, "body": {"inline_string": "hello"}},
        },
        {"match": {"prefix": "/"}, "route": {"cluster": "upstream", "timeout": "0s"}},
    ]
    connections = {
        "@type": f"{_TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gateway",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_TYPES}.http.router.v3.Router"},
            }
        ],
    }
    filters = [{"name": "http_connection_manager", "typed_config": connections}]
    resources = {
        "listeners": [
            {"name": "gateway", "address": _at(port), "filter_chains": [{"filters": filters}]}
        ],
        "clusters": [
            {
                "name": "upstream",
                "load_assignment": {
                    "cluster_name": "upstream",
                    "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _at(upstream)}}]}],
                },
            }
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "bootstrap.json"
    path.write_text(json.dumps({"static_resources": resources, **more}))
    return path


def dynamic(folder: Path, *, port: int = 0) -> Path:
    """The same, with the listeners in a file of their own that Envoy watches."""
    path = bootstrap(folder, port=port)
    told = json.loads(path.read_text())
    kind = "type.googleapis.com/envoy.config.listener.v3.Listener"
    listeners = [{"@type": kind, **one} for one in told["static_resources"].pop("listeners")]
    (folder / "listeners.json").write_text(json.dumps({"resources": listeners}))
    source = {"path_config_source": {"path": str(folder / "listeners.json")}}
    more = {
        "node": {"id": "gateway", "cluster": "shop"},
        "dynamic_resources": {"lds_config": source},
    }
    path.write_text(json.dumps({**told, **more}))
    return path


def _at(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


@pytest.fixture
async def envoy(tmp_path: Path) -> AsyncIterator[Envoy]:
    """An Envoy, to be started; stopped at the end in any case."""
    envoy = Envoy(tmp_path / "envoy")
    yield envoy
    await envoy.stop()


async def ask(port: int, path: str) -> bytes:
    """What is answered, head and body; a client that closes, as Envoy itself may wait a second."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
            return head + await reader.readexactly(int(length))
    finally:
        writer.close()
        await writer.wait_closed()


async def test_it_answers_from_its_start_to_its_stop(envoy: Envoy, tmp_path: Path) -> None:
    """Started means live: the very next request is answered, on the port that it tells."""
    assert await envoy.ready() is False
    await envoy.start(bootstrap(tmp_path))
    pid, port = envoy.pid, await envoy.listening()
    assert pid is not None
    assert await envoy.ready() is True
    assert (await ask(port, "/hello")).endswith(b"hello")
    assert (await envoy.stats("downstream_rq_total"))["http.gateway.downstream_rq_total"] == 1
    assert "server.uptime" in await envoy.stats()
    await envoy.stop()
    assert gone(pid)
    assert envoy.pid is None
    assert await envoy.ready() is False
    with pytest.raises(Failed, match="does not answer at"):
        await envoy.stats()


async def test_it_drains_without_losing_what_is_under_way(envoy: Envoy, tmp_path: Path) -> None:
    """Draining, it is not ready any more; the request it has is answered, and counted until then."""
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await answer.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(slow, "127.0.0.1", 0) as upstream:
        await envoy.start(bootstrap(tmp_path, upstream=upstream.sockets[0].getsockname()[1]))
        port = await envoy.listening()
        assert await envoy.in_flight() == 0
        request = asyncio.create_task(ask(port, "/slow"))
        await asyncio.wait_for(asked.wait(), 10)
        assert await envoy.in_flight() == 1
        await envoy.drain()
        assert await envoy.ready() is False
        assert await envoy.in_flight() == 1
        assert b"200 OK" in await ask(port, "/hello")  # the listener stays open meanwhile
        answer.set()
        assert (await request).endswith(b"done")
        assert await envoy.in_flight() == 0


async def test_its_administration_is_its_owners(envoy: Envoy, tmp_path: Path) -> None:
    """A socket that nobody else may open, whatever the configuration says; nothing else listens."""
    await envoy.start(bootstrap(tmp_path, admin={"address": _at(0)}))
    assert envoy.pid is not None
    assert listening(envoy.pid) == {("127.0.0.1", await envoy.listening())}
    assert stat.S_IMODE(envoy.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(envoy.path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(envoy.log.stat().st_mode) == 0o600


async def test_a_folder_too_deep_for_a_socket_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket is put into a short private folder, which is gone afterwards."""
    short = Path(tempfile.mkdtemp(prefix="t-"))
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    envoy = Envoy(tmp_path / ("deep" * 30))
    await envoy.start(bootstrap(tmp_path))
    try:
        assert await envoy.ready()
        assert envoy.path.is_relative_to(short)
        assert stat.S_IMODE(envoy.path.parent.stat().st_mode) == 0o700
    finally:
        await envoy.stop()
    os.rmdir(short)  # noqa: PTH106


async def test_a_configuration_is_judged_before_it_is_used(envoy: Envoy, tmp_path: Path) -> None:
    """Nothing against a good one; of a bad one, the field that is wrong, in a plain sentence."""
    good = bootstrap(tmp_path)
    assert await envoy.validate(good) is None
    bad = tmp_path / "bad.json"
    bad.write_text(good.read_text().replace('"port_value"', '"prot_value"'))
    assert await envoy.validate(bad) == (
        "invalid JSON in Bootstrap @ static_resources.listeners[0].address.socket_address:"
        " message SocketAddress, near 1:125 (offset 124): no such field: 'prot_value'"
    )
    lost = tmp_path / "lost.json"
    lost.write_text(good.read_text().replace('"cluster": "upstream"', '"cluster": "nowhere"'))
    assert await envoy.validate(lost) == "route: unknown cluster 'nowhere'"


async def test_a_refused_configuration_is_told(envoy: Envoy, tmp_path: Path) -> None:
    """Started all the same, it says what it refuses, and nothing is left running."""
    path = bootstrap(tmp_path)
    path.write_text(path.read_text().replace('"cluster": "upstream"', '"cluster": "nowhere"'))
    with pytest.raises(Failed, match="refuses its configuration") as told:
        await envoy.start(path)
    assert any("unknown cluster 'nowhere'" in line for line in told.value.lines)
    assert envoy.pid is None


async def test_a_taken_port_is_told(envoy: Envoy, tmp_path: Path) -> None:
    """Envoy does not share a port with a stranger, and the message says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Failed, match=r"taken by another program.*Choose another.*gateway"):
            await envoy.start(bootstrap(tmp_path, port=port))
    await envoy.start(bootstrap(tmp_path, port=port))  # control: it was the port
    assert await envoy.listening() == port


async def test_a_listener_that_could_not_be_opened_is_told(envoy: Envoy, tmp_path: Path) -> None:
    """One of a file of its own: Envoy lives without it, and asked for its port, the cause is told."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        path = dynamic(tmp_path, port=taken.getsockname()[1])
        await envoy.start(path)
        with pytest.raises(Failed, match=r"taken by another program.*Choose another.*gateway"):
            await envoy.listening()
    await envoy.stop()
    await envoy.start(dynamic(tmp_path))  # control: it was the port
    assert await envoy.listening() > 0


async def test_its_death_is_noticed_and_it_starts_again(envoy: Envoy, tmp_path: Path) -> None:
    """A kill -9 leaves a socket file behind, which does not keep the next one from starting."""
    path = bootstrap(tmp_path)
    await envoy.start(path)
    assert envoy.pid is not None
    os.kill(envoy.pid, signal.SIGKILL)
    assert await asyncio.wait_for(envoy.wait(), 5) == -signal.SIGKILL
    await envoy.start(path)
    assert await envoy.ready() is True


async def test_a_listener_it_does_not_have_is_told(envoy: Envoy, tmp_path: Path) -> None:
    """By its name."""
    await envoy.start(bootstrap(tmp_path))
    with pytest.raises(Failed, match="has no listener named side-door"):
        await envoy.listening("side-door")
