"""A contract whose operations differ in what a second call does, and handlers that fail."""

from collections.abc import AsyncIterator, Callable

from coterie.call import Call, Context, Failure, Reply, Sent, Trace
from coterie.contract import Code, Contract, Fault, describe, get, post, put

__all__ = ["Scripted", "Store", "Tallied", "a_call", "failure"]


class Full(Fault, code=Code.FAILED_PRECONDITION):
    """It is full."""


class Store(Contract, version="1.0"):
    """One operation of each kind."""

    @get("/read")
    async def read(self) -> int: ...

    @put("/replace")
    async def replace(self) -> int: ...

    @post("/place")
    async def place(self) -> int: ...

    @put("/fill")
    async def fill(self, data: AsyncIterator[bytes]) -> int: ...


def a_call(name: str, *, deadline: float | None = None, key: str | None = None) -> Call:
    """A call of the store's operation ``name``."""
    context = Context(Trace.root(), deadline, idempotency_key=key)
    return Call(describe(Store).operation(name), {}, context)


def failure(sent: Sent, code: Code = Code.UNAVAILABLE, retry_after: float | None = None) -> Failure:
    return Failure(code, "no", sent=sent, retry_after=retry_after)


class Scripted:
    """A handler that answers as it is told, call after call, and remembers the calls."""

    def __init__(self, *script: object) -> None:
        self._next: Callable[[int], object] = lambda number: script[number]
        self.seen: list[Call] = []

    @classmethod
    def always(cls, what: object) -> "Scripted":
        return cls.every(1, what)

    @classmethod
    def every(cls, number: int, what: object) -> "Scripted":
        """This at every so many calls, an answer at the others."""
        made = cls()
        made._next = lambda nth: what if (nth + 1) % number == 0 else nth
        return made

    @staticmethod
    def fault() -> Fault:
        return Full()

    @property
    def calls(self) -> int:
        return len(self.seen)

    async def __call__(self, call: Call) -> Reply:
        self.seen.append(call)
        now = self._next(len(self.seen) - 1)
        if isinstance(now, Exception):
            raise now
        return Reply(now)


class Tallied:
    """What was told."""

    def __init__(self) -> None:
        self.policies: list[str] = []
        self.whats: list[str] = []

    def __call__(self, policy: str, what: str, call: Call, detail: str = "") -> None:
        self.policies.append(policy)
        self.whats.append(what)
