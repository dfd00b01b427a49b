"""Plant: makes the processes of one system, all of a kind."""

from collections.abc import Callable
from time import monotonic

from msgspec import structs

from coterie.console.row import Kind

from .channel import Beat, Order
from .kept import Kept, Worker
from .launch import Launcher
from .listener import Listener
from .log_book import LogBook
from .service_worker import ServiceWorker

__all__ = ["PROGRAM", "Plant"]

PROGRAM = "program"
"""The work of a process that stands for a program."""


class Plant:
    """Makes processes of ours: all they share is ``order``, the launcher and the log."""

    def __init__(self, order: Order, launcher: Launcher, logs: LogBook) -> None:
        self.order = order
        self.launcher = launcher
        self.logs = logs
        self.changed: Callable[[Kept], None] | None = None
        """Is called at each step of a process's life."""

    def make(
        self,
        name: str,
        kind: Kind,
        work: str | Callable[[], str],
        listener: Listener,
        services: tuple[str, ...] = (),
    ) -> Kept:
        """A process called ``name`` that does ``work``, or what that says at each start, at ``listener``."""

        def beat(told: Beat) -> None:
            kept.in_flight, kept.calls, kept.beaten = told.in_flight, told.calls, monotonic()
            kept.program = worker.work == PROGRAM

        worker = ServiceWorker(
            (lambda: work) if isinstance(work, str) else work,
            lambda: structs.replace(self.order, name=name, services=services),
            self.launcher,
            listener,
            self.logs.pipe(name),
            beat=beat,
        )
        kept = self.keep(name, kind, worker, services, program=worker.work == PROGRAM)
        return kept

    def keep(
        self,
        name: str,
        kind: Kind,
        worker: Worker,
        services: tuple[str, ...] = (),
        *,
        program: bool = False,
    ) -> Kept:
        """A process of any ``worker``."""
        return Kept(
            name,
            kind,
            worker,
            changed=self._changed,
            last=self.logs.last,
            services=services,
            program=program,
        )

    def _changed(self, kept: Kept) -> None:
        if self.changed is not None:
            self.changed(kept)
