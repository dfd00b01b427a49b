"""`console`: what the console costs whoever calls through the gateway."""

from collections.abc import Callable

from bench.contestant import OURS, Contestant, compete, started
from bench.figure import Figure, Goal, ranked
from bench.figures.gateway import CONNECTIONS, Gateway
from bench.report import table
from bench.round import Round
from bench.setting import Setting
from bench.systems import ORDERS, system
from bench.up import Up

FLOOR = Goal("console stopped", 0.95)


async def measure(setting: Setting, said: Callable[[str], None]) -> list[Figure]:
    """Requests answered a second by one system, with its console and without, in turn."""
    up = Up(setting, system(setting.folder / "orders", ORDERS))
    ours = _Toggled(OURS, up, "restart")
    contestants: list[Contestant] = [ours, _Toggled(FLOOR.against, up, "stop", shared=ours)]
    async with started(contestants) as (running, absent):
        scores = await compete(running, CONNECTIONS, setting.pace, said)
    figure = ranked("console", "requests/s", scores, absent, floor=FLOOR, peers=())
    said(table(figure, scores))
    return [figure]


class _Toggled:
    """The system with its console as `verb` leaves it. `shared`: who starts and stops it all."""

    def __init__(self, name: str, up: Up, verb: str, shared: "_Toggled | None" = None) -> None:
        self.name = name
        self._up = up
        self._verb = verb
        self._shared = shared
        self._gateway: Gateway = Gateway(up) if shared is None else shared._gateway

    async def start(self) -> None:
        if self._shared is None:
            await self._gateway.start()

    async def run(self, in_flight: int, seconds: float) -> Round:
        """One round, once the console is as it shall be."""
        there = (await self._up.processes())["console"].state == "up"
        if there is not (self._verb == "restart"):
            await self._up.tell(self._verb, "console", "--system", str(self._up.system))
        return await self._gateway.run(in_flight, seconds)

    async def stop(self) -> None:
        if self._shared is None:
            await self._gateway.stop()
