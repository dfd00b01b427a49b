"""Those who compete: a server under our load, or a server and its own client."""

import asyncio
import http.client
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

from msgspec import Struct, structs

from bench.client import Client
from bench.load import Exchange, Load
from bench.round import Round, Score
from bench.server import Server, ServerError
from bench.setting import Pace

OURS = "coterie"


class Contestant(Protocol):
    """Something that can be started, measured round by round, and stopped."""

    name: str

    async def start(self) -> None:
        """Start whatever it needs. Raises `ServerError` where that fails."""
        ...

    async def run(self, in_flight: int, seconds: float) -> Round:
        """One round with `in_flight` requests at a time."""
        ...

    async def stop(self) -> None:
        """End every process it started."""
        ...


class Used(Protocol):
    """Something that spends processor time."""

    def used(self) -> float:
        """Seconds so far."""
        ...


class Refusal(Struct, frozen=True):
    """A request that breaks a rule, and the statuses that are a right answer to it."""

    path: str
    body: bytes
    statuses: frozenset[int] = frozenset({400, 422})


class Loaded:
    """A server that our own load generator asks."""

    def __init__(
        self, server: Server, port: int, exchanges: Sequence[Exchange], refusal: Refusal | None
    ) -> None:
        self.name = server.name
        self.server = server
        self.port = port
        self.exchanges = exchanges
        self.refusal = refusal

    async def start(self) -> None:
        await self.server.start()
        if self.refusal is not None:
            status = await asyncio.to_thread(_status, self.port, self.refusal)
            if status not in self.refusal.statuses:
                raise ServerError(f"{self.name} answers {status} to a request that breaks a rule")

    async def run(self, in_flight: int, seconds: float) -> Round:
        load = Load(self.port, self.exchanges, connections=in_flight)
        return await costed([self.server], load.run(seconds))

    async def stop(self) -> None:
        await self.server.stop()


class Called:
    """A client program of the contestant's own, and the server it calls.

    `before` makes what both need, first; `shared`: another contestant starts and stops the server.
    """

    def __init__(
        self,
        client: Client,
        server: Server,
        *,
        before: Callable[[], Awaitable[None]] | None = None,
        shared: bool = False,
    ) -> None:
        self.name = client.name
        self.client = client
        self.server = server
        self.before = before
        self.shared = shared

    async def start(self) -> None:
        if self.before is not None:
            await self.before()
        if not self.shared:
            await self.server.start()
        await self.client.start()

    async def run(self, in_flight: int, seconds: float) -> Round:
        return await costed([self.server], self.client.run(in_flight, seconds))

    async def stop(self) -> None:
        if not self.shared:
            await self.server.stop()
        await self.client.stop()  # last: it may have something of the server's to clear away


async def costed(servers: Sequence[Used], running: Awaitable[Round]) -> Round:
    """The round, with what each answer cost the servers."""
    before = sum(server.used() for server in servers)
    done = await running
    spent = sum(server.used() for server in servers) - before
    return structs.replace(done, cost=spent / done.total if done.total else 0.0)


@asynccontextmanager
async def started(
    contestants: Sequence[Contestant],
) -> AsyncGenerator[tuple[list[Contestant], dict[str, str]], None]:
    """Start them all; gives those that run, and the reason for each that does not."""
    running: list[Contestant] = []
    absent: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        for contestant in contestants:
            stack.push_async_callback(contestant.stop)
            try:
                await contestant.start()
            except ServerError as error:
                absent[contestant.name] = str(error)
            else:
                running.append(contestant)
        yield running, absent


async def compete(
    contestants: Sequence[Contestant],
    in_flight: int,
    pace: Pace,
    said: Callable[[str], None] = lambda line: None,
) -> list[Score]:
    """Warm all up, then let them take turns, each round beginning with another one."""
    warm = {one.name: [await one.run(in_flight, pace.warm)] for one in contestants}
    rounds: dict[str, list[Round]] = {one.name: [] for one in contestants}
    for number in range(pace.rounds):
        turn = number % len(contestants) if contestants else 0
        for one in (*contestants[turn:], *contestants[:turn]):
            rounds[one.name].append(await one.run(in_flight, pace.seconds))
        said(f"round {number + 1} of {pace.rounds}")
    return [Score.of(one.name, rounds[one.name], warm[one.name]) for one in contestants]


def _status(port: int, refusal: Refusal) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", refusal.path, refusal.body, headers)
        return connection.getresponse().status
    except OSError as error:
        raise ServerError(f"port {port} does not answer: {error}") from error
    finally:
        connection.close()
