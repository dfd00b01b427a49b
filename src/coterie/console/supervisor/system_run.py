"""SystemRun: one run of a system as processes, from the first of them to the last."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter

import msgspec
from msgspec import Struct, structs

from coterie.console.certificate import certificate_of
from coterie.console.interrupted import Interrupted
from coterie.console.row import Kind, Row
from coterie.deploy.envoy import Tls
from coterie.engine import EngineError, find, is_embedded
from coterie.registry import Registry
from coterie.system import Blueprint, Problem, System, SystemProblems, load
from coterie.system.registries import registry_at

from .channel import Channel, Faults, Looked, Order, Refused
from .front import EnvoyFront, Front, OwnFront
from .inside import inside_of
from .kept import Kept
from .launch import Launcher
from .listener import Listener
from .log_book import LogBook
from .plant import Plant
from .program_workers import BrokerWorker
from .supervisor import Supervisor
from .token import registry_token

__all__ = ["Source", "SystemRun"]

log = logging.getLogger("coterie.console")

_looks: msgspec.json.Decoder[Looked | Refused] = msgspec.json.Decoder(Looked | Refused)


class Source(Struct, frozen=True):
    """Where a system comes from, so that each process can read it for itself."""

    path: Path
    profile: str | None
    state: Path | None


class SystemRun:
    """One run of a system, from the first process to the last."""

    supervisor: Supervisor
    registry: Registry

    def __init__(
        self,
        system: System,
        source: Source,
        launch: Launcher,
        logs: LogBook,
        *,
        json: bool,
        patience: float,
        harmed: bool = False,
    ) -> None:
        self.system = system
        self.launch = launch
        self.logs = logs
        self.began = perf_counter()
        self.broker: Kept | None = None
        self.blueprint_file = system.state / "blueprint.json"
        self.order = Order(
            system=str(system.places.file),
            profile=source.profile,
            state=str(system.state),
            blueprint=str(self.blueprint_file),
            json=json,
            patience=patience,
            faults=Faults() if harmed else None,
        )

    @property
    def url(self) -> str:
        """Where the gateway answers."""
        return self.supervisor.front.kept.worker.address or ""

    async def start(self, asked: asyncio.Event) -> None:
        """Start all; raises `SystemProblems`, and `Interrupted` once ``asked``."""
        starting = asyncio.ensure_future(self._start())
        waiting = asyncio.ensure_future(asked.wait())
        try:
            await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                log.info("interrupted before it was up")
                starting.cancel()
                with suppress(asyncio.CancelledError):
                    await starting
                raise Interrupted
            starting.result()
        finally:
            waiting.cancel()
            starting.cancel()

    async def stop(self) -> None:
        """Stop all, in order."""
        await self.supervisor.stop()
        await self.registry.stop()
        if self.broker is not None:
            await self.broker.stop()

    def kill(self) -> None:
        """End all at once."""
        if hasattr(self, "supervisor"):
            self.supervisor.kill()
        if self.broker is not None:
            self.broker.kill()

    def own(self) -> Sequence[Row]:
        """The rows of what watches over the others."""
        age = perf_counter() - self.began
        rows: tuple[tuple[Kind, int], ...] = (
            ("supervisor", os.getpid()),
            ("starter", self.launch.pid),
        )
        return [
            Row(
                name=name,
                kind=name,
                state="up",
                pid=pid,
                address=None,
                memory=None,
                age=age,
                restarts=self.launch.restarts if name == "starter" else 0,
            )
            for name, pid in rows
        ]

    async def _start(self) -> None:
        looked, url = await asyncio.gather(self._look(), self._broker())
        self.blueprint_file.write_bytes(msgspec.json.encode(looked))
        self.order = structs.replace(
            self.order,
            registry=url,
            inventory=looked.inventory,
            inside=inside_of(looked.inventory, {}),
            token=registry_token(self.system.state),
        )
        self.registry = registry_at(url, self.system.name)
        await self.registry.start()
        plant = Plant(self.order, self.launch, self.logs)
        listener = self._console_listener()
        console = plant.make("console", "console", "console", listener)
        plant.order = structs.replace(plant.order, console=listener.url)
        front = self._front(plant, looked)
        plant.order = structs.replace(plant.order, gateway=front.kept.worker.address or "")
        self.supervisor = Supervisor(
            self.system,
            looked,
            plant,
            front=front,
            console=console,
            broker=self.broker,
            registry=self.registry,
        )
        await self.supervisor.start()

    def _console_listener(self) -> Listener:
        """Where the console answers: as the file says, or where it was the last time."""
        told = self.system.console.port
        kept = self.system.state / "console.port"
        last = 0
        with suppress(OSError, ValueError):
            last = int(kept.read_text())
        listener = Listener(port=told or last)
        try:
            listener.open()
        except (OSError, OverflowError) as error:
            if told:
                log.warning("[console] port %d cannot be taken (%s): a free one is", told, error)
            listener = Listener()
            listener.open()
        if not told:
            with suppress(OSError):
                kept.write_text(str(listener.port))
        return listener

    def _front(self, plant: Plant, looked: Blueprint) -> Front:
        tls = certificate_of(self.system)
        told = self.system.gateway
        version = _envoy(self.system)
        if version is not None:
            front = EnvoyFront(
                self.system,
                looked,
                self.system.state / "engines" / "envoy",
                plant.order.console,
                tls and Tls(*tls),
                self.launch,
                self.logs.pipe("gateway"),
                self.system.state / "logs",
                lambda worker: plant.keep("gateway", "gateway", worker),
                inside=lambda: plant.order.inside,
            )
            front.kept.version = version
            return front
        listener = Listener(told.host, told.port, tls=tls is not None)
        listener.open()  # so that its port is known
        plant.order = structs.replace(plant.order, tls=tls)
        return OwnFront(plant.make("gateway", "gateway", "gateway", listener))

    async def look_again(self) -> tuple[System, Blueprint]:
        """The system as its files are now. Raises `SystemProblems`."""
        gateway = self.system.gateway
        system = load(self.order.system, profile=self.order.profile, state=self.order.state)
        system = system.listening(host=gateway.host, port=gateway.port)
        looked = await self._look()
        self.blueprint_file.write_bytes(msgspec.json.encode(looked))
        return system, looked

    async def _look(self) -> Blueprint:
        here, there = socket.socketpair()
        channel = Channel(here, _looks)
        try:
            process = await self.launch.fork("look", log=self.logs.pipe("look"), channel=there)
        finally:
            there.close()
        await channel.start()
        channel.send(self.order)
        patience = self.order.patience
        try:
            async with asyncio.timeout(patience):
                async for told in channel:
                    if isinstance(told, Looked):
                        return told.blueprint
                    raise SystemProblems(told.problems)
        except TimeoutError:
            what = f"the services could not be looked at within {patience:g} s: a module of theirs"
            what += " does not come to its end when it is imported"
            remedy = "Move what waits into a method that is @on_start, or have more --patience"
            problem = Problem(self.system.places.file, None, what, remedy)
            raise SystemProblems([problem]) from None
        finally:
            channel.close()
            process.signal(signal.SIGKILL)  # it has nothing more to do, whatever it does
        tail = "; ".join(self.logs.last("look", 3))
        what = f"the services could not be looked at: {tail or 'the process ended'}"
        file = self.system.places.file
        raise SystemProblems([Problem(file, None, what, "See the log above, and mend it there")])

    async def _broker(self) -> str:
        url = self.system.engines.registry
        if not is_embedded(url):
            return url
        folder = self.system.state / "engines" / "nats"
        file = self.system.state / "logs" / "broker.log"
        try:
            version = find("nats-server").version
        except EngineError as error:
            raise self._without_broker(f"{error.why}. {error.remedy}") from error
        worker = BrokerWorker(folder, self.launch, self.logs.pipe("broker"), file)
        self.broker = Kept("broker", "broker", worker, changed=lambda _: None, last=self.logs.last)
        self.broker.version = version
        self.broker.start()
        await self.broker.settled.wait()
        if not self.broker.up:
            raise self._without_broker(self.broker.note)
        return worker.nats.url

    def _without_broker(self, why: str) -> SystemProblems:
        places = self.system.places
        line = places.line("engines", "registry")
        what = f"the broker, through which processes find each other, does not start: {why}"
        remedy = "Mend that, or run all services in one process: `coterie up --one-process`"
        return SystemProblems([Problem(places.file, line, what, remedy)])


def _envoy(system: System) -> str | None:
    """The version of Envoy, if that is the gateway.

    Raises `SystemProblems` where it must be, and is not there.
    """
    engine = system.gateway.engine
    if engine == "inprocess":
        return None
    try:
        return find("envoy").version
    except EngineError as error:
        if engine == "envoy":
            line = system.places.line("gateway", "engine")
            what = f"[gateway] engine: {error.why}"
            problem = Problem(system.places.file, line, what, error.remedy)
            raise SystemProblems([problem]) from error
        log.warning("%s; the gateway is a process of Coterie's own, which is slower", error.why)
        return None
