"""wreak(): one run, from a system's start to the report."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import monotonic

from coterie.console.control import ControlError
from coterie.console.signals import Signals
from coterie.system import System

from .crowd import Crowd
from .plan import Plan, Strike
from .port import Audit, Site, Workload
from .report import Recovery, Report, Tries, report
from .stage import Stage, staged
from .striker import Striker

__all__ = ["Watcher", "wreak"]

_AUDIT = 180.0
_BEAT = 0.5


class Watcher:
    """Is told how a run goes. This one looks away."""

    def staged(self, stage: Stage) -> None:
        """The system is up."""

    def struck(self, strike: Strike) -> None:
        """A fault was put in."""

    def going(self, seconds: float, tries: Tries) -> None:
        """Half a second has passed."""

    def auditing(self) -> None:
        """All is quiet."""


async def wreak(
    system: System,
    workload: Callable[[Site], Workload],
    plan: Plan,
    *,
    parallel: int = 8,
    port: int = 0,
    profile: str | None = None,
    watcher: Watcher | None = None,
) -> Report:
    """Start ``system``, harm it as ``plan`` says while ``workload`` uses it, audit, and stop it.

    SIGINT and SIGTERM end the run early, and it is audited all the same; a second one cancels.
    Raises `StageFailed`, and `SystemProblems`.
    """
    watcher = watcher or Watcher()
    with Signals() as signals:
        signals.hears = lambda: True
        async with staged(system, port=port, profile=profile) as stage:
            watcher.staged(stage)
            used = workload(Site(stage.url, plan.number))
            async with _entered(used):
                return await _run(stage, used, plan, parallel, signals.asked, watcher)


async def _run(
    stage: Stage,
    workload: Workload,
    plan: Plan,
    parallel: int,
    stop: asyncio.Event,
    watcher: Watcher,
) -> Report:
    began = monotonic()
    striker = Striker(plan, stage.control, watcher.struck)
    crowd = Crowd(workload, parallel)
    telling = asyncio.create_task(_tell(watcher, crowd, began))
    try:
        await striker.run(stop)
        seconds, interrupted = monotonic() - began, stop.is_set()
        recoveries = await _calmed(striker, crowd.tries)
        await crowd.go()
    finally:
        crowd.leave()
        telling.cancel()
    watcher.auditing()
    return report(
        plan,
        seconds=seconds,
        interrupted=interrupted,
        done=striker.done,
        missed=len(striker.missed),
        tries=crowd.tries,
        audit=await _audited(workload),
        recoveries=recoveries,
    )


async def _calmed(striker: Striker, tries: Tries) -> list[Recovery]:
    try:
        return await striker.calm()
    except ControlError as error:
        tries.broken.append(f"the system does not answer any more: {error}")
        return []


async def _audited(workload: Workload) -> Audit:
    try:
        async with asyncio.timeout(_AUDIT):
            return await workload.audit()
    except Exception as error:  # noqa: BLE001  # it is the user's, and is reported
        what = f"the audit raised {type(error).__name__}: {error}"
        return Audit(unexpected=(what,))


async def _tell(watcher: Watcher, crowd: Crowd, began: float) -> None:
    while True:
        watcher.going(monotonic() - began, crowd.tries)
        await asyncio.sleep(_BEAT)


@asynccontextmanager
async def _entered(workload: Workload) -> AsyncGenerator[None]:
    if isinstance(workload, AbstractAsyncContextManager):
        async with workload:
            yield
    else:
        yield
