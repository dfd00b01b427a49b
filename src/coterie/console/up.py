"""up(): a whole system in one process, from start to Ctrl-C."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from time import monotonic, perf_counter

from msgspec import Struct

from coterie.server import HttpServer, Slowness
from coterie.system import Assembly, System, SystemProblems, assemble

from .certificate import certificate_of, context_of
from .interrupted import Interrupted
from .ports import listen
from .programs import refuse_programs
from .signals import Signals
from .starting import Starting

__all__ = ["Up", "up"]

log = logging.getLogger("coterie.console")

_LINGER = 5.0
_LONGEST_STOP = 30.0
_CUT_SHORT = 2.0
_LOOK = 0.02


class Up(Struct, frozen=True):
    """A system that is up: where, since how many seconds of starting, and of what it is made."""

    url: str
    seconds: float
    assembly: Assembly


class _Threads(ThreadPoolExecutor):
    """Where `asyncio.to_thread` and ``@blocking`` run: nobody waits for them at the end.

    A thread cannot be interrupted. Whoever stops has waited for the calls under way; a thread
    that still runs then must not keep the process.
    """

    def shutdown(
        self,
        wait: bool = True,  # noqa: FBT001, FBT002  # as ThreadPoolExecutor has it
        *,
        cancel_futures: bool = False,
    ) -> None:
        super().shutdown(wait=False, cancel_futures=True)


async def up(
    system: System,
    *,
    ready: Callable[[Up], None],
    access_json: bool = False,
    began: float | None = None,
    patience: float = 60.0,
    follower: bool = False,
) -> None:
    """Run ``system`` until SIGINT or SIGTERM; ``ready`` is told once it answers.

    Each service may take ``patience`` seconds to start. Stopping: readiness off; while calls are
    under way the port stays open, 5 s at most; then no new connections, the rest of the calls,
    stop hooks, databases. ``follower`` is for a process that another one stops by SIGTERM.

    Raises what kept it from starting, `SystemProblems`, with nothing left behind; `Interrupted`
    where a signal came before it was up, or a second one cut short how it stopped.
    """
    began = perf_counter() if began is None else began
    refuse_programs(system, system.services, "the system runs in one process")
    asyncio.get_running_loop().set_default_executor(_Threads(thread_name_prefix="coterie"))
    with (
        Signals(follower=follower) as signals,
        Starting(system, patience=patience) as starting,
        ExitStack() as at_the_end,
    ):
        assembly = assemble(system, access_json=access_json)
        assembly.patience = patience
        server = HttpServer(
            assembly.app,
            host=system.gateway.host,
            port=system.gateway.port,
            tls=context_of(certificate_of(system)),
            slowness=Slowness(),
        )
        # The port first: whoever finds it taken has not yet touched a database.
        listen(server, system)
        at_the_end.callback(server.release)
        starting.assembly = assembly
        signals.hears = starting.turns
        try:
            await _start(assembly, server, signals.asked)
            starting.end()
            signals.hears = _always
            ready(Up(server.url, perf_counter() - began, assembly))
            await signals.wait()
            await _stop(assembly, server)
        except asyncio.CancelledError:
            await _cut_short(assembly)
            if not signals.asked.is_set():
                raise  # not by a signal: whoever runs this cancels it
            raise Interrupted from None
        except BaseException as error:
            await assembly.stop(drain=0)
            if starting.problem is not None and isinstance(error, SystemProblems):
                raise SystemProblems([starting.problem]) from error
            raise


async def _start(assembly: Assembly, server: HttpServer, asked: asyncio.Event) -> None:
    starting = asyncio.ensure_future(assembly.start())
    waiting = asyncio.ensure_future(asked.wait())
    try:
        await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            log.info("interrupted before it was up")
            starting.cancel()
        await starting
        await server.start()
    finally:
        waiting.cancel()
        starting.cancel()


def _always() -> bool:
    return True


async def _stop(assembly: Assembly, server: HttpServer) -> None:
    # Whoever asks for readiness is told first; what routes calls here gets time to notice.
    assembly.app.draining = True
    under_way = _under_way(assembly)
    if under_way:
        calls = "1 call" if under_way == 1 else f"{under_way} calls"
        log.info("stopping once %s under way ended; another Ctrl-C stops at once", calls)
    until = monotonic() + _LINGER
    while _under_way(assembly) and monotonic() < until:  # noqa: ASYNC110  # hosts have no event
        await asyncio.sleep(_LOOK)
    try:
        async with asyncio.timeout(_LONGEST_STOP):
            await server.stop()
            await assembly.stop()
    except TimeoutError:
        log.warning("gave up waiting for what has to stop after %.0f s", _LONGEST_STOP)


async def _cut_short(assembly: Assembly) -> None:
    """Break off what is under way; hooks and databases still get a moment."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    if rest:
        await asyncio.wait(rest, timeout=_CUT_SHORT)
    with suppress(TimeoutError):
        async with asyncio.timeout(_CUT_SHORT):
            await assembly.stop(drain=0)


def _under_way(assembly: Assembly) -> int:
    return sum(host.in_flight for host in assembly.hosts)
