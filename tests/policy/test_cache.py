"""Kept answers: as long as the service said, for who asked, and never what a change made wrong."""

import asyncio
from email.utils import formatdate
from typing import Any

import pytest

from coterie.call import Call, Failure, Handler, Policy, Principal, Reply, Sent, chain
from coterie.contract import Code
from coterie.policy import Cache, Caching, cache, coalesce

from .library import Book, NoSuchBook, Shelf, Told, a_call, until

WALL = 1_700_000_000.0
KEEP = ("cache-control", "max-age=60")
TAG = ("etag", '"1"')


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wall(self) -> float:
        return WALL + self.now - 1000.0


class Caller:
    """Somebody with a cache, and the service it is for."""

    def __init__(self, *replies: Reply | Exception, **settings: Any) -> None:
        self.shelf = Shelf(*replies)
        self.clock = Clock()
        self.told = Told()
        self.cache = Cache(Caching(**settings), clock=self.clock, wall=self.clock.wall)
        self.handle: Handler = cache(self.cache, self.told)(self.shelf.handle)

    async def ask(self, call: Call | None = None) -> Any:
        return (await self.handle(call or a_call())).value

    @property
    def asked(self) -> int:
        """How often the service was asked."""
        return len(self.shelf.calls)


def said(value: Any, *headers: tuple[str, str], status: int = 200) -> Reply:
    return Reply(value, status, headers)


def begin(handler: Handler, call: Call) -> "asyncio.Task[Reply]":
    async def calling() -> Reply:
        return await handler(call)

    return asyncio.create_task(calling())


# --- How long -----------------------------------------------------------------------------------


async def test_what_holds_is_not_asked_again() -> None:
    """For as long as it said. Control: without the policy the service is asked each time."""
    caller = Caller(said(1, KEEP), said(2, KEEP))
    assert [await caller.ask(), await caller.ask()] == [1, 1]
    caller.clock.now += 59
    assert await caller.ask() == 1
    caller.clock.now += 2
    assert await caller.ask() == 2
    assert caller.asked == 2
    assert caller.told.what == ["cache stored", "cache hit", "cache hit", "cache stored"]

    bare = Shelf(said(1, KEEP), said(2, KEEP))
    assert [(await bare.handle(a_call())).value for _ in range(2)] == [1, 2]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("cache-control", "max-age=10")], 10),
        ([("cache-control", "public, max-age=10, s-maxage=1")], 10),
        ([("cache-control", "private, max-age=10")], 10),
        ([("cache-control", 'private="x, no-store", max-age="10"')], 10),
        ([("cache-control", "MAX-AGE=10")], 10),
        ([("cache-control", "max-age=10, max-age=20")], 10),
        ([("cache-control", "public"), ("cache-control", "max-age=10")], 10),
        ([("cache-control", "max-age=99999999999999999999")], 2**31),
        ([("cache-control", "max-age=10"), ("age", "4")], 6),
        ([("cache-control", "max-age=10"), ("date", formatdate(WALL - 4, usegmt=True))], 6),
        ([("cache-control", "max-age=10"), ("date", formatdate(WALL + 4, usegmt=True))], 10),
        ([("expires", formatdate(WALL + 10, usegmt=True))], 10),
        (
            [
                ("expires", formatdate(WALL + 10, usegmt=True)),
                ("date", formatdate(WALL, usegmt=True)),
            ],
            10,
        ),
        ([("cache-control", "max-age=10"), ("expires", formatdate(WALL, usegmt=True))], 10),
        ([("cache-control", "max-age=10"), ("vary", "Authorization, Accept")], 10),
    ],
)
async def test_how_long_an_answer_holds(headers: list[tuple[str, str]], seconds: int) -> None:
    """RFC 9111, 4.2: what it says of itself, less what it was on its way."""
    caller = Caller(said(1, *headers), said(2))
    await caller.ask()
    caller.clock.now += seconds - 0.5
    assert await caller.ask() == 1
    caller.clock.now += 1
    assert await caller.ask() == 2


@pytest.mark.parametrize(
    "headers",
    [
        [("content-type", "application/json")],
        [("cache-control", "no-store, max-age=60")],
        [("cache-control", "max-age=60"), ("cache-control", "no-store")],
        [("cache-control", "no-cache, max-age=60")],
        [("cache-control", 'no-cache="set-cookie", max-age=60')],
        [("cache-control", "max-age=0")],
        [("cache-control", "max-age=-5")],
        [("cache-control", "max-age")],
        [("cache-control", "max-age=soon")],
        [("cache-control", "x" * 1000)],
        [("cache-control", "max-age=60"), ("vary", "*")],
        [("cache-control", "max-age=60"), ("vary", "Accept, traceparent")],
        [("cache-control", "max-age=60"), ("age", "61")],
        [("expires", "0")],
        [("expires", formatdate(WALL - 10, usegmt=True))],
    ],
)
async def test_what_does_not_hold_is_asked_again(headers: list[tuple[str, str]]) -> None:
    """What says nothing, says no, or says it wrongly."""
    caller = Caller(said(1, *headers), said(2, *headers))
    assert [await caller.ask(), await caller.ask()] == [1, 2]


async def test_time_on_its_way_counts() -> None:
    """An answer that took five seconds is five seconds old (RFC 9111, 4.2.3)."""
    caller = Caller()
    asking = begin(caller.handle, a_call())
    await until(lambda: caller.shelf.open)
    caller.clock.now += 5
    caller.shelf.open[0].set_result(said(1, ("cache-control", "max-age=10")))
    await asking
    caller.clock.now += 4.5
    assert await caller.ask() == 1
    caller.clock.now += 1
    caller.shelf.replies.append(said(2))
    assert await caller.ask() == 2


@pytest.mark.parametrize(
    "reply", [said(1, KEEP, status=206), said(1, KEEP, status=302), NoSuchBook(1)]
)
async def test_only_plain_success_is_kept(reply: Any) -> None:
    """Not a part, not a way elsewhere, not an error."""
    caller = Caller(reply, said(2))
    if isinstance(reply, Exception):
        with pytest.raises(NoSuchBook):
            await caller.ask()
    else:
        await caller.ask()
    assert await caller.ask() == 2


async def test_within_a_process_the_contract_says_how_long() -> None:
    """Where nothing crosses a wire, there are no headers; `max_age` holds all the same."""
    caller = Caller(Reply(1), Reply(2), Reply(3), Reply(4))
    assert [await caller.ask(), await caller.ask()] == [1, 1]
    caller.clock.now += 61
    assert await caller.ask() == 2
    assert [await caller.ask(a_call("members")), await caller.ask(a_call("members"))] == [3, 4]


# --- Still current? -----------------------------------------------------------------------------


@pytest.mark.parametrize("control", [[], [KEEP], [("cache-control", "no-cache")]])
async def test_what_has_a_tag_is_asked_after(control: list[tuple[str, str]]) -> None:
    """And kept if the service says that it is current: no value crosses the wire."""
    caller = Caller(said(Book("Dune", []), TAG, *control), said(None, TAG, *control, status=304))
    first = await caller.ask()
    caller.clock.now += 61
    assert await caller.ask() == first == Book("Dune", [])
    assert [call.validator for call in caller.shelf.calls] == [None, '"1"']
    assert caller.told.what == ["cache stored", "cache revalidated"]
    if control == [KEEP]:
        assert await caller.ask() == first
        assert caller.asked == 2


async def test_what_is_no_longer_current_is_replaced() -> None:
    """By what the service answers instead, and its tag."""
    caller = Caller(said(1, TAG), said(2, ("etag", '"2"')), said(None, ("etag", '"2"'), status=304))
    assert [await caller.ask(), await caller.ask(), await caller.ask()] == [1, 2, 2]
    assert [call.validator for call in caller.shelf.calls] == [None, '"1"', '"2"']


async def test_what_may_not_be_kept_any_longer_is_dropped() -> None:
    """When the service says so along with 304."""
    no_store = ("cache-control", "no-store")
    caller = Caller(said(1, TAG), said(None, TAG, no_store, status=304), said(2))
    assert [await caller.ask(), await caller.ask(), await caller.ask()] == [1, 1, 2]
    assert caller.shelf.calls[2].validator is None


# --- While the service is away ------------------------------------------------------------------

AWAY = Failure(Code.UNAVAILABLE, "away", sent=Sent.NOT_SENT)


async def test_an_answer_may_outlive_a_service_that_is_away() -> None:
    """As long as it says (RFC 5861), or the settings. Control: who says nothing of it fails."""
    control = ("cache-control", "max-age=60, stale-if-error=600")
    for caller in (Caller(said(1, control)), Caller(said(1, KEEP), stale=600.0)):
        await caller.ask()
        caller.clock.now += 600
        caller.shelf.replies.append(AWAY)
        assert await caller.ask() == 1
        assert caller.told.what[-1] == "cache stale"
        caller.clock.now += 61
        caller.shelf.replies.append(AWAY)
        with pytest.raises(Failure, match="away"):
            await caller.ask()

    caller = Caller(said(1, KEEP), AWAY)
    await caller.ask()
    caller.clock.now += 61
    with pytest.raises(Failure, match="away"):
        await caller.ask()


@pytest.mark.parametrize(
    "control", ["max-age=60, must-revalidate", "no-cache", "max-age=60, stale-if-error=0"]
)
async def test_what_must_not_be_used_stale_is_not(control: str) -> None:
    """Whatever the settings say."""
    caller = Caller(said(1, TAG, ("cache-control", control)), AWAY, stale=600.0)
    await caller.ask()
    caller.clock.now += 61
    with pytest.raises(Failure, match="away"):
        await caller.ask()


async def test_a_refusal_is_not_covered_by_an_old_answer() -> None:
    """Who may no longer see it, sees it no longer."""
    caller = Caller(said(1, KEEP), Failure(Code.PERMISSION_DENIED, "no"), stale=600.0)
    await caller.ask()
    caller.clock.now += 61
    with pytest.raises(Failure, match="no"):
        await caller.ask()


# --- For whom -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        a_call(token="b"),
        a_call(),
        a_call(principal=Principal("a")),
        a_call(token="a", baggage={"tenant": "2"}),
        a_call(arguments={"book_id": 2}, token="a"),
        a_call("books", token="a"),
    ],
    ids=["another token", "nobody", "a principal", "baggage", "arguments", "operation"],
)
async def test_an_answer_is_for_who_asked(other: Call) -> None:
    """And for what. Control: the same question of the same caller is answered from the cache."""
    caller = Caller(said("mine", KEEP), said("theirs", KEEP))
    mine = a_call(token="a")
    assert [await caller.ask(mine), await caller.ask(other)] == ["mine", "theirs"]
    assert [await caller.ask(mine), await caller.ask(other)] == ["mine", "theirs"]
    assert caller.asked == 2


async def test_nobody_changes_what_is_kept() -> None:
    """Neither who asked first nor who was answered from it."""
    caller = Caller(said([Book("Dune", ["sand"])], KEEP))
    for _ in range(3):
        books = await caller.ask(a_call("books"))
        assert books == [Book("Dune", ["sand"])]
        books[0].tags.append("spice")
        books[0].title = "Emma"
        books.append(7)


# --- What changes it ----------------------------------------------------------------------------


def changing(book_id: int = 1) -> Call:
    return a_call("change", {"book_id": book_id, "title": "Emma"}, token="b")


@pytest.mark.parametrize(
    ("kept", "change", "again"),
    [
        (a_call(), changing(), True),
        (a_call(token="a"), changing(), True),
        (a_call(arguments={"words": "x"}), changing(), True),
        (a_call("books"), changing(), True),
        (a_call("books", {"tag": "x"}), changing(), True),
        (a_call("members"), changing(), False),
        (a_call(arguments={"book_id": 12}), changing(), False),
        (a_call("members"), a_call("enrol", {"name": "x"}), True),
        (a_call("count"), changing(), True),
        (a_call(), a_call("clear"), True),
    ],
    ids=[
        "same", "of another", "with a query", "the list", "part of the list", "elsewhere",
        "another one", "posted to", "no path", "changed by one without a path",
    ],
)  # fmt: skip
async def test_a_change_drops_what_it_may_have_changed(
    kept: Call, change: Call, again: bool
) -> None:
    """So who writes here reads here what was written. Control: elsewhere nothing is dropped."""
    caller = Caller(said(1, KEEP), said(None), said(2, KEEP))
    await caller.ask(kept)
    await caller.ask(change)
    assert await caller.ask(kept) == (2 if again else 1)
    assert ("cache invalidated" in caller.told.what) is again


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (Failure(Code.UNAVAILABLE, "lost", sent=Sent.UNKNOWN), True),
        (Failure(Code.INTERNAL, "broken"), True),
        (Failure(Code.UNAVAILABLE, "no", sent=Sent.NOT_SENT), False),
        (Failure(Code.UNAVAILABLE, "no", sent=Sent.REFUSED), False),
        (NoSuchBook(1), False),
    ],
)
async def test_a_change_that_may_have_happened_counts_as_one(error: Any, again: bool) -> None:
    """And one that certainly did not begin counts for nothing."""
    caller = Caller(said(1, KEEP), error, said(2, KEEP))
    await caller.ask()
    with pytest.raises(type(error)):
        await caller.ask(changing())
    assert await caller.ask() == (2 if again else 1)


async def test_an_answer_from_before_a_change_is_not_kept_after_it() -> None:
    """It was asked for before, and comes when the change is done. Control: no change, it is kept."""
    for change, value in ((changing(), "new"), (changing(7), "old")):
        caller = Caller()
        reading = begin(caller.handle, a_call())
        await until(lambda caller=caller: caller.shelf.open)  # type: ignore[misc]
        caller.shelf.says(said(None))
        await caller.ask(change)
        caller.shelf.open[0].set_result(said("old", KEEP))
        assert (await reading).value == "old"
        caller.shelf.says(said("new", KEEP))
        assert await caller.ask() == value


async def test_nor_is_one_that_joined_a_call_from_before() -> None:
    """With `coalesce` within, a read after the change may share the answer to one before it."""
    caller = Caller()
    policies: list[Policy] = [cache(caller.cache), coalesce()]
    handle = chain(policies, caller.shelf.handle)
    before = begin(handle, a_call())
    await until(lambda: caller.shelf.open)
    caller.shelf.says(said(None))
    await handle(changing())
    after = begin(handle, a_call())
    for _ in range(5):
        await asyncio.sleep(0)
    caller.shelf.open[0].set_result(said("old", KEEP))
    await asyncio.wait([before, after])
    caller.shelf.says(said("new", KEEP), said("newer", KEEP))
    assert [(await handle(a_call())).value for _ in range(2)] == ["new", "new"]


async def test_reads_that_fail_or_are_cancelled_leave_nothing_behind() -> None:
    """The next one is kept as if they had not been."""
    caller = Caller(AWAY)
    with pytest.raises(Failure):
        await caller.ask()
    reading = begin(caller.handle, a_call())
    await until(lambda: caller.shelf.open)
    caller.shelf.says(said(None))
    await caller.ask(changing())
    reading.cancel()
    await asyncio.wait([reading])
    caller.shelf.says(said(1, KEEP))
    assert [await caller.ask(), await caller.ask()] == [1, 1]


# --- How much -----------------------------------------------------------------------------------


async def test_what_was_not_used_for_longest_goes_first() -> None:
    """When there are more answers than may be kept."""
    caller = Caller(*[said(n, KEEP) for n in range(5)], entries=2)
    one, two, three = (a_call(arguments={"book_id": n}) for n in range(3))
    for call in (one, two, one, three):
        await caller.ask(call)
    assert [await caller.ask(one), await caller.ask(three)] == [0, 2]
    assert await caller.ask(two) == 3
    assert len(caller.cache.shelf) == 2


async def test_bytes_are_bounded() -> None:
    """However large the answers are; one that is too large for all is not kept."""
    replies = [said("x" * 10_000, KEEP) for _ in range(20)]
    caller = Caller(*replies, said("y" * 60_000, KEEP), said("z", KEEP), said(None), size=50_000)
    for n in range(20):
        await caller.ask(a_call(arguments={"book_id": n}))
    assert 1 < len(caller.cache.shelf) <= 5
    assert caller.cache.shelf.size <= 50_000
    before = len(caller.cache.shelf)
    large = a_call(arguments={"book_id": 99})
    await caller.ask(large)
    assert len(caller.cache.shelf) == before
    assert await caller.ask(large) == "z"
    await caller.ask(a_call("clear"))
    assert (len(caller.cache.shelf), caller.cache.shelf.size) == (0, 0)


async def test_streams_are_not_kept() -> None:
    """They have one reader."""
    caller = Caller(said(1, KEEP), said(2, KEEP))
    assert [await caller.ask(a_call("scan")), await caller.ask(a_call("scan"))] == [1, 2]


@pytest.mark.parametrize("values", [{"entries": 0}, {"size": 10}, {"stale": -1.0}])
def test_senseless_values_are_refused(values: dict[str, Any]) -> None:
    """With what to write instead."""
    with pytest.raises(ValueError, match="take a number"):
        Caching(**values)
