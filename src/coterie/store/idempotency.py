"""KeyStore: idempotency keys in the database that their effects go to."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from time import monotonic
from typing import Any

from sqlalchemy import inspect, text

from .database import Database
from .errors import StoreError
from .policy import told
from .session import UnitSession
from .tables import KEYS
from .unit import innermost

__all__ = ["KeyStore"]

_log = logging.getLogger("coterie.store")

_CLAIM = """
INSERT INTO coterie_idempotency (service, key, fingerprint, claim, leased, expires)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (service, key) DO UPDATE
SET fingerprint = excluded.fingerprint, claim = excluded.claim, leased = excluded.leased,
    expires = excluded.expires, reply = NULL
WHERE coterie_idempotency.expires < $7
   OR (coterie_idempotency.reply IS NULL AND coterie_idempotency.leased < $7)
RETURNING claim
"""
_LOOK = "SELECT fingerprint, reply FROM coterie_idempotency WHERE service = $1 AND key = $2"
_RELEASE = """
DELETE FROM coterie_idempotency
WHERE service = $1 AND key = $2 AND claim = $3 AND reply IS NULL
RETURNING claim
"""
_FINISH = """
UPDATE coterie_idempotency SET reply = $4 WHERE service = $1 AND key = $2 AND claim = $3
"""
_OLD = text("""
SELECT key FROM coterie_idempotency
WHERE service = :service AND key BETWEEN :first AND :last AND expires < :now
ORDER BY key LIMIT :most
""")
_SWEEP = """
DELETE FROM coterie_idempotency WHERE service = $1 AND key BETWEEN $2 AND $3 AND expires < $4
"""

_TRIES = 5
_EVERY = 60.0  # seconds between two sweeps
_BITE = 500  # rows that go at a time: a writer waits for so many at most
_BITES = 500  # a minute; more are left for the next time
_BREATH = 0.05  # seconds between two bites, for others to write
_LOWEST, _HIGHEST = b"\x00" * 31, b"\xff" * 31
_SWEEPING = "sweeping idempotency keys"
_NOTING = "an idempotency key"


class KeyStore:
    """The keys of one service, in a table of ``database``'s own, made when it is first needed.

    A claim is committed at once and need not be on the disk: should power fail, the effect that
    would have come after it is lost with it, because a database writes its log in order. The reply
    is written by the unit of work of the effect. ``clock`` tells seconds since 1970; machines that
    share a database should agree on it to the second.

    What need not be kept any more is deleted beside the calls: once a minute those keys that begin
    with one byte, of 256, 500 at a time. Keys are evenly spread hashes, so that each minute has as
    much to do, all are seen every four hours, and no index by age has to be written with each call.

    Raises `Failure` where the database does not answer.
    """

    def __init__(
        self, database: Database, service: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._service = service
        self._clock = clock
        self._prepared = False
        self._preparing = asyncio.Lock()
        self._sweep_at = monotonic() + _EVERY
        self._next_byte = secrets.randbelow(256)
        self._sweeping: asyncio.Task[None] | None = None

    async def claim(
        self, key: bytes, fingerprint: bytes, *, lease: float, keep: float
    ) -> int | tuple[bytes, bytes | None]:
        """Reserve ``key`` for ``lease`` seconds: the number of the claim.

        Where another has it: its fingerprint, and its reply, ``None`` while it runs.
        """
        try:
            if not self._prepared:
                await self.prepare()
            if monotonic() > self._sweep_at:
                self._sweep_at = monotonic() + _EVERY
                self._sweeping = asyncio.create_task(self._swept())
            return await self._claimed(key, fingerprint, lease, keep)
        except StoreError as error:
            raise told(error) from error

    async def _claimed(
        self, key: bytes, fingerprint: bytes, lease: float, keep: float
    ) -> int | tuple[bytes, bytes | None]:
        note, service = self._database.engine.note, self._service
        claim = secrets.randbits(63)
        for _ in range(_TRIES):
            now = self._clock()
            leased, expires = now + lease, now + lease + keep
            values = (service, key, fingerprint, claim, leased, expires, now)
            if await note(_NOTING, _CLAIM, *values) is not None:
                return claim
            found = await note(_NOTING, _LOOK, service, key)
            if found is not None:
                return found[0], found[1]
            # Its call has failed just now, and let go of it.
        return fingerprint, None

    async def finish(self, key: bytes, claim: int, reply: bytes) -> bool:
        """Keep ``reply``, in the present unit of work; false where the claim is not ours any more.

        Outside of a unit it is committed by itself.
        """
        database, values = self._database, (self._service, key, claim, reply)
        unit = innermost(database.engine)
        if unit is not None and not unit.over:
            return await unit.change(_FINISH, *values) == 1
        async with database.transaction() as own:
            return await own.change(_FINISH, *values) == 1

    async def release(self, key: bytes, claim: int) -> None:
        """Forget a claim that led to nothing; one that has its reply stays."""
        try:
            note = self._database.engine.note
            await note(_NOTING, _RELEASE, self._service, key, claim)
        except StoreError as error:
            raise told(error) from error

    async def prepare(self) -> None:
        """Make the table where there is none. Done by the first claim, too; raises `StoreError`."""
        async with self._preparing:
            if self._prepared:
                return
            database = self._database
            async with database.unit_of_work("idempotency keys", write=False) as unit:
                there = await unit.run(_table_is_there)
            if not there:
                async with database.engine.alter() as connection:
                    await connection.run_sync(KEYS.create, checkfirst=True)
            self._prepared = True

    async def sweep(self, byte: int) -> bool:
        """Delete up to 500 old keys that begin with ``byte``; whether there are more of them."""
        database, now, first = self._database, self._clock(), bytes((byte, *_LOWEST))
        values = {"service": self._service, "now": now, "first": first, "most": _BITE}
        values["last"] = bytes((byte, *_HIGHEST))

        async def look(session: UnitSession) -> list[bytes]:
            return [row[0] for row in await session.execute(_OLD, values)]

        async with database.unit_of_work(_SWEEPING, write=False) as unit:
            old = await unit.run(look)
        if old:
            await database.engine.note(_SWEEPING, _SWEEP, self._service, first, old[-1], now)
        return len(old) == _BITE

    async def _swept(self) -> None:
        try:
            byte = self._next_byte
            self._next_byte = (byte + 1) % 256
            for _ in range(_BITES):
                if not await self.sweep(byte):
                    break
                await asyncio.sleep(_BREATH)
        except Exception:  # noqa: BLE001  # the next one may do better, and no call depends on it
            _log.warning("old idempotency keys could not be deleted yet", exc_info=True)


async def _table_is_there(session: UnitSession) -> bool:
    connection = await session.connection()

    def look(there: Any) -> bool:
        return bool(inspect(there).has_table(KEYS.name))

    return await connection.run_sync(look)
