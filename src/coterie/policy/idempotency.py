"""Once: a call that comes again with its idempotency key is answered as before, and not done again."""

import asyncio
import logging
import math
import re
from collections.abc import Coroutine
from hashlib import blake2b
from typing import Annotated, Any, Literal, Protocol

import msgspec
from msgspec import Meta, Struct, structs

from coterie.call import Call, Failure, Handler, Policy, Reply, Violation
from coterie.contract import Code

from .fingerprint import fingerprint
from .recorded import Recorded
from .tally import Tally, untold

__all__ = ["Keeping", "Keys", "idempotency"]

_log = logging.getLogger("coterie.policy")

_KEY = re.compile(r"[\x20-\x7e]{1,255}")

_LEASE = 60.0  # seconds for a call without a deadline
_MARGIN = 1.0  # seconds beyond the deadline: for the commit, and for clocks that differ
_PATIENCE = 1.0  # seconds
_HURRY = 0.05  # seconds that a call which was stopped may last on

_MISSING = (
    "it takes the header Idempotency-Key: make one up for each thing you want done, such as a UUID,"
    " and send the same one when you try again"
)
_MALFORMED = "an Idempotency-Key has 1 to 255 characters of printable ASCII, such as a UUID"
_STREAMS = "a stream cannot be kept to be sent again: leave out Idempotency-Key"
_DIFFERS = (
    "this Idempotency-Key was used for another request: a new request needs a new key, the same"
    " request the same values"
)
_RUNNING = "The first call with this Idempotency-Key is still running; send it again in a moment"
_LOST = (
    "It took too long, and another call with this Idempotency-Key took its place; nothing was done"
)


class Keeping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether calls must bring an idempotency key, and how long their answers are kept.

    Raises `ValueError` for values that make no sense.
    """

    mode: Annotated[
        Literal["accepted", "required"],
        Meta(
            title='"accepted" or "required"',
            description="Whether a call may come without a key.",
            examples=["required"],
        ),
    ] = "accepted"
    keep: Annotated[
        float,
        Meta(
            title="seconds, above 0",
            description="How long an answer is replayed to whoever sends its key again.",
            examples=[86400.0],
        ),
    ] = 86400.0

    def __post_init__(self) -> None:
        if not 0 < self.keep < math.inf:
            raise ValueError(f"keep = {self.keep}: take a number of seconds, such as 86400")


class Keys(Protocol):
    """Where keys are kept: a database, the one that the effects go to.

    ``key`` stands for one key of one caller at one operation, ``fingerprint`` for what was asked:
    32 bytes each. Raises `Failure` where the database does not answer.
    """

    async def claim(
        self, key: bytes, fingerprint: bytes, *, lease: float, keep: float
    ) -> int | tuple[bytes, bytes | None]:
        """Reserve ``key`` for ``lease`` seconds, for all processes to see before this returns.

        The number of the claim, which no other has. Where another call has the key: the fingerprint
        it came with, and its reply, ``None`` while it runs. A claim whose lease is over is taken
        over, a reply that is older than ``keep`` seconds forgotten. Holds no transaction when it
        returns, and need not survive a loss of power: what was done under it would be lost too.
        """
        ...

    async def finish(self, key: bytes, claim: int, reply: bytes) -> bool:
        """Keep ``reply``, in the present transaction: it commits with the effect or not at all.

        False where the claim is no longer ours; then nothing may be committed.
        """
        ...

    async def release(self, key: bytes, claim: int) -> None:
        """Forget a claim that led to nothing. One that was finished stays."""
        ...


def idempotency(keys: Keys, settings: Keeping | None = None, tally: Tally = untold) -> Policy:
    """Let a call that carries an idempotency key have its effect once, however often it comes.

    The first one with a key runs, and its reply is kept in the transaction of its effect. Another
    with the same key and the same arguments is answered the same, status, headers and body, with
    ``idempotency-replayed: true``. `Failure` otherwise: ``aborted`` (409) while the first is still
    running; ``invalid_argument`` (422) for other arguments under the same key, and (400) for a key
    that is empty, longer than 255 characters or not printable ASCII, or missing where the operation
    is declared ``keyed`` or ``settings`` require one.

    A key belongs to one operation and to who calls: another user's same key is another key. Calls
    that are idempotent by themselves pass. Those that take or give streams are refused with a key,
    which they could not honour. Calls within a process may leave a required key out: none gets lost.

    A call that fails, or raises a fault, has changed nothing: its transaction was rolled back. So
    its key is free again, and the next try is a first one; a lack of stock or a server at its limit
    does not stick to the key. What the method did outside of its transaction is its own to protect.

    Belongs outside of the unit of work: that gives `Call.record` the reply before it commits. A
    process that dies in between leaves a claim behind, until the call's deadline would have passed.
    Whoever comes then takes it over; should the first turn out to be alive, it cannot commit.

    Tells ``tally``: ``replayed``, ``running``, ``differs``, ``missing``, ``malformed``, ``lost``.

    Source: IETF draft *The Idempotency-Key HTTP Header Field*; M. Kleppmann, *How to do distributed
    locking* (fencing tokens).
    """
    found = Keeping() if settings is None else settings

    def policy(handler: Handler) -> Handler:
        return _Once(handler, keys, found, tally).handle

    return policy


class _Once:
    """One handler, whose effects happen once a key."""

    def __init__(self, handler: Handler, keys: Keys, settings: Keeping, tally: Tally) -> None:
        self._handler = handler
        self._keys = keys
        self._keep = settings.keep
        self._required = settings.mode == "required"
        self._tally = tally
        self._releasing: set[asyncio.Task[None]] = set()

    async def handle(self, call: Call) -> Reply:
        operation = call.operation
        if operation.idempotent:
            return await self._handler(call)
        given = call.context.idempotency_key
        if given is None:
            if (self._required or operation.keyed) and call.render is not None:
                raise self._refused(call, "missing", _MISSING, 400)
            return await self._handler(call)
        if operation.result.stream or any(p.stream for p in operation.parameters):
            raise self._refused(call, "malformed", _STREAMS, 400)
        if _KEY.fullmatch(given) is None:
            raise self._refused(call, "malformed", _MALFORMED, 400)
        key, asked = _scoped(call, given), fingerprint(operation, call.arguments)
        left = call.context.remaining
        lease = (_LEASE if left is None else max(left, 0.0)) + _MARGIN
        claim = await self._claimed(key, asked, lease)
        if isinstance(claim, int):
            return await self._first(call, key, claim)
        before, reply = claim
        if before != asked:
            raise self._refused(call, "differs", _DIFFERS, 422)
        if reply is None:
            self._tally("idempotency", "running", call)
            raise Failure(Code.ABORTED, _RUNNING, retry_after=_PATIENCE)
        self._tally("idempotency", "replayed", call)
        return Recorded.replay(call, reply)

    async def _claimed(
        self, key: bytes, asked: bytes, lease: float
    ) -> int | tuple[bytes, bytes | None]:
        claiming = asyncio.ensure_future(self._keys.claim(key, asked, lease=lease, keep=self._keep))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            # It may be written all the same: then nobody would free it before its lease is over.
            _ = self._beside(self._unclaimed(key, claiming))  # nobody is left to wait for it
            raise

    async def _unclaimed(
        self, key: bytes, claiming: "asyncio.Future[int | tuple[bytes, bytes | None]]"
    ) -> None:
        await asyncio.wait((claiming,))
        if claiming.cancelled() or claiming.exception() is not None:
            return
        claim = claiming.result()
        if isinstance(claim, int):
            await _quietly(self._keys.release(key, claim))

    def _beside(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._releasing.add(task)
        task.add_done_callback(self._releasing.discard)
        return task

    async def _first(self, call: Call, key: bytes, claim: int) -> Reply:
        kept = False

        async def record(reply: Reply) -> None:
            nonlocal kept
            kept = await self._keys.finish(key, claim, Recorded.encode(call, reply))
            if not kept:
                self._tally("idempotency", "lost", call)
                raise Failure(Code.ABORTED, _LOST)

        try:
            reply = await self._handler(structs.replace(call, record=record))
            if not kept:  # nobody has a transaction here
                await record(reply)
        except BaseException as error:
            await self._release(key, claim, hurry=isinstance(error, asyncio.CancelledError))
            raise
        return reply

    async def _release(self, key: bytes, claim: int, *, hurry: bool) -> None:
        """Free the key before the failure is told, so that the next try is not refused.

        That goes on beside, where it takes long; and where it fails, the claim ends by itself.
        """
        task = self._beside(_quietly(self._keys.release(key, claim)))
        await asyncio.wait((task,), timeout=_HURRY if hurry else _PATIENCE)

    def _refused(self, call: Call, what: str, why: str, status: int) -> Failure:
        self._tally("idempotency", what, call)
        wrong = (Violation(why, "#/Idempotency-Key", "header"),)
        message = f"{call.operation.id}: {why}"
        return Failure(Code.INVALID_ARGUMENT, message, status=status, violations=wrong)


def _scoped(call: Call, key: str) -> bytes:
    """Whose key it is, and for what, as 32 bytes: nothing that a caller chose is longer than that."""
    who = call.context.principal
    caller = (None, None) if who is None else (who.issuer, who.subject)
    said = (call.operation.id, call.operation.major, *caller, key)
    return blake2b(msgspec.msgpack.encode(said), digest_size=32).digest()


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:  # noqa: BLE001  # what led here matters more, and the lease ends by itself
        _log.warning("a claimed idempotency key could not be freed yet", exc_info=True)
