"""program_run(): a program that joins as it is, in this process or beside it, as one instance."""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from coterie.binding.rest import Router
from coterie.call import Failure
from coterie.client import Collector, Telemetry
from coterie.members.program import (
    Health,
    Lifespan,
    Program,
    ProgramMistake,
    Relay,
    Surround,
    Wsgi,
    carry_trace,
    load_application,
    status_of,
)
from coterie.registry import Offer
from coterie.server import AccessLog, HttpServer
from coterie.system import (
    Problem,
    ServiceEntry,
    ServiceSpec,
    System,
    SystemProblems,
    directory_of,
    move_in,
    surroundings,
)
from coterie.telemetry import Meter, Resource, Spans

from .channel import Order
from .part_run import LINGER
from .process import how_ended

__all__ = ["ProgramRun", "program_run"]

log = logging.getLogger("coterie.console")

_SIGNAL = 128
"""What a shell adds to the number of the signal that ended a program."""

_KEPT = 8192
"""Spans that are kept where they are sent somewhere: what comes between two sendings."""


class ProgramRun:
    """One instance of a program that answers: ``surround`` stands round it, ``server`` before it.

    ``beside`` is the process beside this one, where it is no application in it.
    """

    def __init__(
        self,
        surround: Surround,
        server: HttpServer,
        beside: Program | None,
        offers: tuple[Offer, ...],
    ) -> None:
        self.offers = offers
        self._beside = beside
        self._surround = surround
        self._server = server

    @property
    def in_flight(self) -> int:
        """Requests being answered at this moment."""
        return self._surround.in_flight

    @property
    def calls(self) -> int:
        """Requests that have come in so far."""
        return self._surround.calls

    async def ended(self) -> int:
        """Wait until the program ends by itself: a command may, an application does not.

        Its exit code; where a signal ended it, what a shell would tell.
        """
        if self._beside is None:
            never: int = await asyncio.get_running_loop().create_future()
            return never
        code = await self._beside.ended()
        log.error("the program %s", how_ended(code))
        return code if code >= 0 else _SIGNAL - code

    async def stop(self, *, linger: bool) -> None:
        """Finish what there is; with ``linger`` those who keep a connection learn of the end first."""
        self._surround.draining = True
        await self._server.drain(LINGER if linger else 0)
        await self._server.stop()


@asynccontextmanager
async def program_run(
    system: System, spec: ServiceSpec, order: Order, listener: socket.socket
) -> AsyncGenerator[ProgramRun]:
    """Run the program of ``spec`` for the length of the block, as ``order`` says.

    Raises `SystemProblems` where it does not start, with nothing left behind.
    """
    entry = _entry(order, spec.name)
    spans = Spans() if system.telemetry is None else Spans(_KEPT)
    meter = Meter(spec.name, spans)
    async with AsyncExitStack() as stack:
        try:
            app, beside, state = await _application(system, spec, order, listener, meter, stack)
            unwell = await _watched(spec, order, app, beside, state, stack)
        except ProgramMistake as error:
            raise SystemProblems([_problem(system, spec, error)]) from error
        access = AccessLog(json=order.json, who={"instance": order.name})
        surround = Surround(
            app,
            service=spec.name,
            instance=order.name,
            meter=meter,
            access=access,
            names=_names(entry),
            unwell=unwell,
            state=state,
        )
        stack.callback(surround.flush)
        if system.telemetry is not None:
            resource = Resource(system.name, order.name, system.version or "")
            collector = Collector(system.telemetry, Telemetry(resource, spans, (meter,)))
            await collector.start()
            stack.push_async_callback(collector.stop)
        server = HttpServer(surround, listener=listener, sockets=spec.kind == "asgi")
        await server.start()
        stack.push_async_callback(server.stop)
        surround.ready = True
        offers = tuple(Offer(c.name, c.version, c.digest) for c in entry.contracts)
        yield ProgramRun(surround, server, beside, offers)


async def _application(
    system: System,
    spec: ServiceSpec,
    order: Order,
    listener: socket.socket,
    meter: Meter,
    stack: AsyncExitStack,
) -> tuple[Any, Program | None, dict[str, Any] | None]:
    """What answers, the process that it is passed on to, and what its lifespan keeps."""
    directory = directory_of(system, spec)
    if spec.kind == "command":
        beside = Program(
            spec.words,
            service=spec.name,
            environment=_around(system, spec, order, 0),
            directory=directory,
            port=spec.port,
            ready=spec.ready,
            patience=order.patience,
            alone=True,
        )
        await beside.start()
        stack.push_async_callback(beside.stop)
        timeout = spec.policy.timeout or system.policy.timeout
        relay = Relay(beside.port, service=spec.name, timeout=timeout)
        await relay.start()
        stack.push_async_callback(relay.stop)
        return relay, beside, None
    around = _around(system, spec, order, listener.getsockname()[1])
    move_in(directory, around, system.folder)
    carrying = carry_trace(meter, {f"127.0.0.1:{port}": one for one, port in order.inside.items()})
    stack.callback(carrying.stop)
    if spec.kind == "wsgi":
        wsgi = Wsgi(load_application(spec.target, "wsgi"), threads=spec.threads)
        await wsgi.start()
        stack.push_async_callback(wsgi.stop)
        return wsgi, None, None
    app = load_application(spec.target, "asgi")
    lifespan = Lifespan(app, name=spec.name, patience=order.patience)
    await lifespan.start()
    stack.push_async_callback(lifespan.stop)
    return app, None, lifespan.state


async def _watched(
    spec: ServiceSpec,
    order: Order,
    app: Any,
    beside: Program | None,
    state: dict[str, Any] | None,
    stack: AsyncExitStack,
) -> Callable[[], str]:
    """What tells whether the program is well, once it is. Raises `ProgramMistake`."""
    if beside is not None:
        return beside.unwell
    if spec.ready is None:
        return str
    health = Health(spec.name, spec.ready, partial(status_of, app, spec.ready, state))
    await health.begin(order.patience)
    stack.push_async_callback(health.stop)
    return health.unwell


def _around(system: System, spec: ServiceSpec, order: Order, port: int) -> dict[str, str]:
    return surroundings(
        system,
        spec,
        instance=order.name,
        port=port,
        gateway=order.gateway,
        registry=f"{order.console}/registry",
        token=order.token,
        inside=order.inside,
    )


def _entry(order: Order, service: str) -> ServiceEntry:
    if order.inventory is None:
        raise ValueError("a program needs the inventory")
    return order.inventory.service(service)


def _names(entry: ServiceEntry) -> Any:
    """What the operation of a request is called, where a contract tells."""
    operations = [operation for contract in entry.contracts for operation in contract.operations]
    if not operations:
        return None
    router = Router((operation.method, operation.route, operation.id) for operation in operations)

    def name(method: str, path: str) -> str | None:
        try:
            return router.find(method, path)[0]
        except Failure:
            return None

    return name


def _problem(system: System, spec: ServiceSpec, error: ProgramMistake) -> Problem:
    line = system.places.line("service", spec.name, spec.kind)
    return Problem(system.places.file, line, error.what, error.remedy)
