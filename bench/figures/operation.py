"""`operation`: a typed JSON POST, validated in and out, one server process, 32 connections."""

import json
from collections.abc import Callable

from bench import orders
from bench.contestant import OURS, Contestant, Loaded, Refusal, compete, started
from bench.figure import Figure, Goal, ranked
from bench.load import Exchange
from bench.report import table
from bench.server import Server, free_port
from bench.setting import Setting

CONNECTIONS = 32
FLOOR = Goal("asgi + msgspec", 0.85)
PEERS = (Goal("fastapi", 3.5), Goal("litestar", 2.0))


async def measure(setting: Setting, said: Callable[[str], None]) -> list[Figure]:
    """Requests answered a second, access logs on for all."""
    contestants: list[Contestant] = [
        _contestant(setting, OURS, coterie),
        _contestant(setting, f"{OURS}, no policies", without_policies),
        _contestant(setting, FLOOR.against, uvicorn("floor_orders")),
        _contestant(setting, "fastapi", uvicorn("fastapi_orders")),
        _contestant(setting, "litestar", uvicorn("litestar_orders")),
    ]
    async with started(contestants) as (running, absent):
        scores = await compete(running, CONNECTIONS, setting.pace, said)
    figure = ranked("operation", "requests/s", scores, absent, floor=FLOOR, peers=PEERS)
    said(table(figure, scores))
    return [figure]


def uvicorn(app: str) -> Callable[[int], list[str]]:
    """The command of an ASGI contestant: one process of uvicorn, access log on as it comes."""
    return lambda port: [
        *("-m", "uvicorn", f"bench.apps.{app}:app"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--loop", "uvloop", "--http", "httptools"),
    ]


def coterie(port: int) -> list[str]:
    """The command of our service, alone."""
    return ["-m", "bench.apps.coterie_orders", str(port)]


def without_policies(port: int) -> list[str]:
    """The same without trace, deadline, authenticate and authorize: what these cost."""
    return [*coterie(port), "--no-policies"]


def serving(setting: Setting, name: str, arguments: list[str], port: int) -> Server:
    """A server on the serving core, its access log in a file."""
    return Server(
        name,
        [str(setting.python), *arguments],
        log=setting.folder / f"{name}.server.log",
        port=port,
        cores=setting.cores.serving,
    )


def _contestant(setting: Setting, name: str, command: Callable[[int], list[str]]) -> Contestant:
    port = free_port()
    exchanges = [
        Exchange(orders.post(orders.PATH, orders.order(kind)), orders.answer(kind))
        for kind in range(orders.KINDS)
    ]
    refusal = Refusal(orders.PATH, json.dumps(orders.wrong()).encode())
    return Loaded(serving(setting, name, command(port), port), port, exchanges, refusal)
