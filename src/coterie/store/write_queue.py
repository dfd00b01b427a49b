"""WriteQueue: writers to one SQLite file take turns, first come first served.

SQLite allows one writer at a time; a second is answered SQLITE_BUSY and may only poll, which
starves some callers and delays all. Within a process we know better, so we queue.
"""

import asyncio
from weakref import WeakKeyDictionary, WeakValueDictionary

from .errors import Misuse, Unavailable
from .port import Claim

__all__ = ["WriteQueue", "queue_of"]


class WriteQueue:
    """The turn to write to one file, for every `Database` of the process that names it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = asyncio.Lock()
        self._owner: Claim | None = None

    async def enter(self, claim: Claim, wait: float) -> None:
        """Wait for the turn, ``wait`` seconds at most.

        Raises `Unavailable` when it does not come, and `Misuse` at once when it can never come
        because ``claim`` was begun inside the unit whose turn it is.
        """
        if not self._lock.locked():
            await self._lock.acquire()
        else:
            self._refuse_own(claim)
            await self._queue(claim, wait)
        self._owner = claim

    def leave(self) -> None:
        """Pass the turn on."""
        self._owner = None
        self._lock.release()

    async def _queue(self, claim: Claim, wait: float) -> None:
        try:
            async with asyncio.timeout(wait):
                await self._lock.acquire()
        except TimeoutError:
            owner = "another unit" if self._owner is None else self._owner.name
            raise Unavailable(
                f"{claim.name} waited {wait:g} s for its turn to write to {self._name} while"
                f" {owner} was writing: make units of work shorter, or split the database"
            ) from None

    def _refuse_own(self, claim: Claim) -> None:
        outer = claim.outer
        while outer is not None:
            if outer is self._owner:
                raise Misuse(
                    f"{claim.name} wants to write to {self._name}, and {outer.name}, which waits"
                    " for it, has begun to write there: neither could go on. Call first, then write"
                )
            outer = outer.outer


# Which file is meant is a fact of the operating system, not of an object of ours: two Databases
# that know nothing of each other share the file's lock. Hence a table of the process; it is keyed
# by loop because asyncio's locks are, and weak because a queue without users means nothing.
_queues: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[str, WriteQueue]]
_queues = WeakKeyDictionary()


def queue_of(file: str) -> WriteQueue:
    """The queue of ``file``, an absolute path without links, in the running loop."""
    loop = asyncio.get_running_loop()
    queues = _queues.get(loop)
    if queues is None:
        queues = _queues[loop] = WeakValueDictionary()
    queue = queues.get(file)
    if queue is None:
        queue = queues[file] = WriteQueue(file)
    return queue
