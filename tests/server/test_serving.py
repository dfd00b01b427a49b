"""The server on its socket: taking a port, giving it back, and ending well."""

import asyncio
import inspect
import socket
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
import uvloop

from coterie.client.http1 import Pool
from coterie.server import App, Host, HttpServer, PortTaken
from coterie.server.serving import KEEP_ALIVE
from tests.server.kit import LabService, Talk, request, site_of, soon, until


async def application() -> App:
    host = Host(LabService())
    await host.start()
    return App([host])


async def refused(port: int) -> None:
    """Returns when new connections are not taken any more."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except (ConnectionRefusedError, ConnectionResetError):
            return
        writer.close()
        await asyncio.sleep(0.005)


async def test_port_zero_takes_a_free_one_and_says_which() -> None:
    """Two servers at once never meet."""
    app = await application()
    servers = [HttpServer(app), HttpServer(app)]
    for server in servers:
        await server.start()
    assert len({server.port for server in servers}) == 2
    assert servers[0].url == f"http://127.0.0.1:{servers[0].port}"
    for server in servers:
        await server.stop()


async def test_a_port_that_is_taken_is_named_with_the_remedy() -> None:
    """Before anything else is touched; and it can be taken once it is free."""
    app = await application()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = HttpServer(app, port=port)
        with pytest.raises(PortTaken, match=f"cannot listen on 127.0.0.1:{port}.*Stop what uses"):
            server.listen()
    await server.start()
    assert server.port == port
    await server.stop()


async def test_connections_wait_from_the_moment_it_listens() -> None:
    """A client that comes before the start is served after it, not refused."""
    server = HttpServer(await application())
    server.listen()
    async with Talk(*await asyncio.open_connection("127.0.0.1", server.port)) as talk:
        talk.say(request("GET", "/text"))
        await server.start()
        assert (await talk.answer()).body == b"plain words"
    await server.stop()


async def test_a_stopped_server_gives_its_port_back() -> None:
    """At once, and it may start again there."""
    app = await application()
    server = HttpServer(app)
    await server.start()
    port = server.port
    await server.stop()
    await server.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    again = HttpServer(app, port=port)
    await again.start()
    await again.stop()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://127.0.0.1:80"),
        ("::1", "http://[::1]:80"),
        ("shop.example", "http://shop.example:80"),
    ],
)
async def test_the_url_can_be_called(host: str, url: str) -> None:
    """Wherever it listens, it says an address that a client can use."""
    assert HttpServer(await application(), host=host, port=80).url == url


@pytest.mark.promise("P2.12-10")
async def test_stopping_finishes_what_is_under_way() -> None:
    """The answer arrives whole, and the connection is closed after it."""
    async with site_of() as site, await site.talk() as talk:
        talk.say(request("GET", "/waits"))
        await until(lambda: site.lab.waiting)
        stopping = asyncio.create_task(site.server.stop())
        await soon(refused(site.server.port))
        assert not stopping.done()
        site.lab.go.set()
        answer = await talk.answer()
        assert (answer.json, answer["connection"]) == ("done", "close")
        await soon(stopping)
        assert await talk.rest() == b""


async def test_stopping_closes_idle_connections_and_takes_no_new_ones() -> None:
    """Nobody who is not being served keeps it up."""
    async with site_of() as site, await site.talk() as talk:
        talk.say(request("GET", "/text"))
        await talk.answer()
        await soon(site.server.stop(), 2)
        assert await talk.rest() == b""


async def test_what_does_not_finish_in_time_is_cut_off() -> None:
    """Past its patience the server ends; the method was cancelled, and who waited is told so."""
    async with site_of(patience=0.1) as site, Pool(site.url) as pool:
        asking = asyncio.create_task(pool.request("GET", "/waits"))
        await until(lambda: site.lab.waiting)
        await soon(site.server.stop(), 2)
        assert site.host.in_flight == 0
        assert (await asking).status == 500


async def test_control_with_patience_it_is_waited_for() -> None:
    """Control: the same request, with time to finish."""
    async with site_of(patience=5) as site, Pool(site.url) as pool:
        asking = asyncio.create_task(pool.request("GET", "/waits"))
        await until(lambda: site.lab.waiting)
        stopping = asyncio.create_task(site.server.stop())
        await soon(refused(site.server.port))
        site.lab.go.set()
        assert (await asking).body == b'"done"'
        await soon(stopping)


async def test_idle_connections_are_kept_longer_than_our_clients_keep_them() -> None:
    """So that it is the client who closes, and no request meets a closing socket."""
    idle = inspect.signature(Pool).parameters["idle_timeout"].default
    assert idle + 10 <= KEEP_ALIVE
    async with site_of() as site:
        server = site.server._server
        assert isinstance(server, uvicorn.Server)
        assert server.config.timeout_keep_alive == KEEP_ALIVE


async def test_nobody_can_say_where_a_request_came_from() -> None:
    """Forwarded headers are the client's words: they change nothing, and cost nothing."""
    async with site_of() as site:
        server = site.server._server
        assert isinstance(server, uvicorn.Server)
        assert server.config.loaded_app is site.app


async def test_signals_are_left_to_whoever_runs_the_process() -> None:
    """Who knows what else must stop, and when."""
    server = HttpServer(await application())
    await server.start()
    inner = server._server
    assert inner is not None
    with inner.capture_signals():
        assert True
    await server.stop()


async def test_an_application_without_a_lifespan_says_so() -> None:
    """Its life is the assembly's: a server that would start it is told."""
    app = await application()

    async def nothing(*_: object) -> object:
        raise AssertionError

    with pytest.raises(RuntimeError, match="belongs to whoever assembled it"):
        await app({"type": "lifespan"}, nothing, nothing)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_a_web_socket_is_closed() -> None:
    """There is nothing to talk about yet."""
    app = await application()
    sent: list[object] = []

    async def send(message: object) -> None:
        sent.append(message)

    async def receive() -> dict[str, object]:
        return {}

    await app({"type": "websocket"}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1000}]


@pytest.mark.parametrize(
    "loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_an_answer_leaves_at_once(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """No part of it waits for the acknowledgement of another, on either event loop."""

    async def served() -> list[int]:
        accepted: list[int] = []

        async def look(scope: Any, receive: Any, send: Any) -> None:
            for connection in server._server.server_state.connections:  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
                sock = connection.transport.get_extra_info("socket")
                accepted.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        server = HttpServer(look)
        await server.start()
        async with Talk(*await asyncio.open_connection("127.0.0.1", server.port)) as talk:
            talk.say(request("GET", "/"))
            await talk.answer()
        await server.stop()
        return accepted

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(served()) == [1]
