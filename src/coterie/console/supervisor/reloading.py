"""Reloading: what changed is started anew, and nothing else."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from coterie.call import Failure
from coterie.console.sources import changes, shown
from coterie.system import Blueprint, ServiceSpec, System, SystemProblems, directory_of

from .crew import Crew
from .renewal import renew
from .service_worker import ServiceWorker
from .supervisor import Supervisor

__all__ = ["Reloading"]

log = logging.getLogger("coterie.console")

Look = Callable[[], Awaitable[tuple[System, Blueprint]]]
"""Reads the system anew and looks at its services. Raises `SystemProblems`."""


class Reloading:
    """Follows the source files of ``supervisor``'s system.

    A change is looked at first, by a process of its own: what does not import, or does not fit,
    is told, and everything that runs goes on. Then each process that has loaded a changed file is
    replaced, one after the other, none before its successor answers.
    """

    def __init__(self, supervisor: Supervisor, look: Look) -> None:
        self._supervisor = supervisor
        self._look = look
        self._pending: set[Path] = set()
        """Changes that no process has taken over yet."""

    async def run(self) -> None:
        """Follow, until cancelled."""
        system = self._supervisor.system
        async for files in changes(system.folder, [system.state]):
            await self.changed(files)

    async def changed(self, files: Sequence[Path]) -> None:
        """These files have changed."""
        folder = self._supervisor.system.folder
        names = [str(shown(path, folder)) for path in files]
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        log.info("changed: %s%s", ", ".join(names[:5]), more)
        self._pending.update(files)
        before = self._supervisor.system
        try:
            system, blueprint = await self._look()
        except SystemProblems as error:
            problems = "".join(f"\n    {problem}" for problem in error.problems)
            log.warning("nothing is started anew until this is mended:%s", problems)
            return
        except (Failure, OSError) as error:
            log.warning("nothing is started anew, for nothing could be looked at: %s", error)
            return
        pending, self._pending = self._pending, set()
        touched = list(_touched(self._supervisor.crews.values(), pending, before, system))
        async for told in renew(self._supervisor, system, blueprint, touched):
            log.info("%s", told)


def _touched(
    crews: Iterable[Crew], files: AbstractSet[Path], before: System, now: System
) -> Iterator[str]:
    """The crews that run what has changed."""
    everyone = any(
        getattr(before, table) != getattr(now, table)
        for table in ("engines", "identity", "policy", "database_url")
    )
    for crew in crews:
        if crew.guest is not None or all(m.state == "stopped" for m in crew.members):
            continue  # nothing of it runs here, by somebody's wish
        loaded = {
            Path(file)
            for member in crew.members
            if isinstance(member.worker, ServiceWorker)
            for file in member.worker.files
        }
        folders = {path.parent for path in loaded}
        specs = [
            [service for service in system.services if service.name in crew.spec.together]
            for system in (before, now)
        ]
        if (
            everyone
            or not crew.up
            or crew.stale
            or specs[0] != specs[1]
            or not loaded.isdisjoint(files)
            # What is no module lies beside the modules that read it.
            or any(path.suffix != ".py" and path.parent in folders for path in files)
            or any(_is_of(path, spec, now) for path in files for spec in specs[1])
        ):
            yield crew.name


def _is_of(path: Path, spec: ServiceSpec, system: System) -> bool:
    """Whether ``path`` may be read by a program in another language, which tells us nothing."""
    if spec.kind != "command":
        return False
    folder = directory_of(system, spec).resolve()
    # Without a folder of its own all of the system's may be.
    return path.is_relative_to(folder)
