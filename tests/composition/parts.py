"""Parts of answers that do as a test says, and what became of each."""

import asyncio
from time import monotonic
from typing import Self, TypeVar

from coterie.call import Context, Failure, current
from coterie.contract import Code, Fault

__all__ = ["Gone", "Stage", "Watch", "others"]

T = TypeVar("T")


class Gone(Fault, code=Code.NOT_FOUND):
    """There is no {what}."""

    what: str


class Stage:
    """Where parts are played; `begun`, `stopped` and `contexts` are in their order."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.stopped: list[str] = []
        self.contexts: list[Context] = []
        self.go = asyncio.Event()

    async def gives(self, value: T, turns: int = 0) -> T:
        """Gives ``value`` after so many turns of the loop."""
        self.enter(f"gives {value!r}")
        for _ in range(turns):
            await asyncio.sleep(0)
        return value

    async def fails(self, code: Code = Code.UNAVAILABLE, turns: int = 0) -> str:
        self.enter(f"fails {code.value}")
        for _ in range(turns):
            await asyncio.sleep(0)
        raise Failure(code, f"it is {code.value}")

    async def raises(self, error: BaseException) -> str:
        self.enter(f"raises {error!r}")
        raise error

    async def hangs(self, value: T, *, stubborn: int = 0) -> T:
        """Waits until `go`; once cancelled, it takes so many turns of the loop to end."""
        self.enter(f"hangs {value!r}")
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            for _ in range(stubborn):
                await asyncio.sleep(0)
            self.stopped.append(f"hangs {value!r}")
            raise
        return value

    def enter(self, what: str) -> None:
        self.begun.append(what)
        self.contexts.append(current())


class Watch:
    """Measures what a block took, without the time that this machine was busy with something else.

    ``seconds`` since it was begun; ``took`` is that less what a timer of the same loop was late.
    """

    _EVERY = 0.005

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._began = self._ticked = monotonic()
        self._late = 0.0
        self._timer = self._loop.call_later(self._EVERY, self._tick)
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._count()
        self.seconds = monotonic() - self._began
        self.took = self.seconds - self._late

    def _tick(self) -> None:
        self._count()
        self._timer = self._loop.call_later(self._EVERY, self._tick)

    def _count(self) -> None:
        now = monotonic()
        self._late += max(0.0, now - self._ticked - self._EVERY)
        self._ticked = now


def others() -> set[str]:
    """Tasks that run beside the present one."""
    return {task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}}
