"""Joined: typed clients for a program that is no service of ours, in the context of its requests."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from coterie.call import Call, Reply
from coterie.client import proxy, resilient
from coterie.client.http import Http
from coterie.contract import Contract, describe

from .background import Background
from .entering import asgi, wsgi

__all__ = ["Joined", "NotJoined"]

C = TypeVar("C", bound=Contract)
T = TypeVar("T")
Wsgi = TypeVar("Wsgi", bound=Callable[..., Iterable[bytes]])


class NotJoined(LookupError):
    """A service whose address nobody told; the message says how to tell it."""


class Joined:
    """Calls services of a system from a program of any framework.

    ::

        joined = Joined(os.environ)
        app.wsgi_app = joined.wsgi(app.wsgi_app)              # Flask

        @app.get("/greeting/<int:number>")
        def greeting(number):
            user = joined.blocking(Users).user(number)
            return f"Hello {user.name}"

        app.add_middleware(joined.asgi)                        # FastAPI, Starlette
        user = await joined.client(Users).user(number)

    Calls made while a request is served belong to it: its trace goes with them, its deadline, its
    caller's token and its baggage. Outside of requests they begin a trace of their own.

    ``environment`` has the address of each service that is called, as ``coterie up`` sets it:
    ``USERS_URL`` for the contract `Users`, or for the one that ``service`` names. It is read when a client is
    asked for. ``timeout`` is in seconds, for operations that name none.
    """

    def __init__(self, environment: Mapping[str, str], *, timeout: float = 30.0) -> None:
        self._environment = environment
        self._timeout = timeout
        self._background = Background()
        self._clients: dict[tuple[type[Contract], str], Any] = {}
        self._lines: dict[str, _Line] = {}

    def wsgi(self, app: Wsgi) -> Wsgi:
        """A WSGI application that serves each request of ``app`` in its context."""
        entered: Any = wsgi(app)  # called as ``app`` is
        return cast(Wsgi, entered)

    def asgi(self, app: Any) -> Any:
        """An ASGI application that does; what ``add_middleware`` takes."""
        return asgi(app)

    def client(self, contract: type[C], service: str | None = None) -> C:
        """A client whose calls are awaited. Always the same one.

        Raises `NotJoined` where the address of ``service`` is not in the environment.
        """
        name = describe(contract).name if service is None else service
        client: C | None = self._clients.get((contract, name))
        if client is None:
            line = self._line(name)
            client = proxy(contract, resilient(line.handle), timeout=self._timeout)
            self._clients[contract, name] = client
        return client

    def blocking(self, contract: type[Contract], service: str | None = None) -> Any:
        """The same for programs without ``async``: its calls give their results at once.

        Types cannot tell that; where a checker shall see them, write ``joined.wait(users.user(7))``.
        """
        return _Blocking(self.client(contract, service), self._background)

    def wait(self, call: Coroutine[Any, Any, T]) -> T:
        """The result of ``call``, made by a client of ours. Raises `RuntimeError` in a running loop."""
        return self._background.wait(call)

    async def close(self) -> None:
        """Close the connections that were opened in this loop."""
        for line in self._lines.values():
            await line.close()

    def stop(self) -> None:
        """Close those that `blocking` and `wait` opened; a program that ends need not."""
        self._background.wait(self.close())
        self._background.stop()

    def _line(self, service: str) -> "_Line":
        if service not in self._lines:
            self._lines[service] = _Line(_address(self._environment, service))
        return self._lines[service]


class _Line:
    """The way to one service, in each loop that calls it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: WeakKeyDictionary[asyncio.AbstractEventLoop, Http] = WeakKeyDictionary()
        Http(url)  # what is no URL is told now

    async def handle(self, call: Call) -> Reply:
        """Send a call."""
        loop = asyncio.get_running_loop()
        http = self._open.get(loop)
        if http is None:
            http = self._open[loop] = Http(self._url)
            await http.start()
        return await http.handle(call)

    async def close(self) -> None:
        """Close what is open in this loop."""
        http = self._open.pop(asyncio.get_running_loop(), None)
        if http is not None:
            await http.stop()


class _Blocking:
    """A client whose operations wait."""

    def __init__(self, client: Contract, background: Background) -> None:
        self._client = client
        self._background = background

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Awaitable[Any]] = getattr(self._client, name)

        @wraps(method)
        def waiting(*args: Any, **kwargs: Any) -> Any:
            async def call() -> Any:
                return await method(*args, **kwargs)

            return self._background.wait(call())

        return waiting


def _address(environment: Mapping[str, str], service: str) -> str:
    variable = f"{service.upper().replace('-', '_')}_URL"
    url = environment.get(variable, "")
    if not url:
        raise NotJoined(
            f"this program calls {service}, and {variable} does not say where that is: start it by"
            f" `coterie up`, or set {variable}, such as {variable}=http://127.0.0.1:8080"
        )
    return url
