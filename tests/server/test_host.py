"""The life of a host: what starts, what stops, in which order, and what a failure leaves behind."""

import asyncio
import logging

import pytest

from coterie.call import Call, Failure, Handler, Reply, spawn
from coterie.client import proxy
from coterie.contract import (
    Code,
    Contract,
    ContractError,
    Event,
    Service,
    get,
    on_start,
    on_stop,
)
from coterie.server import Host, State
from coterie.server.scope import Unheard
from tests.server.bell import Bell, Part, Rang
from tests.server.kit import Lab, LabService, a_call, until


async def test_a_life_goes_down_the_list_of_states() -> None:
    """Built, starting, ready, draining, stopped: at each a caller is told how things are."""
    seen: list[State] = []

    class Watching(Bell):
        @on_start
        async def seen_starting(self) -> None:
            seen.append(host.state)

        @on_stop
        async def seen_stopping(self) -> None:
            seen.append(host.state)

    host = Host(Watching([]))
    seen.append(host.state)
    await host.start()
    seen.append(host.state)
    await host.stop()
    seen.append(host.state)
    assert seen == list(State)


async def test_everything_starts_in_one_order_and_stops_in_the_other() -> None:
    """Components, then what was built for the service, then the service; and back again."""
    told: list[str] = []
    host = Host(
        Bell(told),
        components=[Part("database", told), Part("cache", told)],
        after=[Part("store", told)],
    )
    await host.start()
    up = ["database up", "cache up", "store started", "service started"]
    assert told == up
    await proxy(Bell, host.handle).toll()
    await asyncio.sleep(0)
    del told[:]
    await host.stop()
    assert told == [
        "service stopped",
        "store stopped",
        "work ended",
        "cache down",
        "database down",
    ]


@pytest.mark.parametrize("state", [State.BUILT, State.STARTING, State.DRAINING, State.STOPPED])
async def test_only_a_ready_host_takes_calls(state: State) -> None:
    """The others are told to come back, and nothing is done."""
    told: list[str] = []
    host = Host(Bell(told), name="belfry")
    await host.start()
    host.state = state
    del told[:]
    with pytest.raises(Failure, match=f"belfry is {state.value}; try again") as caught:
        await proxy(Bell, host.handle).ring()
    assert (caught.value.code, caught.value.retry_after) == (Code.UNAVAILABLE, 1.0)
    assert told == []


async def test_control_a_ready_host_takes_calls() -> None:
    """Control: the same call, the right state."""
    told: list[str] = []
    host = Host(Bell(told), name="belfry")
    await host.start()
    assert await proxy(Bell, host.handle).ring() == "ding"


@pytest.mark.parametrize(
    ("component", "hook", "left"),
    [
        ("up", "", ["database up", "cache up", "cache down", "database down"]),
        (
            "",
            "service started",
            [
                "database up",
                "cache up",
                "store started",
                "service started",
                "cache down",
                "database down",
            ],
        ),
    ],
)
async def test_a_failed_start_gives_everything_back(
    component: str, hook: str, left: list[str]
) -> None:
    """Whatever fails is raised as it is; what had started is stopped; no calls are taken."""
    told: list[str] = []
    host = Host(
        Bell(told, fails=hook),
        components=[Part("database", told), Part("cache", told, fails=component)],
        after=[Part("store", told)],
    )
    with pytest.raises(RuntimeError, match="failed"):
        await host.start()
    assert told == left
    assert host.state is State.STOPPED
    with pytest.raises(Failure):
        await proxy(Bell, host.handle).ring()


async def test_a_start_that_is_cancelled_gives_everything_back() -> None:
    """Ctrl-C while a hook still waits, too; its background work ends."""
    told: list[str] = []

    class Slow(Bell):
        @on_start
        async def waits(self) -> None:
            spawn(self.work()).add_done_callback(lambda _: None)
            await asyncio.Event().wait()

    host = Host(Slow(told), components=[Part("database", told)])
    starting = asyncio.create_task(host.start())
    await until(lambda: "working" in told)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert told[-2:] == ["work ended", "database down"]
    assert host.state is State.STOPPED


async def test_what_fails_while_stopping_stops_nobody_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each hook and component has its turn; what failed is in the log, and nothing is raised."""
    told: list[str] = []
    host = Host(
        Bell(told, fails="service stopped"),
        components=[Part("database", told), Part("cache", told, fails="down")],
        after=[Part("store", told)],
    )
    await host.start()
    del told[:]
    with caplog.at_level(logging.ERROR):
        await host.stop()
    assert told == ["service stopped", "store stopped", "cache down", "database down"]
    assert ["service stopped failed" in caplog.text, "cache down failed" in caplog.text] == [
        True,
        True,
    ]


async def test_events_reach_the_wire_and_are_counted_without_one() -> None:
    """What a service emits goes to whoever assembled it; alone, it is counted and dropped."""
    heard: list[object] = []

    class Wire:
        async def emit(self, event: Event[object], payload: object) -> None:
            heard.append((event, payload))

    host = Host(Bell([]), wire=Wire())
    await host.start()
    await proxy(Bell, host.handle).ring()
    assert heard == [(Bell.rang, Rang(1))]
    unheard = Unheard()
    host = Host(Bell([]), wire=unheard)
    await host.start()
    await proxy(Bell, host.handle).ring()
    assert unheard.counts == {"Bell.rang": 1}


async def test_policies_wrap_every_call_the_first_outermost() -> None:
    """In the order given, round the method."""
    told: list[str] = []

    def policy(name: str) -> "object":
        def wrap(handler: Handler) -> Handler:
            async def wrapped(call: Call) -> Reply:
                told.append(f"{name} in")
                reply = await handler(call)
                told.append(f"{name} out")
                return reply

            return wrapped

        return wrap

    host = Host(Bell(told), policies=[policy("outer"), policy("inner")])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    await host.start()
    del told[:]
    await proxy(Bell, host.handle).ring()
    assert told == ["outer in", "inner in", "called", "inner out", "outer out"]


def test_a_contract_is_never_hosted() -> None:
    """It promises and does nothing; the error says what to host instead."""
    with pytest.raises(TypeError, match=r"Lab is a contract.*host a class that implements it"):
        Host(Lab())
    with pytest.raises(TypeError, match="implements no contract"):
        Host(object())


def test_control_its_implementation_is_hosted() -> None:
    """Control: what implements it, and a contract that is its own implementation."""
    assert Host(LabService()).name == "lab"
    assert Host(Bell([])).name == "bell"


def test_a_contract_that_does_not_resolve_is_not_hosted() -> None:
    """Every type is resolved before the first call, not at it."""

    class Bad(Service, version="1.0"):
        @get("/bad")
        async def bad(self) -> "Nowhere":  # type: ignore[name-defined]  # noqa: F821  # pyright: ignore[reportUndefinedVariable]
            ...

    with pytest.raises(ContractError, match="Nowhere"):
        Host(Bad())


async def test_an_operation_is_known_by_name_and_major_version() -> None:
    """A caller with its own copy of the contract is served; with another version it is refused."""

    class Theirs(Contract, version="1.7", name="lab"):
        @get("/text")
        async def text(self) -> str: ...

    class Newer(Contract, version="2.0", name="lab"):
        @get("/text")
        async def text(self) -> str: ...

    class Other(Contract, version="1.0", name="lab"):
        @get("/text")
        async def unheard_of(self) -> str: ...

    host = Host(LabService(), name="lab")
    await host.start()
    assert await proxy(Theirs, host.handle).text() == "plain words"
    for call in (proxy(Newer, host.handle).text(), proxy(Other, host.handle).unheard_of()):
        with pytest.raises(Failure, match="lab does not serve") as caught:
            await call
        assert caught.value.code is Code.UNIMPLEMENTED


async def test_one_service_may_keep_several_contracts() -> None:
    """Each of their operations is served."""

    class Old(Contract, version="1.0", name="bells"):
        @get("/v1/ring")
        async def ring_once(self) -> str: ...

    class New(Contract, version="2.0", name="bells"):
        @get("/v2/ring")
        async def ring_twice(self) -> str: ...

    class Both(Old, New):
        async def ring_once(self) -> str:
            return "ding"

        async def ring_twice(self) -> str:
            return "ding dong"

    host = Host(Both())
    await host.start()
    assert len(host.operations) == 2
    assert await proxy(Old, host.handle).ring_once() == "ding"
    assert await proxy(New, host.handle).ring_twice() == "ding dong"


async def test_calls_in_flight_are_counted_whatever_becomes_of_them() -> None:
    """A failed and a cancelled call leave no trace in the count that draining waits for."""
    lab = LabService()
    host = Host(lab)
    await host.start()
    with pytest.raises(Failure):
        await host.handle(a_call("fails", how="badly"))
    waiting = asyncio.create_task(host.handle(a_call("waits")))
    await until(lambda: lab.waiting)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert host.in_flight == 0
