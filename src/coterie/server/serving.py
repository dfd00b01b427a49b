"""HttpServer: an ASGI application on a socket, for as long as it is wanted."""

import asyncio
import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import Any, Literal

import uvicorn

from .app import App
from .gated import Gated
from .protocol import HeadLimit
from .slowness import Slowness, Watched, watch

__all__ = ["HttpServer", "PortTaken"]

KEEP_ALIVE = 75
"""Seconds an idle connection is kept: longer than our clients' pools keep one (60 s), so that
it is the client who closes and no request meets a closing socket."""

_TAKERS = 16
"""Connections taken in one turn of the loop. uvloop takes one for each socket that listens (libuv
since 1.45), and under load, where a turn takes long, many would wait for seconds."""

_LOOK = 0.02

_HEARD = 0.25
"""Seconds after which everybody has heard that an instance drains."""

_UNWINDING = 1.0
"""Seconds for requests that were cut off to clean up after themselves."""


class PortTaken(OSError):
    """Something else listens where we should."""


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        # Signals belong to whoever runs the process, who knows what else must stop, and when.
        yield


class HttpServer:
    """Serves ``app`` at ``host``:``port``; port 0 takes a free one. A component.

    ``patience`` is the seconds that requests under way may take to finish when it stops; then
    they are cut off. ``listener`` is a socket that listens already, ``tls`` how the gateway proves
    who it is. ``slowness`` is how slow clients may be, for a server that anybody reaches.
    ``sockets``: the application takes WebSockets too, where `websockets` or `wsproto` is installed.

    Raises `PortTaken` at start, naming the remedy.
    """

    def __init__(
        self,
        app: Any,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        patience: float = 10.0,
        listener: socket.socket | None = None,
        tls: ssl.SSLContext | None = None,
        slowness: Slowness | None = None,
        sockets: bool = False,
    ) -> None:
        self._app = app
        self._web_sockets: Literal["auto", "none"] = "auto" if sockets else "none"
        self._host = host
        self._port = port if listener is None else listener.getsockname()[1]
        self._patience = patience
        self._listener = listener
        self._tls = tls
        self._slowness = slowness
        self._watching: asyncio.Task[None] | None = None
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port listened on."""
        return self._port

    @property
    def url(self) -> str:
        """Where to call."""
        everywhere = ("0.0.0.0", "::")  # noqa: S104  # compared with, not listened on
        host = "127.0.0.1" if self._host in everywhere else self._host
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._port}"

    def listen(self) -> None:
        """Take the port; connections wait until `start`. Raises `PortTaken`."""
        if self._listener is None:
            self._listener = _listen(self._host, self._port)
            self._port = self._listener.getsockname()[1]

    async def start(self) -> None:
        """Listen; returns when connections are accepted."""
        self.listen()
        patience: Any = self._patience  # parts of a second too, whatever the type there says
        door = self._app.door if isinstance(self._app, App) else None
        protocol: Any = partial(Gated, door=door)
        keep_alive: Any = KEEP_ALIVE
        if self._slowness is not None:
            protocol = partial(Watched, door=door, slowness=self._slowness)
            keep_alive = self._slowness.idle
        config = uvicorn.Config(
            self._app,
            http=protocol,
            ws=self._web_sockets,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # nobody asks who is at the other end; so nobody can lie about it
            timeout_keep_alive=keep_alive,
            timeout_graceful_shutdown=patience,
        )
        if self._tls is not None:
            config.load()
            config.ssl = self._tls
        self._server = _Server(config)
        sockets = [] if self._listener is None else _takers(self._listener)
        self._task = asyncio.create_task(self._server.serve(sockets=sockets))
        while not self._server.started:
            if self._task.done():
                await self._task
                raise RuntimeError("the HTTP server ended before it began")
            await asyncio.sleep(0)
        if self._slowness is not None:
            connections = self._server.server_state.connections
            self._watching = asyncio.create_task(watch(connections, self._slowness))

    async def drain(self, seconds: float) -> None:
        """Take no new connection, and let go of those there are without breaking any off.

        A connection is closed by the answer to its next request, which says so (RFC 9112, 9.6):
        whoever keeps one learns of the end before it sends, not after. Those that stay silent for
        ``seconds`` are left to `stop`. New ones are taken for a moment of these, by whoever has
        not heard yet that nothing new is wanted here: one that nobody takes would be broken off
        in the end. Another process may go on listening at this address.
        """
        server = self._server
        if server is None:
            return
        connections = server.server_state.connections
        began = monotonic()
        heard = began + min(_HEARD, seconds)
        while True:
            now = monotonic()
            if now >= heard:
                for listening in server.servers:
                    listening.close()
                self.release()
            for connection in connections:
                if isinstance(connection, HeadLimit):
                    connection.let_go()
            if now >= heard and (not connections or now >= began + seconds):
                return
            await asyncio.sleep(_LOOK)

    async def stop(self) -> None:
        """Stop accepting, finish what is under way, close."""
        server, task = self._server, self._task
        if server is not None and task is not None:
            server.should_exit = True
            await task
            cut = list(server.server_state.tasks)
            if cut:
                # They were cancelled; what they hold they give back before anything else ends.
                await asyncio.wait(cut, timeout=_UNWINDING)
            self._server = self._task = None
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        self.release()

    def release(self) -> None:
        """Give the port back."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None


def _takers(listener: socket.socket) -> list[socket.socket]:
    return [listener, *(listener.dup() for _ in range(_TAKERS - 1))]


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, or asyncio takes the connections for something else than TCP and lets
    # the second half of each answer wait 40 ms for the first to be acknowledged.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
        listener.setblocking(False)  # noqa: FBT003  # the socket's own signature
    except OSError as error:
        listener.close()
        raise PortTaken(
            error.errno,
            f"cannot listen on {host}:{port}: {error.strerror}. Stop what uses it"
            f" (`ss -ltnp 'sport = :{port}'` shows it), or choose another port",
        ) from error
    return listener
