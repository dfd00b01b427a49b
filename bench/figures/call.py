"""`call`: a typed client calls a service; the client has one core, the server another."""

from collections.abc import Callable

from bench.client import Client
from bench.contestant import OURS, Called, Contestant, compete, started
from bench.figure import Figure, Goal, ranked
from bench.figures.operation import coterie, serving, uvicorn
from bench.report import table
from bench.server import Server, free_port, output
from bench.setting import ROOT, Setting

APPS = ROOT / "bench" / "apps"
IN_FLIGHT = (1, 32)
BROKER = "amqp://guest:guest@127.0.0.1:5672"
FLOOR = Goal("bare client", 0.8)
PEERS = (Goal("fastapi + httpx", 8), Goal("grpc.aio", 4), Goal("nameko", 20))


async def measure(setting: Setting, said: Callable[[str], None]) -> list[Figure]:
    """Calls answered a second, with 1 and with 32 in flight."""
    port = free_port()
    ours = serving(setting, OURS, coterie(port), port)
    contestants: list[Contestant] = [
        Called(_client(setting, OURS, "coterie_client", str(port)), ours),
        # The bare client asks our server: what is measured is what our typed proxy adds to it.
        Called(_client(setting, FLOOR.against, "bare_client", str(port)), ours, shared=True),
        _fastapi(setting),
        _grpc(setting),
        _nameko(setting),
    ]
    figures = []
    async with started(contestants) as (running, absent):
        for in_flight in IN_FLIGHT:
            said(f"{in_flight} in flight")
            scores = await compete(running, in_flight, setting.pace, said)
            name = f"call.{in_flight}"
            figure = ranked(name, "calls/s", scores, absent, floor=FLOOR, peers=PEERS)
            said(table(figure, scores))
            figures.append(figure)
    return figures


def _fastapi(setting: Setting) -> Contestant:
    name, port = "fastapi + httpx", free_port()
    server = serving(setting, name, uvicorn("fastapi_orders")(port), port)
    return Called(_client(setting, name, "fastapi_client", str(port)), server)


def _grpc(setting: Setting) -> Contestant:
    name, port, stubs = "grpc.aio", free_port(), setting.folder / "stubs"
    found = {"PYTHONPATH": str(stubs)}
    server = serving(setting, name, ["-m", "bench.apps.grpc_orders", str(port)], port)
    server.environment = found
    client = _client(setting, name, "grpc_client", str(port))
    client.environment = found

    async def make_stubs() -> None:
        stubs.mkdir()
        folders = (f"--proto_path={APPS}", f"--python_out={stubs}", f"--grpc_python_out={stubs}")
        protoc = (str(setting.python), "-m", "grpc_tools.protoc")
        await output([*protoc, *folders, "orders.proto"])

    return Called(client, server, before=make_stubs)


def _nameko(setting: Setting) -> Contestant:
    name, broker = "nameko", setting.environment.get("COTERIE_TEST_RABBITMQ", BROKER)
    config = setting.folder / "nameko.yaml"
    # As many workers as calls in flight; its default of 10 would hold calls back.
    config.write_text(f"AMQP_URI: {broker}\nmax_workers: {max(IN_FLIGHT)}\n")
    server = Server(
        name,
        [
            *(str(setting.python), "-W", "ignore", "-m", "nameko", "run"),
            *("--config", str(config), "bench.apps.nameko_orders"),
        ],
        log=setting.folder / f"{name}.server.log",
        cores=setting.cores.serving,
    )
    return Called(_client(setting, name, "nameko_client", broker), server)


def _client(setting: Setting, name: str, program: str, where: str) -> Client:
    return Client(
        name,
        [str(setting.python), "-W", "ignore", "-m", f"bench.apps.{program}", where],
        log=setting.folder / f"{name}.client.log",
        cores=setting.cores.asking,
    )
