"""supervise(): a whole system as processes, from start to Ctrl-C."""

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from time import perf_counter
from typing import NoReturn

from msgspec import Struct

from coterie.console.control import ControlServer, UpLock
from coterie.console.interrupted import Interrupted
from coterie.console.ports import free_port
from coterie.console.row import Row
from coterie.console.signals import Signals
from coterie.system import System

from .console_work import run_console
from .controls import SupervisorControls
from .forkserver import Work, serve
from .gateway_work import run_gateway
from .instance import run_instance
from .launch import Launcher
from .log_book import LogBook, Show
from .look import run_look
from .plant import PROGRAM
from .preload import preload
from .program import run_program
from .reloading import Reloading
from .state import prepare
from .system_run import Source, SystemRun

__all__ = ["Source", "Supervised", "fork_for", "launcher", "supervise"]

_WORKS: Mapping[str, Work] = {
    "look": run_look,
    "instance": run_instance,
    PROGRAM: run_program,
    "console": run_console,
    "gateway": run_gateway,
}

log = logging.getLogger("coterie.console")

# Of the passwords: they are of our making, in a file of our own.
_CHATTER = ("[INF]", "[DBG]", "Plaintext passwords", "caught ENVOY_SIGTERM")


class Supervised(Struct, frozen=True):
    """A system that is up as processes: where, since how many seconds of starting, who is not."""

    url: str
    console: str
    seconds: float
    rows: tuple[Row, ...]


def launcher(again: Sequence[str]) -> Launcher:
    """The fork server. Call it before there is any thread or event loop.

    ``again`` is a command that comes to call `fork_for`, should the fork server die.
    """
    preload()
    return Launcher(_WORKS, again)


def fork_for(orders: int, supervisor: int) -> NoReturn:
    """Be the fork server of the process ``supervisor``, whose orders come by a descriptor."""
    preload()
    serve(socket.socket(fileno=orders), supervisor, _WORKS)


async def supervise(
    system: System,
    source: Source,
    launch: Launcher,
    *,
    ready: Callable[[Supervised], None],
    show: Show,
    own: Callable[[Show | None], None],
    json: bool = False,
    began: float | None = None,
    patience: float = 60.0,
    watch: bool = False,
    harmed: bool = False,
) -> None:
    """Run ``system``, each service a process of its own, until SIGINT or SIGTERM.

    ``show`` gets the log of all processes; ``own`` is handed what keeps lines of this one, and
    ``None`` at the end. ``harmed``: whoever controls it may have its calls meet faults. Raises `SystemProblems` with nothing left behind,
    `AlreadyUp` where another process runs this system, `Interrupted` at a second signal.
    """
    began = perf_counter() if began is None else began
    state = system.state
    prepare(system)
    with Signals() as signals:
        signals.hears = _always
        async with AsyncExitStack() as stack:
            lock = stack.enter_context(UpLock(state))
            system = system.listening(port=free_port(system))
            await launch.start()
            stack.push_async_callback(launch.stop)
            logs = LogBook(state / "logs", _without_chatter(show))
            stack.callback(logs.stop)
            own(logs.take)
            stack.callback(own, None)
            run = SystemRun(
                system, source, launch, logs, json=json, patience=patience, harmed=harmed
            )
            try:
                await run.start(signals.asked)
                supervisor = run.supervisor
                lock.tell(run.url)
                stopped = asyncio.Event()
                controls = SupervisorControls(supervisor, run.own, signals.asked.set, stopped)
                control = ControlServer(state, controls)
                await control.start()
                stack.push_async_callback(control.stop)
                if watch:
                    following = asyncio.create_task(Reloading(supervisor, run.look_again).run())
                    stack.callback(following.cancel)
                rows = tuple(await controls.rows())
                console = supervisor.console.worker.address or ""
                ready(Supervised(run.url, f"{console}/console", perf_counter() - began, rows))
                await signals.wait()
                await run.stop()
                stopped.set()
            except asyncio.CancelledError:
                run.kill()
                if not signals.asked.is_set():
                    raise
                raise Interrupted from None
            except BaseException:
                run.kill()
                raise


def _without_chatter(show: Show) -> Show:
    """What the engines say of themselves is kept, and not shown unless something is wrong."""

    def worth(line: str) -> bool:
        return not any(words in line for words in _CHATTER)

    def shown(name: str, text: str) -> None:
        if name in ("broker", "gateway"):
            text = "".join(filter(worth, text.splitlines(keepends=True)))
        if text:
            show(name, text)

    return shown


def _always() -> bool:
    return True
