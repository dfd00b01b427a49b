"""Host: runs one built service, from its first call to its last."""

import asyncio
import enum
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context
from time import perf_counter
from typing import Any, TypeVar

from msgspec import structs

from coterie.call import (
    Call,
    Component,
    Failure,
    Handler,
    Policy,
    Reply,
    Sent,
    chain,
    current,
    current_context,
    spawning,
)
from coterie.contract import (
    Code,
    Contract,
    Description,
    Operation,
    Service,
    Wire,
    attach,
    contracts_of,
    describe,
    hooks,
)
from coterie.telemetry import Meter

from .inside import Check, argument_check, expected
from .outcome import outcome
from .scope import Buffered, Scope, Unheard
from .streamed import belonging

__all__ = ["Host", "State"]

T = TypeVar("T")

log = logging.getLogger("coterie.server")

_LAST_WAIT = 5.0
"""Seconds that cancelled background work may take to end."""


class State(enum.Enum):
    """Where a host is in its life. It goes down this list, never up."""

    BUILT = "built"
    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    STOPPED = "stopped"


class Host:
    """Serves the contracts of one service instance, which it is handed and never builds.

    ``policies`` wrap every call, the first outermost; a function gives those of each operation, asked
    at its first call. ``components`` (a database, say) start
    before the service's own hooks and stop after them; ``wire`` takes the events it emits;
    ``meter`` counts its calls, one of its own unless given.
    `handle` answers calls: it is the transport of callers in the same process, and what the
    HTTP application calls.

    Raises `TypeError` for an object that implements no contract, or is a bare contract.
    """

    def __init__(
        self,
        service: object,
        *,
        name: str = "",
        policies: Sequence[Policy] | Callable[[Operation], Sequence[Policy]] = (),
        components: Sequence[Component] = (),
        wire: Wire | None = None,
        after: Sequence[object] = (),
        meter: Meter | None = None,
    ) -> None:
        self.service = service
        self.descriptions = _descriptions(service)
        self.name = name or self.descriptions[0].name
        self.state = State.BUILT
        self.meter = Meter(self.name) if meter is None else meter
        self._components = tuple(components)
        # Objects built for the service (stores, clients of third parties) have hooks too.
        self._hooked = (*after, service)
        self._started: list[Component] = []
        self._in_flight = 0
        self._draining = False
        self._stopping: asyncio.Future[None] | None = None
        self._idle = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._methods: dict[Operation, Any] = {}
        self._guards: dict[Operation, tuple[Any, tuple[str, ...]]] = {}
        self._inside: dict[Operation, tuple[Check, Any]] = {}
        for description in self.descriptions:
            for operation in description.operations:
                method = getattr(service, operation.name)
                # A stream is read after its call has ended, and still belongs to it.
                streams = operation.result.stream
                self._methods[operation] = belonging(method, self) if streams else method
                self._inside[operation] = (argument_check(operation), expected(operation))
                if operation.if_match is not None:
                    guard = description.operation(operation.if_match)
                    shared = {p.name for p in operation.parameters}
                    names = tuple(p.name for p in guard.parameters if p.name in shared)
                    self._guards[operation] = (getattr(service, guard.name), names)
        self._by_name = {op.id + op.major: op for op in self._methods}
        self._policies = policies
        self._chains: dict[Operation, Handler] = {}
        if not callable(policies):
            self._chains = dict.fromkeys(self._methods, chain(policies, self._invoke))
        attach(service, Buffered(wire or Unheard()))

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Every operation served, of every contract."""
        return tuple(self._methods)

    @property
    def in_flight(self) -> int:
        """Calls being answered at this moment."""
        return self._in_flight

    async def start(self) -> None:
        """Start the components, then run the start hooks; ready when it returns.

        Whatever fails is raised, after what had started was stopped again.
        """
        self.state = State.STARTING
        try:
            for component in self._components:
                self._started.append(component)
                await component.start()
            await self._run_start_hooks()
        except BaseException:
            await self.stop(drain=0)
            raise
        self.state = State.READY

    async def _run_start_hooks(self) -> None:
        """Run the start hooks of everything built for the service, the service's own last."""
        token = spawning.set(self)
        try:
            for thing in self._hooked:
                for hook in hooks(thing, "start"):
                    await hook()
        finally:
            spawning.reset(token)

    async def _run_stop_hooks(self) -> None:
        """Run the stop hooks the other way round: each, whatever became of those before it."""
        token = spawning.set(self)
        try:
            for thing in reversed(self._hooked):
                for hook in hooks(thing, "stop"):
                    try:
                        await hook()
                    except Exception:
                        log.exception("%s: a stop hook failed", self.name)
        finally:
            spawning.reset(token)

    async def stop(self, *, drain: float = 10.0) -> None:
        """Refuse new calls, wait up to ``drain`` seconds for those under way, then give back all.

        Order: drain, stop hooks, spawned work, components. Failures are logged, never raised.
        Whoever stops it a second time waits for the first.
        """
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self._stop(drain))
        await asyncio.shield(self._stopping)

    async def _stop(self, drain: float) -> None:
        ready = self.state is State.READY
        self.state = State.DRAINING
        self._draining = True
        if self._in_flight and drain > 0:
            try:
                async with asyncio.timeout(drain):
                    await self._idle.wait()
            except TimeoutError:
                log.warning("%s: %d calls cut off after %.1f s", self.name, self._in_flight, drain)
        if ready:
            await self._run_stop_hooks()
        await self._cancel_work()
        for component in reversed(self._started):
            try:
                await component.stop()
            except Exception:
                log.exception("%s: %r did not stop cleanly", self.name, component)
        self._started.clear()
        self.state = State.STOPPED

    async def _cancel_work(self) -> None:
        for task in self._tasks:
            task.cancel()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=_LAST_WAIT)
        for task in late:
            log.error("%s: background work %s does not end", self.name, task.get_name())

    def spawn(self, work: Coroutine[Any, Any, T], name: str | None) -> "asyncio.Task[T]":
        """Run ``work`` until it ends or the host stops."""
        task = asyncio.get_running_loop().create_task(work, name=name, context=_beside(self))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error(
                "%s: background work %s failed",
                self.name,
                task.get_name(),
                exc_info=task.exception(),
            )

    async def handle(self, call: Call) -> Reply:
        """Answer one call.

        Raises the operation's declared faults, and `Failure` for everything else; a defect of
        the service is logged with its trace and shown to nobody.
        """
        if self.state is not State.READY:
            self._refuse_if_closed()
        operation = call.operation
        if operation not in self._methods:
            operation, call = self._resolve(call)
        self._in_flight += 1
        began = perf_counter()
        context = current_context.set(call.context)
        scope = Scope(self)
        spawner = spawning.set(scope)
        code: Code | None = None
        try:
            reply = await (self._chains.get(operation) or self._chained(operation))(call)
            if scope.told:
                await scope.tell()
            return reply  # noqa: TRY300  # telling the events is part of the call
        except BaseException as error:
            code, told = outcome(call, error)
            if told is error:
                raise
            raise told from error
        finally:
            spawning.reset(spawner)
            current_context.reset(context)
            self._in_flight -= 1
            if not self._in_flight and self._draining:
                self._idle.set()
            self.meter.note(call, code, perf_counter() - began)

    def _chained(self, operation: Operation) -> Handler:
        policies = self._policies
        of_it = policies(operation) if callable(policies) else policies
        made = self._chains[operation] = chain(of_it, self._invoke)
        return made

    async def _invoke(self, call: Call) -> Reply:
        """The innermost handler: the method itself."""
        if call.guard is not None:
            read, names = self._guards[call.operation]
            call.guard(await read(**{name: call.arguments[name] for name in names}))
        operation, render, context = call.operation, call.render, call.context
        if context.origin is not None:
            context.origin.serves(f"{operation.id} {operation.major}", context.principal)
        if render is not None:
            return render(await self._methods[operation](**call.arguments))
        check, promised = self._inside[operation]
        check(call.arguments)
        value = await self._methods[operation](**call.arguments)
        if not isinstance(value, promised):
            raise TypeError(
                f"{operation.id} returned {type(value).__name__}, its contract promises"
                f" {promised.__name__}"
            )
        return Reply(value)

    def _resolve(self, call: Call) -> tuple[Operation, Call]:
        # A caller may hold its own copy of the contract: an operation is known by its name.
        operation = self._by_name.get(call.operation.id + call.operation.major)
        if operation is None:
            raise Failure(Code.UNIMPLEMENTED, f"{self.name} does not serve {call.operation.id}")
        return operation, Call(operation, call.arguments, call.context, call.render, call.guard)

    def _refuse_if_closed(self) -> None:
        # While it drains, calls under way may still make calls to finish their work.
        if self.state is not State.DRAINING or not isinstance(spawning.get(), Scope):
            what = f"{self.name} is {self.state.value}; try again"
            raise Failure(Code.UNAVAILABLE, what, retry_after=1.0, sent=Sent.REFUSED)


def _beside(host: "Host") -> Context:
    """The circumstances of background work: a trace of the caller's, and who it is done for.

    Nothing else is carried over: not the call's deadline, nor its unit of work, which will have
    ended before.
    """
    now = current()
    beside = structs.replace(now, trace=now.trace.child(), deadline=None, idempotency_key=None)
    context = Context()
    context.run(current_context.set, beside)
    context.run(spawning.set, host)
    return context


def _descriptions(service: object) -> tuple[Description, ...]:
    contracts = contracts_of(type(service))
    if not contracts:
        raise TypeError(f"{type(service).__name__} implements no contract; derive it from one")
    bare: list[type[Contract]] = [
        c for c in contracts if c is type(service) and not issubclass(c, Service)
    ]
    if bare:
        raise TypeError(
            f"{bare[0].__name__} is a contract, which promises and does nothing;"
            " host a class that implements it"
        )
    return tuple(describe(contract) for contract in contracts)
