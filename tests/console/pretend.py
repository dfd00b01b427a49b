"""A supervisor that supervises nothing: what it offers, at a real control socket."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coterie.console.control import (
    Catalogue,
    ControlError,
    Controls,
    ControlServer,
    Guest,
    LogLine,
    UpLock,
    Welcome,
)
from coterie.console.row import Row
from coterie.policy.inject import Rule
from coterie.system import ContractEntry, Dependency, Inventory, OperationEntry, ServiceEntry

__all__ = ["INVENTORY", "ROWS", "Pretend", "serving"]

ROWS = (
    Row(
        name="orders-1",
        kind="service",
        services=("orders",),
        state="up",
        pid=4711,
        address="http://127.0.0.1:40001",
        memory=14 * 2**20,
        restarts=2,
        age=3725.5,
        version="1.0",
        in_flight=3,
        calls=1234,
    ),
    Row(
        name="web-1",
        kind="service",
        services=("users", "stock"),
        state="crashed",
        pid=None,
        address=None,
        memory=None,
        age=None,
        note="ended with exit code 1; again in 8 s",
    ),
    Row(name="gateway", kind="gateway", state="up", pid=4712, address=None, memory=99, age=7),
)
INVENTORY = Inventory(
    system="lab",
    version="1.0",
    services=(
        ServiceEntry(
            name="orders",
            target="lab.orders:OrderService",
            owner="the order | team",
            contracts=(
                ContractEntry(
                    name="orders",
                    version="1.2",
                    digest="0123456789ab",
                    summary="Orders of products",
                    operations=(
                        OperationEntry(
                            id="orders.place",
                            method="POST",
                            path="/orders",
                            route="/orders",
                            summary="Place an order",
                        ),
                        OperationEntry(
                            id="orders.close", method="POST", path=None, route="/orders.close"
                        ),
                    ),
                    events=("Orders.placed",),
                ),
            ),
            calls=(Dependency("users", "1.0", "users"), Dependency("stock", "1.0", "web")),
        ),
    ),
)


class Pretend:
    """Notes what it is asked for. ``go`` lets a change that waits for it go on."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.ended: list[str] = []
        self.go = threading.Event()
        self.go.set()
        self.text = "a line"
        self.defect: Exception | None = None

    async def rows(self) -> Sequence[Row]:
        if self.defect is not None:
            raise self.defect
        return ROWS

    async def inventory(self) -> Catalogue:
        return Catalogue(INVENTORY, (("orders", "users"), ("orders", "mail")))

    async def terms(self) -> Welcome:
        return Welcome("nats://coterie:secret@127.0.0.1:4222", INVENTORY, "http://127.0.0.1:8080")

    async def join(self, guest: Guest) -> AsyncGenerator[str, None]:
        self.asked.append(("join", guest.name, *guest.services))
        try:
            yield f"{guest.name} has joined"
            await asyncio.Event().wait()
        finally:
            self.ended.append("join")

    async def faults(self, number: int, rules: Sequence[Rule]) -> AsyncGenerator[str, None]:
        self.asked.append(("faults", number, *rules))
        yield f"{len(rules)} rules are in force"

    async def leave(self, name: str) -> AsyncGenerator[str, None]:
        self.asked.append(("leave", name))
        yield f"{name} has left"

    async def scale(self, service: str, replicas: int) -> AsyncGenerator[str, None]:
        self.asked.append(("scale", service, replicas))
        if service == "unfit":
            raise ControlError("unfit runs alone", "Write replicas in coterie.toml")
        for number in range(1, replicas + 1):
            yield f"{service}-{number} is up"

    async def restart(self, names: Sequence[str]) -> AsyncGenerator[str, None]:
        self.asked.append(("restart", *names))
        try:
            for name in names or ("orders", "users"):
                yield f"{name} restarts"
                while not self.go.is_set():  # noqa: ASYNC110  # set in another thread
                    await asyncio.sleep(0.005)
                yield f"{name} is up"
            self.ended.append("restart: done")
        finally:
            self.ended.append("restart")

    async def stop(self, names: Sequence[str]) -> AsyncGenerator[str, None]:
        self.asked.append(("stop", *names))
        for name in names or ("orders", "users", "gateway"):
            yield f"{name} has stopped"

    async def logs(
        self, names: Sequence[str], lines: int, *, follow: bool
    ) -> AsyncGenerator[LogLine, None]:
        self.asked.append(("logs", *names, lines, follow))
        try:
            for name in names or ("orders-1", "users-1"):
                for number in range(min(lines, 2)):
                    yield LogLine(name, f"{self.text} {number}")
            while follow:
                yield LogLine("orders-1", self.text)
                await asyncio.sleep(0.001)
        finally:
            self.ended.append("logs")


@contextmanager
def serving(state: Path, controls: Controls, **settings: float) -> Generator[threading.Event]:
    """A supervisor in a thread: lock and socket in ``state``. Setting the event ends it."""
    ready, end = threading.Event(), threading.Event()
    failed: list[BaseException] = []

    async def serve() -> None:
        with UpLock(state) as lock:
            lock.tell("http://127.0.0.1:8080")
            server = ControlServer(state, controls, **settings)
            await server.start()
            ready.set()
            while not end.is_set():  # noqa: ASYNC110  # set in another thread
                await asyncio.sleep(0.005)
            await server.stop()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001  # raised in the test's own thread
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(10)
        assert not failed, failed
        yield end
    finally:
        end.set()
        thread.join(10)
    assert not failed, failed
    assert not thread.is_alive()
