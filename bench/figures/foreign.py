"""`foreign`: a service of a system calls a Flask program in it, with types and without."""

import asyncio
import http.client
from collections.abc import Callable

import msgspec

from bench.contestant import OURS, Contestant, compete, costed, started
from bench.figure import Figure, Goal, ranked
from bench.figures.gateway import Gateway
from bench.report import table
from bench.round import Round
from bench.server import ServerError
from bench.setting import Setting
from bench.systems import MEMBER, NATIVE, system
from bench.up import Up

IN_FLIGHT = 8
"""As many as the program answers at a time."""

ANSWER_LIMIT = 30.0
"""Seconds the service may take beyond the length of the round."""

FLOOR = Goal("bare client", 0.9)


async def measure(setting: Setting, said: Callable[[str], None]) -> list[Figure]:
    """Calls answered a second; both clients are in one process of the system, and take turns."""
    up = Up(setting, system(setting.folder / "foreign", MEMBER + NATIVE), spread=True)
    typed = _Asking(Gateway(up, "native-1"), OURS, "typed")
    contestants: list[Contestant] = [typed, _Asking(typed.system, FLOOR.against, "bare")]
    async with started(contestants) as (running, absent):
        scores = await compete(running, IN_FLIGHT, setting.pace, said)
    figure = ranked("foreign", "calls/s", scores, absent, floor=FLOOR, peers=())
    said(table(figure, scores))
    return [figure]


class _Asking:
    """The service, asked to call the program in a `way`: a contestant; `typed` starts the system."""

    def __init__(self, there: Gateway, name: str, way: str) -> None:
        self.system = there
        self.name = name
        self._way = way
        self._url = ""

    async def start(self) -> None:
        if self._way == "typed":
            await self.system.start()
        there = await self.system.up.processes()
        self._url = there["member-1"].address or ""

    async def run(self, in_flight: int, seconds: float) -> Round:
        asked = {"way": self._way, "url": self._url, "in_flight": in_flight, "seconds": seconds}
        return await costed([self.system.process], self._round(asked, seconds + ANSWER_LIMIT))

    async def stop(self) -> None:
        if self._way == "typed":
            await self.system.stop()

    async def _round(self, asked: dict[str, object], limit: float) -> Round:
        body = msgspec.json.encode(asked)
        answer = await asyncio.to_thread(post, self.system.service, "/api/rounds", body, limit)
        return msgspec.json.decode(answer, type=Round)


def post(port: int, path: str, body: bytes, limit: float) -> bytes:
    """What a POST of JSON is answered. Raises `ServerError` where that is not a 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=limit)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
    except OSError as error:
        raise ServerError(f"port {port} does not answer: {error}") from error
    finally:
        connection.close()
    if response.status != 200:
        raise ServerError(f"{path} answers {response.status}: {text.decode(errors='replace')}")
    return text
