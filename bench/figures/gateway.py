"""`gateway`: the operation through the gateway, beside the same Envoy with a file written by hand."""

from collections.abc import Callable

from bench import orders
from bench.contestant import OURS, Contestant, Used, compete, costed, started
from bench.figure import Figure, Goal, ranked
from bench.load import Exchange, Load
from bench.report import table
from bench.round import Round
from bench.server import Server, ServerError, free_port
from bench.setting import Setting
from bench.systems import ORDERS, system
from bench.up import Spent, Up

CONNECTIONS = 32
FLOOR = Goal("static envoy", 0.9)
PEERS = (Goal("static envoy, log", 0.9),)


async def measure(setting: Setting, said: Callable[[str], None]) -> list[Figure]:
    """Requests answered a second; every contestant sends them to one and the same process."""
    up = Up(setting, system(setting.folder / "orders", ORDERS))
    ours = Gateway(up)
    contestants: list[Contestant] = [ours, _static(setting, ours), _static(setting, ours, "--log")]
    async with started(contestants) as (running, absent):
        scores = await compete(running, CONNECTIONS, setting.pace, said)
    figure = ranked("gateway", "requests/s", scores, absent, floor=FLOOR, peers=PEERS)
    said(table(figure, scores))
    return [figure]


class Gateway:
    """Our gateway before the one `instance` of a service: a contestant."""

    name = OURS

    def __init__(self, up: Up, instance: str = "orders-1") -> None:
        self.up = up
        self.instance = instance
        self.service = 0
        """The port of the service itself."""
        self.process: Used = Spent(())
        self._gateway: Used = Spent(())

    async def start(self) -> None:
        """Start the system."""
        await self.up.start()
        there = await self.up.processes()
        service, gateway = there[self.instance], there["gateway"]
        self.service = int((service.address or "").rpartition(":")[2])
        self.process = Spent([service.pid or 0])
        self._gateway = Spent([gateway.pid or 0])

    async def run(self, in_flight: int, seconds: float) -> Round:
        """One round, through the gateway."""
        return await asked(self.up.port, in_flight, seconds, self._gateway, self.process)

    async def stop(self) -> None:
        """End the system."""
        await self.up.stop()


class _Static:
    """An Envoy of its own before the same process: a contestant, started after ours."""

    def __init__(self, name: str, setting: Setting, ours: Gateway, option: str) -> None:
        self.name = name
        self._setting = setting
        self._ours = ours
        self._option = option
        self._server: Server | None = None
        self._port = free_port()

    async def start(self) -> None:
        if not self._ours.service:
            raise ServerError("needs the service that ours has started")
        folder = self._setting.folder / self.name.replace(", ", "-").replace(" ", "-")
        places = (str(self._port), str(self._ours.service), str(folder))
        option = [self._option] if self._option else []
        self._server = Server(
            self.name,
            [str(self._setting.python), "-m", "bench.apps.static_envoy", *places, *option],
            log=self._setting.folder / f"{self.name}.log",
            port=self._port,
            cores=self._setting.cores.serving,
        )
        await self._server.start()

    async def run(self, in_flight: int, seconds: float) -> Round:
        if self._server is None:
            raise ServerError(f"{self.name} is not started")
        return await asked(self._port, in_flight, seconds, self._server, self._ours.process)

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop()


def _static(setting: Setting, ours: Gateway, option: str = "") -> _Static:
    name = PEERS[0].against if option else FLOOR.against
    return _Static(name, setting, ours, option)


async def asked(port: int, in_flight: int, seconds: float, *serving: Used) -> Round:
    """One round of orders at `port`, with what an answer cost those who serve."""
    exchanges = [
        Exchange(orders.post(orders.PATH, orders.order(kind)), orders.answer(kind))
        for kind in range(orders.KINDS)
    ]
    return await costed(serving, Load(port, exchanges, connections=in_flight).run(seconds))
