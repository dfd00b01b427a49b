"""up(): a whole system in one process, from start to Ctrl-C."""

import asyncio
import logging
import signal
from collections.abc import Callable
from time import perf_counter

from msgspec import Struct

from coterie.server import HttpServer
from coterie.system import Assembly, System, assemble

__all__ = ["Up", "up"]

log = logging.getLogger("coterie.console")


class Up(Struct, frozen=True):
    """A system that is up: where, since how many seconds of starting, and of what it is made."""

    url: str
    seconds: float
    assembly: Assembly


async def up(
    system: System,
    *,
    ready: Callable[[Up], None],
    access_json: bool = False,
    began: float | None = None,
) -> None:
    """Run ``system`` until SIGINT or SIGTERM; ``ready`` is told once it answers.

    Stopping: readiness off, no new connections, calls under way finished, hooks, databases. A
    second signal while it stops cuts short what is left.

    Raises what kept it from starting: `SystemProblems`, `PortTaken`, or a service's own error.
    """
    began = perf_counter() if began is None else began
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    task = asyncio.current_task()

    def stop() -> None:
        if stopped.is_set() and task is not None:
            task.cancel()
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        assembly = assemble(system, access_json=access_json)
        server = HttpServer(assembly.app, host=system.gateway.host, port=system.gateway.port)
        # The port first: whoever finds it taken has not yet touched a database.
        server.listen()
        try:
            starting = asyncio.ensure_future(assembly.start())
            waiting = asyncio.ensure_future(stopped.wait())
            await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                starting.cancel()
            try:
                await starting
                await server.start()
                ready(Up(server.url, perf_counter() - began, assembly))
                await waiting
            except asyncio.CancelledError:
                if not stopped.is_set():
                    raise
            finally:
                waiting.cancel()
                assembly.app.draining = True
                await server.stop()
                await assembly.stop()
        finally:
            server.release()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
