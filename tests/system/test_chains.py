"""The chains that are built do what the tables say, within a process and between processes."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import new_class
from typing import Any

import pytest

from coterie.call import Call, Context, Failure, Handler, Reply, Sent, Trace, calling
from coterie.contract import Code
from coterie.policy import Injector, Rule
from coterie.system import (
    Assembly,
    Inventory,
    Part,
    Way,
    assemble,
    explained,
    inventory_of,
    load,
    resolve,
)
from tests.system.folder import Folder
from tests.system.guarded import CLERK, DESK, found, guarded

AWAY = Injector(1, [Rule(kind="failure", on="desk")])

ALL = """\
[policy]
hedge = true
cache = true
coalesce = true
shed = false
[service.desk.operation.note]
fallback = { text = "" }
"""


@asynccontextmanager
async def up(folder: Folder, tables: str = "", **options: Any) -> AsyncGenerator[Assembly]:
    system = load(guarded(folder, tables).path, environment={})
    assembly = assemble(system, access=False, **options)
    await assembly.start()
    try:
        yield assembly
    finally:
        await assembly.stop()


class Elsewhere:
    """The way to the desk in another process: it has too much to do so many times, then answers."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.calls: list[Call] = []
        self.ways: list[Way] = []

    def reach(self, way: Way) -> Handler:
        self.ways.append(way)
        return self.handle

    async def handle(self, call: Call) -> Reply:
        self.calls.append(call)
        if len(self.calls) <= self.refusals:
            raise Failure(Code.UNAVAILABLE, "too much to do", sent=Sent.SHED)
        return Reply(7)


@asynccontextmanager
async def apart(folder: Folder, elsewhere: Elsewhere, tables: str = "") -> AsyncGenerator[Assembly]:
    """The clerk alone in its process."""
    system = load(guarded(folder, tables).path, environment={})
    inventory: Inventory = inventory_of(system, resolve(system))
    part = Part(("clerk",), inventory, elsewhere.reach)
    assembly = assemble(system, part=part, access=False)
    await assembly.start()
    try:
        yield assembly
    finally:
        await assembly.stop()


async def asked(assembly: Assembly, service: str, name: str, **arguments: Any) -> Any:
    host = assembly.host(service)
    operation = next(o for o in host.operations if o.name == name)
    return (await host.handle(Call(operation, arguments, Context(Trace.root())))).value


async def test_a_call_to_another_process_is_made_anew(folder: Folder) -> None:
    """By default, and counted where the caller's numbers are told."""
    elsewhere = Elsewhere(2)
    async with apart(folder, elsewhere) as assembly:
        assert await asked(assembly, "clerk", "put", text="a") == 7
        actions = assembly.host("clerk").meter.actions()
        notes = [note.what for span in assembly.spans for note in span.notes]
    assert len(elsewhere.calls) == 3
    told = [(a.policy, a.operation, a.what, a.count) for a in actions]
    assert told == [("retry", "desk.write", "retried", 2)]
    assert notes == ["retried", "retried"]


async def test_switched_off_it_is_not(folder: Folder) -> None:
    """Control: the same refusals reach who called."""
    elsewhere = Elsewhere(2)
    async with apart(folder, elsewhere, "[service.desk.policy]\nretry = false\n") as assembly:
        with pytest.raises(Failure):
            await asked(assembly, "clerk", "put", text="a")
    assert len(elsewhere.calls) == 1


@pytest.mark.promise("S3-63")
async def test_the_numbers_are_those_of_who_is_called(folder: Folder) -> None:
    """Whatever the caller's own table says of itself."""
    tables = (
        "[service.clerk.policy]\nretry = false\n[service.desk.policy]\nretry = { attempts = 2 }\n"
    )
    elsewhere = Elsewhere(2)
    async with apart(folder, elsewhere, tables) as assembly:
        with pytest.raises(Failure):
            await asked(assembly, "clerk", "put", text="a")
    assert len(elsewhere.calls) == 2


@pytest.mark.promise("S3-63")
async def test_the_way_is_told_how_to_choose_and_whom_to_leave_alone(folder: Folder) -> None:
    """Breaker, slow start and balance are the transport's; the tables reach it."""
    tables = '[service.desk.policy]\nslow_start = 3\nbreaker = false\nbalance = "round-robin"\n'
    elsewhere = Elsewhere(0)
    async with apart(folder, elsewhere, tables) as assembly:
        (way,) = elsewhere.ways
        operation = found(assembly.system, "note")
        assert (way.service, way.slow_start, way.breaking) == ("desk", 3.0, None)
        assert way.balance(operation) == "round-robin"
        way.watch(lambda: {"desk-1": 1.0})
        states = {
            (reading.policy, reading.name): reading.value
            for reading in assembly.host("clerk").meter.readings()
        }
    assert states["breaker", "desk-1"] == 1.0


@pytest.mark.promise("S3-63")
async def test_the_time_that_a_call_has_is_the_table_s(folder: Folder) -> None:
    """Over a network, too: what travels is what `coterie policies` tells."""
    elsewhere = Elsewhere(0)
    tables = "[service.desk.operation.write]\ntimeout = 500\n[policy]\ntimeout = 900\n"
    async with apart(folder, elsewhere, tables) as assembly:
        await asked(assembly, "clerk", "put", text="a")
    left = elsewhere.calls[0].context.remaining
    assert left is not None
    assert 490 < left <= 500


def test_the_gateway_waits_as_long_as_the_table_says(folder: Folder) -> None:
    """What stands before a service must not give up before it does; the contract's counts too."""
    tables = "[service.desk.operation.write]\ntimeout = 500\n"
    system = load(guarded(folder, tables).path, environment={})
    entries = inventory_of(system, resolve(system)).service("desk").contracts[0].operations
    timeouts = {entry.id: entry.timeout for entry in entries}
    assert timeouts["desk.write"] == 500.0
    assert timeouts["desk.note"] == 2.0
    assert timeouts["desk.pay"] is None  # as all others


async def test_a_call_that_is_stopped_is_counted(folder: Folder) -> None:
    """By the service whose time was over."""
    injector = Injector(1, [Rule(kind="delay", on="desk.note", amount=5.0)])
    tables = "[service.clerk.operation.read]\ntimeout = 0.05\n"
    async with up(folder, tables, injector=injector) as assembly:
        with pytest.raises(Failure) as caught:
            await asked(assembly, "clerk", "read", number=1)
        actions = {(a.policy, a.what) for a in assembly.host("clerk").meter.actions()}
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    assert ("deadline", "exceeded") in actions


@pytest.mark.promise("S3-63")
async def test_what_stands_in_for_a_service_has_no_database(folder: Folder) -> None:
    """Its policies are the system's; its service's database is not asked."""
    system = load(guarded(folder, services=DESK + CLERK).path, environment={})
    resolve(system)
    contract: Any = sys.modules["office"].Desk

    note: Any = sys.modules["office"].Note

    async def answer(self: object, number: int) -> Any:
        return note(f"stub {number}")

    async def write(self: object, note: Any, user: str = "") -> int:
        return 7

    members = {"note": answer, "write": write}
    stub = new_class("Stub", (contract,), {"abstract": True}, lambda body: body.update(members))
    assembly = assemble(system, access=False, replace={contract: stub()})
    await assembly.start()
    try:
        assert await asked(assembly, "clerk", "read", number=1) == "stub 1"
        with calling(idempotency_key="one"):
            assert await asked(assembly, "clerk", "put", text="a") == 7
    finally:
        await assembly.stop()


@pytest.mark.promise("S3-63")
async def test_budgets_and_bulkheads_tell_how_they_stand(folder: Folder) -> None:
    """As gauges, once a call has needed them."""
    async with apart(folder, Elsewhere(1)) as assembly:
        await asked(assembly, "clerk", "put", text="a")
        meter = assembly.host("clerk").meter
        states = {(r.policy, r.of, r.name): r.value for r in meter.readings()}
    assert states["retry", "desk", "tokens"] == pytest.approx(9.1)
    assert states["bulkhead", "desk", "taken"] == 0
    assert states["bulkhead", "desk", "calls"] == 100


async def test_a_fallback_answers_within_a_process_too(folder: Folder) -> None:
    """A system means the same in one process as in many."""
    tables = '[service.desk.operation.note]\nfallback = { text = "none" }\n'
    async with up(folder, tables, injector=AWAY) as assembly:
        assert await asked(assembly, "clerk", "read", number=1) == "none"
        actions = {(a.policy, a.what) for a in assembly.host("clerk").meter.actions()}
    assert actions == {("fallback", "answered")}


async def test_without_a_fallback_the_failure_is_the_caller_s(folder: Folder) -> None:
    """Control; and nothing is tried again where there is no network in between."""
    async with up(folder, injector=AWAY) as assembly:
        with pytest.raises(Failure):
            await asked(assembly, "clerk", "read", number=1)
        desk = assembly.host("desk").meter.actions()
        clerk = assembly.host("clerk").meter.actions()
    assert [(a.policy, a.what, a.count) for a in desk] == [("inject", "failure", 1)]
    assert clerk == []


async def test_a_key_counts_within_a_process_too(folder: Folder) -> None:
    """A call that comes again with its key has no second effect."""
    async with up(folder) as assembly:
        for _ in range(2):
            with calling(idempotency_key="one"):
                assert await put(assembly, "a") == 1
        with calling(idempotency_key="two"):
            assert await put(assembly, "a") == 2


async def test_keys_switched_off_count_for_nothing(folder: Folder) -> None:
    """Control."""
    tables = "[service.desk.operation.write]\nidempotency = false\n"
    async with up(folder, tables) as assembly:
        for number in (1, 2):
            with calling(idempotency_key="one"):
                assert await put(assembly, "a") == number


async def put(assembly: Assembly, text: str) -> Any:
    """By the clerk's typed client of the desk."""
    clerk: Any = assembly.host("clerk").service
    note = assembly.host("desk").operations[0].result.type
    return await clerk.desk.write(note(text))


async def test_shedding_follows_the_table(folder: Folder) -> None:
    """A process has one door; off, it has none."""
    async with up(folder, "[policy]\nshed = { most = 17 }\n") as assembly:
        assert assembly.app.door is not None
        assert assembly.app.door.gate.settings.most == 17
    async with up(folder, "[policy]\nshed = false\n") as assembly:
        assert assembly.app.door is None


async def test_what_was_shed_is_told_with_the_rest(folder: Folder) -> None:
    """Requests refused at the door count among what policies did; its limit is a gauge."""
    async with up(folder) as assembly:
        assert assembly.app.door is not None
        gate = assembly.app.door.gate
        assert not gate.takes("normal", 10_000)
        meters = [host.meter for host in assembly.hosts]
        actions = [action for meter in meters for action in meter.actions()]
        states = {(r.policy, r.name) for meter in meters for r in meter.readings()}
    assert [(a.policy, a.what, a.operation, a.count) for a in actions] == [
        ("shed", "refused", "", 1)
    ]
    assert ("shed", "limit") in states


@pytest.mark.parametrize(
    ("tables", "name", "client", "server"),
    [
        (
            "",
            "write",
            "deadline traced bulkhead keyed retry balance breaker",
            "shed deadline authorize idempotency unit_of_work",
        ),
        (
            "",
            "note",
            "deadline traced bulkhead retry balance breaker",
            "shed deadline authorize unit_of_work",
        ),
        (
            ALL,
            "note",
            "deadline traced fallback cache coalesce bulkhead hedge retry balance breaker",
            "deadline authorize unit_of_work",
        ),
    ],
)
def test_the_chain_is_told_in_its_order(
    tables: str, name: str, client: str, server: str, folder: Folder
) -> None:
    """Outermost first, and what is off is not there."""
    system = load(guarded(folder, tables).path, environment={})
    desk = next(service for service in resolve(system) if service.name == "desk")
    told = explained(system, desk, found(system, name))
    assert " ".join(one.policy for one in told.client) == client
    assert " ".join(one.policy for one in told.server) == server
    local = {one.policy for one in told.client if one.local}
    assert local <= {"deadline", "fallback", "cache", "coalesce", "keyed"}
