"""What a host makes of a call: its faults, its failures, its defects, its context and its count."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import pytest

from coterie.call import Call, Context, Failure, Reply, Sent, Trace, current, entered, spawn
from coterie.client import proxy
from coterie.contract import Code, Fault, Service, Struct, blocking, get, put
from coterie.server import Host
from coterie.server.streamed import closed
from tests.server.kit import Lab, LabService, Missing, a_call, until


class TooLoud(Fault, code=Code.FAILED_PRECONDITION, status=409):
    """{decibels} are too many."""

    decibels: int


class FarTooLoud(TooLoud, code=Code.ABORTED):
    """{decibels} are far too many."""


class Secret(Fault, code=Code.ABORTED):
    """The password is {password}."""

    password: str


class Whereabouts(Struct):
    thread: int
    trace_id: str


class Stage(Service, version="1.0"):
    """Raises what it is told to raise."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    @get("/sing", faults=[TooLoud])
    async def sing(self) -> str:
        if self.error is not None:
            raise self.error
        return "la"


async def hosted(service: object) -> Host:
    host = Host(service)
    await host.start()
    return host


async def outcome(host: Host) -> Fault | Failure:
    with pytest.raises((Fault, Failure)) as caught:
        await proxy(Stage, host.handle).sing()
    error: Any = caught.value
    return error  # type: ignore[no-any-return]


@pytest.mark.parametrize("fault", [TooLoud(120), FarTooLoud(200)])
async def test_a_declared_fault_reaches_the_caller_as_it_is(fault: Fault) -> None:
    """And so does one derived from it; it is counted with its own code."""
    host = await hosted(Stage(fault))
    assert await outcome(host) is fault
    assert host.meter.calls("stage.sing", fault.code) == 1


async def test_a_failure_reaches_the_caller_as_it_is() -> None:
    """What a service says on purpose is not rewritten."""
    failure = Failure(Code.RESOURCE_EXHAUSTED, "Come back later", retry_after=7)
    host = await hosted(Stage(failure))
    assert await outcome(host) is failure
    assert host.meter.calls("stage.sing", Code.RESOURCE_EXHAUSTED) == 1


@pytest.mark.promise("P2.12-6")
@pytest.mark.parametrize(
    ("error", "logged"),
    [
        (RuntimeError("the password is hunter2"), "RuntimeError: the password is hunter2"),
        (KeyError("hunter2"), "KeyError: 'hunter2'"),
        (TimeoutError("hunter2"), "TimeoutError: hunter2"),
        (
            Failure(Code.INTERNAL, "called while writing to hunter2.db", sent=Sent.NOT_SENT),
            "called while writing to hunter2.db",
        ),
        (Secret("hunter2"), "which its contract does not declare: add Secret to faults=[...]"),
    ],
)
async def test_a_defect_is_logged_and_shown_to_nobody(
    error: Exception, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller learns a trace id; the log has the text, the stack and the same id."""
    host = await hosted(Stage(error))
    context = Context(Trace.root())
    with caplog.at_level(logging.ERROR), entered(context):
        failure = await outcome(host)
    assert isinstance(failure, Failure)
    assert (failure.code, failure.sent) == (Code.INTERNAL, Sent.ANSWERED)
    assert "hunter2" not in failure.message
    assert "hunter2" not in repr(failure)
    assert context.trace.trace_id in failure.message
    assert logged in caplog.text
    assert context.trace.trace_id in caplog.text
    assert "Traceback" in caplog.text
    assert "in sing" in caplog.text
    assert host.meter.calls("stage.sing", Code.INTERNAL) == 1


async def test_control_what_is_declared_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Control: faults and failures are answers, not defects."""
    for error in (
        TooLoud(120),
        Failure(Code.UNAVAILABLE, "Not now"),
        Failure(Code.INTERNAL, "users.user failed; its log tells why"),
    ):
        await outcome(await hosted(Stage(error)))
    assert caplog.records == []


async def test_a_cancelled_call_is_counted_as_such() -> None:
    """Cancellation passes untouched."""
    lab = LabService()
    host = await hosted(lab)
    task = asyncio.create_task(host.handle(a_call("waits")))
    await until(lambda: lab.waiting)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert host.meter.calls("lab.waits", Code.CANCELLED) == 1


async def test_every_call_is_counted_once_and_keeps_its_span() -> None:
    """By operation and outcome; the span names its trace."""
    host = await hosted(LabService())
    for _ in range(2):
        await host.handle(a_call("note", id=1))
    with pytest.raises(Missing):
        await host.handle(a_call("note", id=9))
    assert host.meter.calls("lab.note") == 2
    assert host.meter.calls("lab.note", Code.NOT_FOUND) == 1
    context = Context(Trace.root())
    await host.handle(a_call("text", context))
    span = host.meter.spans[-1]
    assert (span.operation, span.trace, span.code) == ("lab.text", context.trace, None)
    assert span.seconds >= 0
    await host.handle(a_call("text", Context(Trace.root(sampled=False))))
    assert host.meter.spans[-1] is span


class Quiet(Service, version="1.0"):
    @get("/hum")
    @blocking
    def hum(self) -> Whereabouts:
        """Hum."""
        return Whereabouts(threading.get_ident(), current().trace.trace_id)

    @get("/doze")
    @blocking
    def doze(self) -> str:
        gate.wait(5)
        return "awake"


gate = threading.Event()


async def test_a_blocking_method_runs_in_a_thread_and_knows_its_call() -> None:
    """The loop goes on meanwhile; `current()` inside is the call's."""
    host = await hosted(Quiet())
    context = Context(Trace.root())
    with entered(context):
        where = await proxy(Quiet, host.handle).hum()
    assert where.thread != threading.get_ident()
    assert where.trace_id == context.trace.trace_id
    gate.clear()
    dozing = asyncio.create_task(proxy(Quiet, host.handle).doze())
    assert (await proxy(Quiet, host.handle).hum()).thread != threading.get_ident()
    assert not dozing.done()
    gate.set()
    assert await dozing == "awake"


async def test_current_is_the_call_s_inside_and_as_before_outside() -> None:
    """Contexts of calls at the same time do not mix, and none leaks."""
    host = await hosted(LabService())
    before = current()
    contexts = [Context(Trace.root(), token=f"t{i}") for i in range(20)]
    replies = await asyncio.gather(*(host.handle(a_call("seen", c)) for c in contexts))
    assert [r.value.trace_id for r in replies] == [c.trace.trace_id for c in contexts]
    assert [r.value.token for r in replies] == [c.token for c in contexts]
    assert current().trace.trace_id != before.trace.trace_id  # outside of calls: a new one each


def guarded(check: Callable[[Any], None]) -> Call:
    call = a_call("change", id=1, note=LabService().notes[1])
    return Call(call.operation, call.arguments, call.context, guard=check)


async def test_a_guard_sees_the_present_state_before_the_method_runs() -> None:
    """It is given what the `if_match` operation returns now; refusing, it keeps the method out."""
    lab = LabService()
    host = await hosted(lab)
    states: list[Any] = []
    await host.handle(guarded(states.append))
    assert states == [LabService().notes[1]]
    assert lab.calls == ["note", "change"]

    def refuse(state: Any) -> None:
        raise Failure(Code.FAILED_PRECONDITION, "changed meanwhile", status=412)

    del lab.calls[:]
    with pytest.raises(Failure, match="changed meanwhile"):
        await host.handle(guarded(refuse))
    assert lab.calls == ["note"]


async def test_control_without_a_guard_nothing_is_read_first() -> None:
    """Control: the guard alone is the reason for reading, and for refusing."""
    lab = LabService()
    host = await hosted(lab)
    await host.handle(a_call("change", id=1, note=lab.notes[1]))
    assert lab.calls == ["change"]


async def test_a_fault_of_the_guarding_operation_is_the_caller_s() -> None:
    """No state to compare with: the same answer as for reading it."""

    def unasked(state: Any) -> None:
        raise AssertionError(state)

    host = await hosted(LabService())
    call = a_call("change", id=9, note=LabService().notes[1])
    with pytest.raises(Missing):
        await host.handle(Call(call.operation, call.arguments, call.context, guard=unasked))


async def test_the_result_is_rendered_within_the_call() -> None:
    """What cannot be encoded is a defect of the service, told before anything is committed."""
    order: list[str] = []

    def policy(handler: Any) -> Any:
        async def unit(call: Call) -> Reply:
            try:
                return await handler(call)  # type: ignore[no-any-return]
            except BaseException:
                order.append("rolled back")
                raise

        return unit

    def render(value: Any) -> Reply:
        raise TypeError("Encoding objects of type object is unsupported")

    host = Host(LabService(), policies=[policy])
    await host.start()
    call = a_call("text")
    with pytest.raises(Failure) as caught:
        await host.handle(Call(call.operation, call.arguments, call.context, render))
    assert caught.value.code is Code.INTERNAL
    assert order == ["rolled back"]


class Rows(Service, version="1.0"):
    """Streams what it finds out while it is read."""

    def __init__(self) -> None:
        self.worked: list[str] = []

    @get("/rows")
    async def rows(self) -> AsyncIterator[bytes]:
        return self._rows()

    @put("/broken")
    async def broken(self) -> AsyncIterator[bytes]:
        return [b"a", b"b"]  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    async def _rows(self) -> AsyncGenerator[bytes]:
        yield current().trace.trace_id.encode()
        yield str(current().token).encode()
        yield str(current().deadline).encode()
        await spawn(self.work())

    async def work(self) -> None:
        self.worked.append(current().trace.trace_id)


async def test_a_stream_is_made_in_the_context_of_its_call() -> None:
    """Though it is read after the call, and elsewhere: calls made within it carry on."""
    rows = Rows()
    host = await hosted(rows)
    with entered(Context(Trace.root(), token="proof")) as context:
        stream = await proxy(Rows, host.handle).rows()
    assert current().token is None
    parts = [part.decode() async for part in stream]
    assert parts == [context.trace.trace_id, "proof", "None"]
    assert rows.worked == [context.trace.trace_id]
    await host.stop()


async def test_a_stream_closed_early_closes_what_makes_it() -> None:
    """Whatever it holds open is given back."""
    lab = LabService()
    host = await hosted(lab)
    stream = await proxy(Lab, host.handle).download("endless")
    assert await anext(stream) == b"one,"
    await closed(stream)
    assert (lab.opened, lab.closed) == (1, 1)


async def test_a_stream_that_is_none_is_a_defect_told_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """While it can still be answered, not in the midst of a body."""
    host = await hosted(Rows())
    with pytest.raises(Failure) as caught:
        await proxy(Rows, host.handle).broken()
    assert caught.value.code is Code.INTERNAL
    assert "rows.broken failed" in caplog.text
