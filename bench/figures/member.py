"""`member`: a Flask program that joins as it is, beside Gunicorn; the same Envoy before each."""

from collections.abc import Callable

from bench.contestant import Contestant, compete, started
from bench.figure import Figure, Goal, ranked
from bench.figures.gateway import Gateway, asked
from bench.figures.operation import serving
from bench.report import table
from bench.round import Round
from bench.server import Server, ServerError, free_port
from bench.setting import Setting
from bench.systems import MEMBER, system
from bench.up import Up

CONNECTIONS = 32
THREADS = 8
PROGRAM = "bench.apps.member_flask:app"
FLOOR = Goal("gunicorn gthread", 0.9)
ROUTED = f'{MEMBER}routes = ["/api"]\n'


async def measure(setting: Setting, said: Callable[[str], None]) -> list[Figure]:
    """Requests answered a second, through `coterie up`; one process and eight threads each."""
    ours = Gateway(Up(setting, system(setting.folder / "member", ROUTED)), "member-1")
    contestants: list[Contestant] = [
        ours,
        _Fronted(FLOOR.against, setting, ours, gunicorn),
    ]
    async with started(contestants) as (running, absent):
        scores = await compete(running, CONNECTIONS, setting.pace, said)
    figure = ranked("member", "requests/s", scores, absent, floor=FLOOR, peers=())
    said(table(figure, scores))
    return [figure]


def gunicorn(port: int) -> list[str]:
    """The command of Gunicorn with threads; idle connections are kept as long as ours."""
    return [
        *("-m", "gunicorn", PROGRAM, "--bind", f"127.0.0.1:{port}"),
        *("--worker-class", "gthread", "--workers", "1", "--threads", str(THREADS)),
        *("--keep-alive", "75", "--access-logfile", "-"),
    ]


class _Fronted:
    """A server of the same program and an Envoy before it, with the files of our gateway: a contestant.

    It is started after ours. The cost is that of both.
    """

    def __init__(
        self, name: str, setting: Setting, ours: Gateway, command: Callable[[int], list[str]]
    ) -> None:
        self.name = name
        self._setting = setting
        self._ours = ours
        self._port, self._inside = free_port(), free_port()
        self._server = serving(setting, name, command(self._inside), self._inside)
        self._envoy: Server | None = None

    async def start(self) -> None:
        """Start the program, then what stands before it."""
        there = await self._ours.up.processes()
        console = (there["console"].address or "").rpartition(":")[2]
        await self._server.start()
        folder = self._setting.folder / self.name.replace(" ", "-")
        places = (console, str(self._port), str(self._inside), str(folder))
        envoy = ["-m", "bench.apps.same_envoy", str(self._ours.up.system), *places]
        self._envoy = serving(self._setting, f"{self.name}, envoy", envoy, self._port)
        await self._envoy.start()

    async def run(self, in_flight: int, seconds: float) -> Round:
        """One round, through Envoy."""
        if self._envoy is None:
            raise ServerError(f"{self.name} is not started")
        return await asked(self._port, in_flight, seconds, self._envoy, self._server)

    async def stop(self) -> None:
        """End both."""
        if self._envoy is not None:
            await self._envoy.stop()
        await self._server.stop()
