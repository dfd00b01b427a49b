"""A system to look at: a supervisor on its real socket, and instances that answer over HTTP."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec

from coterie.call import Trace
from coterie.console.control import Catalogue, ControlServer, Guest, LogLine, Welcome
from coterie.console.dashboard import Action, Batch, Reading, Span
from coterie.console.dashboard.sse import Receive, Send
from coterie.console.row import Row
from coterie.policy import Rule
from coterie.server import HttpServer
from coterie.system.inventory import (
    ContractEntry,
    Dependency,
    Inventory,
    OperationEntry,
    ServiceEntry,
)

__all__ = ["Instance", "Supervisor", "System", "inventory", "nested", "protected", "row", "span"]


def span(
    operation: str,
    trace: Trace,
    seconds: float = 0.01,
    *,
    ended: float | None = None,
    kind: str = "server",
    service: str = "",
    code: str | None = None,
) -> Span:
    return Span(
        operation=operation, kind=kind, service=service or operation.partition(".")[0],
        trace_id=trace.trace_id, span_id=trace.span_id, parent=trace.parent,
        ended=time.time() if ended is None else ended, seconds=seconds, code=code,
    )  # fmt: skip


def nested(ended: float, *, scale: float = 1.0, failing: bool = False) -> list[Span]:
    """An order, and what it causes in users, inventory and payments."""
    root = Trace.root()
    found: list[Span] = []
    at = ended - 0.048 * scale

    def call(operation: str, begin: float, seconds: float, code: str | None = None) -> None:
        client = root.child()
        end = at + (begin + seconds) * scale
        found.append(
            span(
                operation,
                client,
                seconds * scale,
                ended=end,
                kind="client",
                service="orders",
                code=code,
            )
        )
        inner = (seconds - 0.0012) * scale
        found.append(span(operation, client.child(), inner, ended=end - 0.0006 * scale, code=code))

    call("users.user", 0.002, 0.006)
    call("inventory.take", 0.0095, 0.011, "failed_precondition" if failing else None)
    if not failing:
        call("payments.charge", 0.0215, 0.0235)
    found.append(
        span(
            "orders.place",
            root,
            0.048 * scale,
            ended=ended,
            code="failed_precondition" if failing else None,
        )
    )
    return found


def inventory() -> Inventory:
    def operation(
        id: str, method: str, path: str | None, told: str, **more: bool
    ) -> OperationEntry:
        return OperationEntry(
            id=id,
            method=method,
            path=path,
            route=path or f"/{id}",
            summary=told,
            timeout=2.0,
            **more,
        )

    users = ContractEntry(
        name="Users", version="1.2", digest="4f0c9a7712be", summary="People who may order.",
        operations=(
            operation("users.user", "GET", "/api/users/{id}", "One user.", safe=True, idempotent=True),
            operation("users.register", "POST", "/api/users", "Register a new user."),
            operation("users.remove", "DELETE", "/api/users/{id}", "Remove a user.", idempotent=True),
        ),
        events=("users.deleted",),
    )  # fmt: skip
    orders = ContractEntry(
        name="Orders", version="1.0", digest="b81d04aa93c5", summary="Orders of products by users.",
        operations=(
            operation("orders.place", "POST", "/api/orders", "Place an order; takes the quantity out of stock."),
            operation("orders.orders", "GET", "/api/orders", "The caller's orders.", safe=True),
            operation("orders.cancel", "DELETE", "/api/orders/{id}", "Cancel an order.", idempotent=True),
        ),
        events=("orders.placed", "orders.cancelled"),
    )  # fmt: skip
    stock = ContractEntry(
        name="Inventory", version="2.1", digest="07aa51c2ee90", summary="What is in stock.",
        operations=(
            operation("inventory.take", "POST", None, "Take a quantity out of stock."),
            operation("inventory.products", "GET", "/api/products", "All products.", safe=True),
        ),
    )  # fmt: skip
    pay = ContractEntry(
        name="Payments",
        version="3.0",
        digest="ce10449b1fd2",
        summary="Charges and refunds.",
        operations=(operation("payments.charge", "POST", None, "Charge a card.", idempotent=True),),
    )
    mail = ContractEntry(
        name="Mail",
        version="1.0",
        digest="d2ab00417e6c",
        summary="Letters to users.",
        operations=(operation("mail.send", "POST", None, "Send a letter."),),
    )
    needs = (
        Dependency("Users", "1.2", "users"),
        Dependency("Inventory", "2.1", "inventory"),
        Dependency("Payments", "3.0", "payments"),
        Dependency("Mail", "1.0", "mail"),
    )

    def service(name: str, owner: str, contract: ContractEntry, *calls: Dependency) -> ServiceEntry:
        place = f"shop.services.{name}:{name.title()}Service"
        return ServiceEntry(
            name=name, target=place, owner=owner, contracts=(contract,), calls=calls
        )

    return Inventory(
        system="shop",
        version="1.4.0",
        services=(
            service("users", "accounts team", users),
            service("orders", "sales team", orders, *needs),
            service("inventory", "warehouse team", stock),
            service("payments", "finance team", pay, Dependency("Mail", "1.0", "mail")),
            service("mail", "", mail),
        ),
    )


def protected(instance: str, callee: str = "users") -> tuple[list[Action], list[Reading]]:
    """What the policies of an instance tell that has had a bad minute with ``callee``."""
    service = instance.rpartition("-")[0]

    def action(policy: str, what: str, count: int, operation: str) -> Action:
        return Action(service=service, policy=policy, what=what, operation=operation, count=count)

    def reading(policy: str, name: str, value: float) -> Reading:
        return Reading(service=service, policy=policy, of=callee, name=name, value=value)

    return [
        action("retry", "retried", 12, f"{callee}.user"),
        action("retry", "withheld", 7, f"{callee}.user"),
        action("breaker", "opened", 2, f"{callee}.user"),
        action("bulkhead", "refused", 31, f"{callee}.user"),
        action("shed", "refused", 1204, ""),
        action("idempotency", "replayed", 3, f"{service}.place"),
        action("idempotency", "malformed", 1, f"{service}.place"),
        action("idempotency", "differs", 1, f"{service}.place"),
        action("idempotency", "running", 1, f"{service}.place"),
        action("idempotency", "missing", 1, f"{service}.place"),
        action("fallback", "answered", 5, f"{callee}.user"),
    ], [
        reading("breaker", f"{callee}-1", 1.0),
        reading("breaker", f"{callee}-2", 0.0),
        reading("breaker", f"{callee}-3", 0.5),
        reading("bulkhead", "calls", 100.0),
        reading("bulkhead", "taken", 42.0),
        reading("bulkhead", "waiting", 3.0),
        reading("retry", "tokens", 4.2),
    ]


def row(name: str, address: str | None = None, **more: object) -> Row:
    values: dict[str, object] = {
        "name": name, "kind": "service", "services": (name.rpartition("-")[0],), "state": "up",
        "pid": 4242, "address": address, "memory": 14_200_000, "age": 75.0, "version": "1.0",
    }  # fmt: skip
    return msgspec.convert(values | more, Row)


class Instance:
    """Answers ``/telemetry`` and ``/metrics`` as an instance does."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kept: list[Span] = []
        self.lost = 0
        self.actions: list[Action] = []
        self.states: list[Reading] = []
        self.deep = False
        """Whether it answers with brackets in brackets in brackets."""
        self.asked = 0
        self.metrics = (
            b"# HELP coterie_calls_in_flight Calls being answered at this moment.\n"
            b"# TYPE coterie_calls_in_flight gauge\n"
            b'coterie_calls_in_flight{service="%s"} 1\n' % name.rpartition("-")[0].encode()
        )
        self.server = HttpServer(self, patience=1)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        body, status = b"", 200
        if scope["path"] == "/telemetry":
            self.asked += 1
            after = int(parse_qs(scope["query_string"].decode())["after"][0])
            told = Batch(
                next=len(self.kept),
                spans=tuple(self.kept[after:]),
                lost=self.lost,
                policies=tuple(self.actions),
                states=tuple(self.states),
            )
            self.lost = 0
            body = b"[" * 100_000 if self.deep else msgspec.json.encode(told)
        elif scope["path"] == "/metrics":
            body = self.metrics
        else:
            status = 404
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": status, "headers": [length]})
        await send({"type": "http.response.body", "body": body})


class Supervisor:
    """What stands behind the control socket: rows and lines as the test wants them."""

    def __init__(self) -> None:
        self.now: list[Row] = []
        self.catalogue = Catalogue(inventory(), (("orders", "users"),))
        self.watchers = 0
        self._followers: set[asyncio.Queue[LogLine]] = set()

    def write(self, source: str, line: str) -> None:
        for queue in self._followers:
            queue.put_nowait(LogLine(source, line))

    async def rows(self) -> Sequence[Row]:
        return self.now

    async def inventory(self) -> Catalogue:
        return self.catalogue

    async def logs(
        self, names: Sequence[str], lines: int, *, follow: bool
    ) -> AsyncGenerator[LogLine, None]:
        queue: asyncio.Queue[LogLine] = asyncio.Queue()
        self._followers.add(queue)
        self.watchers += 1
        try:
            while True:
                yield await queue.get()
        finally:
            self.watchers -= 1
            self._followers.discard(queue)

    async def faults(self, number: int, rules: Sequence[Rule]) -> AsyncGenerator[str, None]:
        raise NotImplementedError
        yield ""

    async def terms(self) -> Welcome:
        raise NotImplementedError

    async def join(self, guest: Guest) -> AsyncGenerator[str, None]:
        raise NotImplementedError
        yield ""

    async def leave(self, name: str) -> AsyncGenerator[str, None]:
        raise NotImplementedError
        yield ""

    async def scale(self, service: str, replicas: int) -> AsyncGenerator[str, None]:
        raise NotImplementedError
        yield ""

    async def restart(self, names: Sequence[str]) -> AsyncGenerator[str, None]:
        raise NotImplementedError
        yield ""

    async def stop(self, names: Sequence[str]) -> AsyncGenerator[str, None]:
        raise NotImplementedError
        yield ""


class System:
    """A supervisor and its instances; a component."""

    def __init__(self, state: Path, names: Sequence[str] = ("orders-1", "users-1")) -> None:
        self.state = state
        self.supervisor = Supervisor()
        self.instances = {name: Instance(name) for name in names}
        self.control = ControlServer(state, self.supervisor, beat=0.05)

    async def start(self) -> None:
        for instance in self.instances.values():
            await instance.server.start()
        self.supervisor.now = [row(i.name, i.server.url) for i in self.instances.values()]
        await self.control.start()

    async def stop(self) -> None:
        await self.control.stop()
        for instance in self.instances.values():
            await instance.server.stop()
