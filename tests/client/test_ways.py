"""Over HTTP, through bytes, or straight: the same calls have the same results and errors."""

import asyncio
import datetime
import decimal
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from time import monotonic
from typing import Any

import pytest
import pytest_asyncio

from coterie.call import Context, Failure, Sent, Trace, Violation, calling, entered
from coterie.client import items
from coterie.contract import Code, Fault, Page, Redirect, Upload
from tests.client.http1.peer import soon, until
from tests.client.kit import (
    WAYS,
    Cat,
    Colour,
    Desk,
    Dog,
    Item,
    Made,
    Plain,
    Reached,
    Refused,
    reached,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = uuid.UUID(int=7)
DAY = datetime.date(2026, 1, 2)
ITEM = Item(
    day=DAY,
    price=decimal.Decimal("12.30"),
    key=KEY,
    blob=b"\x00\xff",
    colour=Colour.BLUE,
    pets=[Cat(9), Dog(["sit"])],
    by_name={"ü": 0.1},
)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=WAYS)
async def way(request: pytest.FixtureRequest) -> AsyncGenerator[Reached]:
    """A desk, reached in each of the ways; the tests of this file share it."""
    async with reached(request.param) as found:
        yield found


Ask = Callable[[Desk], Coroutine[Any, Any, Any]]


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


RESULTS = [
    pytest.param(lambda d: d.add(1), 3, id="default"),
    pytest.param(lambda d: d.add(1, 2), 3, id="two positions"),
    pytest.param(lambda d: d.add(1, b=-3), -2, id="position and name"),
    pytest.param(lambda d: d.add(a=1, b=2, times=4), 12, id="all names"),
    pytest.param(lambda d: d.add(2**70), 2**70 + 2, id="large number"),
    pytest.param(lambda d: d.echo(ITEM), ITEM, id="structs"),
    pytest.param(lambda d: d.inner(ITEM), ITEM, id="internal operation"),
    pytest.param(lambda d: d.nothing(), None, id="nothing"),
    pytest.param(lambda d: d.pdf(), b"%PDF \x00\xff", id="bytes"),
    pytest.param(lambda d: d.text(), "zażółć", id="text"),
    pytest.param(lambda d: d.moved(), Redirect("/text?a=b", 307), id="redirect"),
    pytest.param(lambda d: d.made(), Made(7, "/made/7"), id="result headers"),
    pytest.param(lambda d: d.made(3), Made(7, "/made/7", 3), id="result headers given"),
    pytest.param(
        lambda d: d.file(Upload("a ü.txt", "text/plain", b"\r\n--x\x00"), title="ü"),
        "ü: a ü.txt text/plain b'\\r\\n--x\\x00'",
        id="form",
    ),
    pytest.param(lambda d: d.numbers(4), Page([0, 1, 2, 3], "4"), id="page"),
    pytest.param(lambda d: d.numbers(cursor="9"), Page([9], None), id="last page"),
    pytest.param(lambda d: d.count(chunks(b"a", b"", b"b" * 100_000)), 100_001, id="streamed body"),
    pytest.param(
        lambda d: d.find(KEY, "a/b ?&=#%ü..", [Colour.RED, Colour.BLUE], DAY, True, "x;y", "c;d ü"),
        [
            repr(x)
            for x in (KEY, "a/b ?&=#%ü..", [Colour.RED, Colour.BLUE], DAY, True, "x;y", "c;d ü")
        ],
        id="everything in its place",
    ),
    pytest.param(
        lambda d: d.find(KEY, ""),
        [repr(KEY), "''", "[]", "None", "False", "None", "None"],
        id="least of everything",
    ),
]


@pytest.mark.promise("P2.12-5")
@pytest.mark.parametrize(("ask", "result"), RESULTS)
async def test_results_are_the_same(way: Reached, ask: Ask, result: Any) -> None:
    """In value and in type, to the last digit."""
    found = await ask(way.desk)
    assert (found, type(found)) == (result, type(result))


FAULTS = [
    pytest.param(lambda d: d.fails("fault"), Refused(DAY, "closed", [Cat(9)]), id="values"),
    pytest.param(lambda d: d.fails("plain"), Plain(), id="no values"),
    pytest.param(lambda d: d.inner(ITEM, "no room"), Refused(DAY, "no room"), id="internal"),
    pytest.param(lambda d: d.stream("refused"), Plain(), id="before a stream"),
]


@pytest.mark.promise("P2.12-5")
@pytest.mark.parametrize(("ask", "fault"), FAULTS)
async def test_declared_faults_are_the_same(way: Reached, ask: Ask, fault: Fault) -> None:
    """The same exception with the same values, whatever the way."""
    with pytest.raises(type(fault)) as caught:
        await ask(way.desk)
    assert (caught.value, caught.value.message) == (fault, fault.message)


@pytest.mark.parametrize(
    ("how", "code", "status", "more"),
    [
        ("busy", Code.RESOURCE_EXHAUSTED, 429, {"message": "Come back later", "retry_after": 7}),
        ("gone", Code.NOT_FOUND, 410, {"message": "It is gone"}),
        ("lost", Code.DATA_LOSS, 500, {"message": "Unreadable"}),
        (
            "invalid",
            Code.INVALID_ARGUMENT,
            400,
            {"message": "No", "violations": (Violation("bad", "#/how", "query"),)},
        ),
        ("undeclared", Code.INTERNAL, 500, {}),
        ("defect", Code.INTERNAL, 500, {}),
    ],
)
async def test_failures_are_the_same(
    way: Reached, how: str, code: Code, status: int, more: dict[str, Any]
) -> None:
    """By code, status and words; secrets of the service stay there."""
    with pytest.raises(Failure) as caught:
        await way.desk.fails(how)
    failure = caught.value
    assert (failure.code, failure.status, failure.sent) == (code, status, Sent.ANSWERED)
    assert {name: getattr(failure, name) for name in more} == more
    assert "hunter2" not in failure.message


@pytest.mark.promise("P2.12-5")
@pytest.mark.parametrize(
    "ask",
    [
        lambda d: d.add("one"),
        lambda d: d.numbers(limit="many"),
        lambda d: d.find("no uuid", "text"),
        lambda d: d.find(KEY, "text", ["green"]),
        lambda d: d.echo(5),
    ],
    ids=["text for a number", "query", "path", "list", "body"],
)
async def test_arguments_that_are_none_are_refused(way: Reached, ask: Ask) -> None:
    """By type, wherever they travel; the method never sees them."""
    desk: Any = way.desk
    with pytest.raises(Failure) as caught:
        await ask(desk)
    assert caught.value.code is Code.INVALID_ARGUMENT


async def test_the_circumstances_travel(way: Reached) -> None:
    """Trace, deadline, who, key and baggage reach the method."""
    with (
        entered(Context(Trace.root())) as outer,
        calling(timeout=5, token="t", idempotency_key="k", baggage={"tenant": "eu west, 1=ü;"}),
    ):
        seen = await way.desk.seen()
    assert (seen.trace_id, seen.subject) == (outer.trace.trace_id, "whoever says t")
    assert (seen.token, seen.key, seen.baggage) == ("t", "k", {"tenant": "eu west, 1=ü;"})
    assert seen.remaining is not None
    assert 4 < seen.remaining <= 5


async def test_control_nothing_travels_that_was_not_there(way: Reached) -> None:
    """Control: a call without circumstances has a trace of its own, and a deadline all the same."""
    first, second = await way.desk.seen(), await way.desk.seen()
    assert first.trace_id != second.trace_id
    assert (first.subject, first.token, first.key, first.baggage) == (None, None, None, {})
    assert first.remaining is not None
    assert 29 < first.remaining <= 30


@pytest.mark.promise("P2.12-5")
@pytest.mark.parametrize(
    "ask", [lambda d: d.waits(), lambda d: d.hurried()], ids=["caller", "operation"]
)
async def test_a_call_ends_by_its_deadline(way: Reached, ask: Ask) -> None:
    """The caller's, or the operation's own: never later than a tenth of a second after it."""
    began = monotonic()
    with calling(timeout=0.05), pytest.raises(Failure) as caught:
        await ask(way.desk)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    assert monotonic() - began < 0.15


async def test_a_call_made_too_late_does_nothing(way: Reached) -> None:
    """The method is not begun."""
    before = way.service.waiting
    with calling(timeout=-1), pytest.raises(Failure) as caught:
        await way.desk.waits()
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    assert way.service.waiting == before


async def test_cancelling_ends_the_waiting(way: Reached) -> None:
    """At once; the client goes on working."""
    before = way.service.waiting
    asking = asyncio.create_task(way.desk.waits())
    await until(lambda: way.service.waiting > before)
    began = monotonic()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert monotonic() - began < 0.1
    assert await way.desk.add(1) == 3


async def test_calls_at_a_time_do_not_mix(way: Reached) -> None:
    """Each has its own answer."""
    answers = await asyncio.gather(*(way.desk.add(n) for n in range(200)))
    assert answers == [n + 2 for n in range(200)]


async def test_streams_are_the_same(way: Reached) -> None:
    """All parts, in order; the maker is closed at the end."""
    before = way.service.closed
    parts = [part async for part in await way.desk.stream()]
    assert b"".join(parts) == b"one,two,three"
    await until(lambda: way.service.closed == before + 1)


async def test_a_stream_arrives_as_it_is_made_and_can_be_left(way: Reached) -> None:
    """The first part does not wait for the last; leaving early closes the maker."""
    before = way.service.closed
    stream: Any = await way.desk.stream("stalls")
    assert await soon(anext(stream)) == b"one,"
    await stream.aclose()
    await until(lambda: way.service.closed == before + 1)


async def test_a_stream_never_begun_can_be_left(way: Reached) -> None:
    """Nothing stays open for it."""
    stream: Any = await way.desk.stream("stalls")
    await stream.aclose()
    await until(lambda: way.service.opened == way.service.closed)


async def test_a_stream_that_breaks_is_no_stream_that_ends(way: Reached) -> None:
    """The reader learns that there is more, whatever the way tells of the reason."""
    stream = await way.desk.stream("breaks")
    assert await soon(anext(stream)) == b"one,"
    with pytest.raises((Failure, RuntimeError)):
        await soon(anext(stream))


async def test_paged_lists_are_read_to_their_end(way: Reached) -> None:
    """Page after page, by name or by position."""
    assert [n async for n in items(way.desk.numbers)] == list(range(10))
    assert [n async for n in items(way.desk.numbers, 4)] == list(range(10))
    assert [n async for n in items(way.desk.numbers, limit=100)] == list(range(10))
    assert [n async for n in items(way.desk.numbers, limit=2, cursor="5")] == list(range(5, 10))
