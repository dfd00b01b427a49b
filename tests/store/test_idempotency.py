"""Idempotency keys in the database of their effects: together with them or not at all."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select, text

from coterie.call import Call, Context, Failure, Handler, Principal, Reply, Trace
from coterie.contract import Code
from coterie.policy import idempotency
from coterie.store import CommitFailed, Database, KeyStore, unit_of_work
from tests.store.shop import BUY, Product, answering, count, until

KEY, OTHER = b"k" * 32, b"o" * 32
ASKED = b"f" * 32


class Clock:
    """Seconds since 1970, as the test says."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(database: Database, clock: Clock) -> KeyStore:
    return KeyStore(database, "shop", clock=clock)


async def claimed(keys: KeyStore, key: bytes = KEY, **said: float) -> int:
    found = await keys.claim(key, ASKED, **{"lease": 10.0, "keep": 100.0} | said)
    assert isinstance(found, int)
    return found


async def _forgotten(database: Database, keys: KeyStore, claim: int) -> None:
    async with database.transaction():
        assert await keys.finish(KEY, claim, b"bought")
        raise LookupError


async def finished(database: Database, keys: KeyStore, claim: int, key: bytes = KEY) -> bool:
    async with database.transaction():
        return await keys.finish(key, claim, b"bought")


def bought(database: Database, keys: KeyStore | None, method: Any = None) -> Handler:
    """A purchase as a server has it: with keys, where there are any."""

    async def buy() -> str:
        if method is not None:
            await method()
        database.add(Product(id=secrets.randbelow(2**31), available=1))
        return "bought"

    handler = answering(unit_of_work(database), buy)
    return handler if keys is None else idempotency(keys)(handler)


def buying(key: str, who: str | None = None) -> Call:
    principal = None if who is None else Principal(who)
    context = Context(Trace.root(), principal=principal).keyed(key)

    def render(value: Any) -> Reply:
        headers = (("content-type", "application/json"), ("x-number", secrets.token_hex(4)))
        return Reply(value, 201, headers, b'"bought"')

    return Call(BUY, {}, context, render)


# --- The store ---


async def test_a_claim_is_seen_by_everybody_at_once(database: Database, url: str) -> None:
    """By other processes too, before the call has done anything: that is what a claim is for."""
    async with Database(url) as elsewhere:
        claim = await claimed(KeyStore(database, "shop"))
        assert claim
        found = await KeyStore(elsewhere, "shop").claim(KEY, OTHER, lease=1, keep=1)
    assert found == (ASKED, None)


async def test_of_many_at_once_one_gets_the_claim(database: Database, keys: KeyStore) -> None:
    found = await asyncio.gather(*(keys.claim(KEY, ASKED, lease=10, keep=10) for _ in range(20)))
    assert sum(isinstance(one, int) for one in found) == 1


async def test_a_reply_is_kept_with_its_transaction(database: Database, keys: KeyStore) -> None:
    """Rolled back, the key is still claimed and nothing is replayed; committed, it is."""
    claim = await claimed(keys)
    with pytest.raises(LookupError):
        await _forgotten(database, keys, claim)
    assert await keys.claim(KEY, ASKED, lease=1, keep=1) == (ASKED, None)
    assert await finished(database, keys, claim)
    assert await keys.claim(KEY, OTHER, lease=1, keep=1) == (ASKED, b"bought")


async def test_a_released_key_is_free_and_a_finished_one_is_not(
    database: Database, keys: KeyStore
) -> None:
    claim = await claimed(keys)
    await keys.release(KEY, claim + 1)
    assert not isinstance(await keys.claim(KEY, ASKED, lease=1, keep=1), int)
    await keys.release(KEY, claim)
    claim = await claimed(keys)
    assert await finished(database, keys, claim)
    await keys.release(KEY, claim)
    assert await keys.claim(KEY, ASKED, lease=1, keep=1) == (ASKED, b"bought")


async def test_after_its_lease_a_claim_is_taken_over_and_its_call_cannot_finish(
    database: Database, keys: KeyStore, clock: Clock
) -> None:
    """A process that was killed blocks its key for a while only; one that only slept does no harm."""
    slow = await claimed(keys, lease=10)
    clock.now += 9.9
    assert await keys.claim(KEY, ASKED, lease=1, keep=1) == (ASKED, None)
    clock.now += 0.2
    quick = await claimed(keys)
    assert not await finished(database, keys, slow)
    assert await finished(database, keys, quick)


async def test_a_late_call_that_nobody_overtook_may_finish(
    database: Database, keys: KeyStore, clock: Clock
) -> None:
    claim = await claimed(keys, lease=10)
    clock.now += 1000
    assert await finished(database, keys, claim)


async def test_a_reply_is_kept_for_as_long_as_it_was_promised(
    database: Database, keys: KeyStore, clock: Clock
) -> None:
    """A day and more, counted from the end of the lease; from then on the key is a new one."""
    claim = await claimed(keys, lease=10, keep=86_400)
    assert await finished(database, keys, claim)
    clock.now += 86_409
    assert await keys.claim(KEY, ASKED, lease=10, keep=86_400) == (ASKED, b"bought")
    clock.now += 2
    assert await claimed(keys, keep=86_400) != claim


async def test_services_that_share_a_database_share_no_keys(
    database: Database, keys: KeyStore
) -> None:
    await claimed(keys)
    await claimed(KeyStore(database, "post"))


async def test_old_keys_are_swept_away_and_no_others(
    database: Database, keys: KeyStore, clock: Clock
) -> None:
    """A bounded number at a time, so that nobody waits for long."""
    old = [bytes((7,)) + secrets.token_bytes(31) for _ in range(501)]
    for key in old:
        await claimed(keys, key, lease=1, keep=100)
    await claimed(keys, bytes((7,)) + b"n" * 31, lease=1, keep=300)
    await claimed(keys, bytes((8,)) + b"n" * 31, lease=1, keep=100)
    clock.now += 200
    assert await keys.sweep(7)
    assert await rows(database) == 3
    assert not await keys.sweep(7)
    assert await rows(database) == 2


async def rows(database: Database) -> int:
    async with database.transaction(read_only=True):
        found = await database.scalar(text("SELECT count(*) FROM coterie_idempotency"))
    return int(found or 0)


async def test_two_processes_may_make_the_table_at_once(database: Database, url: str) -> None:
    async with Database(url) as elsewhere:
        stores = [KeyStore(database, "shop"), KeyStore(elsewhere, "shop")]
        await asyncio.gather(*(store.prepare() for store in stores))
        for number, store in enumerate(stores):
            await claimed(store, bytes(31) + bytes((number,)))


async def test_a_database_that_is_not_there_is_a_failure_that_may_pass(sqlite: str) -> None:
    keys = KeyStore(Database(sqlite), "shop")
    with pytest.raises(Failure) as caught:
        await keys.claim(KEY, ASKED, lease=1, keep=1)
    assert "database" in caught.value.message


async def test_a_claim_waits_for_no_disk_and_a_commit_still_does(file: Database) -> None:
    """SQLite: the connection that writes is as careful after a claim as before."""
    levels = []
    for _ in range(2):
        async with file.transaction():
            levels.append(await file.scalar(text("PRAGMA synchronous")))
        await claimed(KeyStore(file, "shop"), secrets.token_bytes(32))
    assert levels == [2, 2]


async def test_claims_use_connections_that_wait_for_no_disk_and_effects_do_not(
    server: Database,
) -> None:
    """PostgreSQL: asked of the server itself."""
    swift = await server.engine.note("a look", "SELECT current_setting('synchronous_commit')")
    async with server.transaction():
        careful = await server.scalar(text("SELECT current_setting('synchronous_commit')"))
    assert (swift, careful) == (("off",), "on")


# --- With the policy and the unit of work ---


async def test_a_purchase_made_twice_under_one_key_is_one(
    database: Database, keys: KeyStore
) -> None:
    """And its answer is the same, down to the header that is drawn anew for each purchase."""
    handler = bought(database, keys)
    first, again = await handler(buying("k")), await handler(buying("k"))
    assert await count(database, Product) == 1
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers == (*first.headers, ("idempotency-replayed", "true"))


@pytest.mark.parametrize("protected", [True, False])
async def test_many_keys_each_many_times_at_once(
    database: Database, keys: KeyStore, protected: bool
) -> None:
    """One effect a key, identical replays, 409 only while the first runs.

    The control, without keys: as many effects as calls.
    """
    handler = bought(database, keys if protected else None)
    calls, tries = 30, 8

    async def answered(call: Call) -> Reply:
        while True:
            try:
                return await handler(call)
            except Failure as failure:
                if (failure.status, failure.retry_after) != (409, 1.0):
                    raise
                await asyncio.sleep(0.005)

    work = [[answered(buying(f"key {n}")) for _ in range(tries)] for n in range(calls)]
    replies = [await asyncio.gather(*each) for each in work[:5]]
    replies += await asyncio.gather(*(asyncio.gather(*each) for each in work[5:]))
    if not protected:
        assert await count(database, Product) == calls * tries
        return
    assert await count(database, Product) == calls
    for each in replies:
        assert len({(reply.status, reply.headers[:2], reply.body) for reply in each}) == 1
        fresh = [r for r in each if ("idempotency-replayed", "true") not in r.headers]
        assert len(fresh) == 1


async def test_a_purchase_that_fails_leaves_its_key_free(
    database: Database, keys: KeyStore
) -> None:
    """At every point: in the method, when the reply is encoded, when the unit is committed."""

    async def refuse() -> None:
        raise LookupError

    async def at_the_end() -> None:
        database.unit.before_commit(refuse)

    def unreadable(_: Any) -> Reply:
        raise TypeError

    call = buying("k")
    bad = Call(BUY, {}, call.context, unreadable)
    failing: list[tuple[Callable[[], Awaitable[None]] | None, Call]] = [
        (refuse, call),
        (at_the_end, call),
        (None, bad),
    ]
    for method, tried in failing:
        with pytest.raises((LookupError, TypeError)):
            await bought(database, keys, method)(tried)
        assert await rows(database) == 0
    assert await count(database, Product) == 0
    await bought(database, keys)(call)
    assert await count(database, Product) == 1


async def test_a_purchase_that_lost_its_lease_is_not_kept(
    database: Database, keys: KeyStore, clock: Clock
) -> None:
    """Two run at once under one key, since the first took too long: one of them commits."""
    entered, go = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        entered.set()
        await go.wait()

    late = asyncio.ensure_future(bought(database, keys, slow)(buying("k")))
    await entered.wait()
    clock.now += 3600
    reply = await bought(database, keys)(buying("k"))
    go.set()
    with pytest.raises(Failure) as caught:
        await late
    assert (caught.value.code, await count(database, Product)) == (Code.ABORTED, 1)
    assert (await bought(database, keys)(buying("k"))).headers[:2] == reply.headers


async def test_a_claim_holds_no_transaction_open(database: Database, keys: KeyStore) -> None:
    """Call first, then write: while the method waits for another service, others may write."""

    async def calls_another() -> None:
        async with database.transaction(independent=True):
            database.add(Product(id=1, available=1))

    await bought(database, keys, calls_another)(buying("k"))
    assert await count(database, Product) == 2


async def test_a_call_that_changes_nothing_here_is_replayed_as_well(
    database: Database, keys: KeyStore
) -> None:
    """Its effect may lie with another service: the unit of work opens for the reply alone."""
    done: list[int] = []

    async def elsewhere() -> str:
        done.append(1)
        return "bought"

    handler = idempotency(keys)(answering(unit_of_work(database), elsewhere))
    first, again = await handler(buying("k")), await handler(buying("k"))
    assert (len(done), again.body) == (1, first.body)


async def test_an_unknown_commit_frees_no_key_that_was_kept(
    database: Database, keys: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection broke at the last step, and the effect was kept: the next try is told so."""
    await keys.prepare()
    handler = bought(database, keys)
    kept = type(database.unit_of_work("x", write=True))._keep

    async def kept_yet_broken(unit: Any) -> None:
        await kept(unit)
        raise CommitFailed("the connection broke", unknown=True)

    monkeypatch.setattr("coterie.store.unit.UnitOfWork._keep", kept_yet_broken)
    with pytest.raises(Failure) as caught:
        await handler(buying("k"))
    monkeypatch.undo()
    assert caught.value.code is Code.UNKNOWN
    again = await handler(buying("k"))
    assert ("idempotency-replayed", "true") in again.headers
    assert await count(database, Product) == 1


async def test_a_purchase_that_was_stopped_frees_its_key(
    database: Database, keys: KeyStore
) -> None:
    entered = asyncio.Event()

    async def slow() -> None:
        await database.scalar(select(1))
        entered.set()
        await asyncio.Event().wait()

    first = asyncio.ensure_future(bought(database, keys, slow)(buying("k")))
    await entered.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first

    async def free() -> bool:
        return await rows(database) == 0

    await until(free)
    await bought(database, keys)(buying("k"))
    assert await count(database, Product) == 1


@pytest.fixture(autouse=True)
async def quiet(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """No key may be left behind without a test having meant it."""
    yield
    assert "could not be" not in caplog.text


async def test_a_server_that_restarts_costs_no_more_than_the_calls_under_way(
    server: Database,
) -> None:
    """PostgreSQL: connections that died while idle are not used again."""
    keys = KeyStore(server, "shop")
    await claimed(keys)
    async with server.transaction():
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        await server.execute(text(f"{end} AND datname = current_database()"))

    async def claims() -> bool:
        try:
            return isinstance(await keys.claim(OTHER, ASKED, lease=1, keep=1), int)
        except Failure as failure:
            assert failure.code is Code.UNAVAILABLE  # noqa: PT017  # told as what may pass
            return False

    await until(claims)


async def test_claims_that_find_no_connection_are_told_to_come_back(
    empty_postgres: str,
) -> None:
    """A key that another transaction holds up for long does not hang its callers."""
    async with Database(empty_postgres, wait=0.2) as database:
        keys = KeyStore(database, "shop")
        claim = await claimed(keys)
        async with database.transaction() as unit:
            assert await keys.finish(KEY, claim, b"bought")
            waiting = [
                asyncio.ensure_future(keys.claim(KEY, ASKED, lease=1, keep=1)) for _ in range(5)
            ]
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            (refused,) = done
            with pytest.raises(Failure) as caught:
                refused.result()
            assert (caught.value.code, unit.over) == (Code.UNAVAILABLE, False)
        kept = await asyncio.gather(*(one for one in waiting if one is not refused))
    assert kept == [(ASKED, b"bought")] * 4
