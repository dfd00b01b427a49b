"""History: what happened, kept in a file, by a thread of its own."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from msgspec import Struct

from .line import Line
from .notes import written
from .port import Span
from .tables import forgetful, opened

__all__ = ["History", "Sample"]

T = TypeVar("T")
_Job = Callable[[sqlite3.Connection], None]

log = logging.getLogger("coterie.console")

_DELAY = 1.0
_MOST_WAITING = 50_000
_MOST_JOBS = 100
_PRUNED_EVERY = 30

_SPAN = "INSERT OR IGNORE INTO span VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
# The root of a trace is the span nobody caused, or the earliest of those that were seen.
_ROOT = "(excluded.rank, excluded.began) < (rank, began)"
_TRACE = f"""
INSERT INTO trace VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (trace) DO UPDATE SET
  failed = max(failed, excluded.failed), ended = max(ended, excluded.ended),
  service = iif({_ROOT}, excluded.service, service),
  operation = iif({_ROOT}, excluded.operation, operation),
  seconds = iif({_ROOT}, excluded.seconds, seconds), code = iif({_ROOT}, excluded.code, code),
  rank = iif({_ROOT}, excluded.rank, rank), began = iif({_ROOT}, excluded.began, began)
"""  # noqa: S608  # of constants
_LINE = "INSERT OR REPLACE INTO line VALUES (?, ?, ?, ?, ?, ?)"
_SAMPLE = "INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?, ?)"


class Sample(Struct, frozen=True):
    """A process at one moment: ``at`` in whole seconds since 1970, ``rate`` calls a second."""

    name: str
    at: int
    rate: float
    in_flight: int
    memory: int | None


class History:
    """Keeps the latest ``spans``, ``lines``, and ``hours`` of samples in the file ``path``.

    A component. What is added waits up to a second and is written in one transaction; where the
    disk cannot keep up, what is too much is left out. A history that cannot be written says so
    in the log, once, and forgets: the console shows what is now all the same.
    """

    def __init__(
        self, path: Path, *, spans: int = 200_000, lines: int = 100_000, hours: float = 24.0
    ) -> None:
        self.path = path
        self._most_spans = spans
        self._most_lines = lines
        self._hours = hours
        self._spans: list[Span] = []
        self._lines: list[Line] = []
        self._samples: list[Sample] = []
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._timer: asyncio.TimerHandle | None = None
        self._last_line = 0
        self._writes = 0
        self._complained = False

    async def start(self) -> None:
        """Open the file, or begin a new one."""
        self._loop = asyncio.get_running_loop()
        ready: asyncio.Future[int] = self._loop.create_future()
        self._thread = threading.Thread(
            target=self._work, args=(ready,), name="console-history", daemon=True
        )
        self._thread.start()
        self._last_line = await ready

    async def stop(self) -> None:
        """Write what waits, and close; never raises."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._flush()
        self._jobs.put(None)
        await asyncio.to_thread(thread.join)

    # --- what is added --------------------------------------------------------------------------

    def next_line(self) -> int:
        """The number of the next line."""
        self._last_line += 1
        return self._last_line

    def add_line(self, line: Line) -> None:
        """Keep a line."""
        self._add(self._lines, (line,))

    def add_spans(self, spans: Sequence[Span]) -> None:
        """Keep spans; those that are known already change nothing."""
        self._add(self._spans, spans)

    def add_samples(self, samples: Sequence[Sample]) -> None:
        """Keep samples."""
        self._add(self._samples, samples)

    async def read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """What ``question`` finds, asked in the history's thread after all that was added before.

        Raises `sqlite3.Error`, and `RuntimeError` while it is not started.
        """
        if self._thread is None:
            raise RuntimeError("the console's history is not open")
        self._flush()
        answer: asyncio.Future[T] = self._loop.create_future()

        def ask(database: sqlite3.Connection) -> None:
            try:
                found = question(database)
            except Exception as error:  # raised again where it was asked
                self._tell(answer.set_exception, answer, error)
                if isinstance(error, sqlite3.DatabaseError):
                    raise
            else:
                self._tell(answer.set_result, answer, found)

        self._jobs.put(ask)
        return await answer

    # --- in the loop ----------------------------------------------------------------------------

    def _add(self, waiting: list[Any], more: Sequence[Any]) -> None:
        behind = self._jobs.qsize() > _MOST_JOBS or len(waiting) > _MOST_WAITING
        if self._thread is None or behind:
            return
        waiting.extend(more)
        if self._timer is None:
            self._timer = self._loop.call_later(_DELAY, self._flush)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        spans, self._spans = self._spans, []
        lines, self._lines = self._lines, []
        samples, self._samples = self._samples, []
        if spans or lines or samples:
            self._jobs.put(lambda database: self._write(database, spans, lines, samples))

    def _tell(self, tell: Callable[[Any], None], answer: asyncio.Future[Any], what: object) -> None:
        def now() -> None:
            if not answer.done():
                tell(what)

        # The loop may have ended, and with it whoever asked.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(now)

    # --- in the thread --------------------------------------------------------------------------

    def _work(self, ready: asyncio.Future[int]) -> None:
        database = self._open()
        try:
            last = database.execute("SELECT ifnull(max(id), 0) FROM line").fetchone()[0]
            self._tell(ready.set_result, ready, last)
            while (job := self._jobs.get()) is not None:
                try:
                    job(database)
                except sqlite3.OperationalError as error:  # full, locked, read-only: may pass
                    self._complain(error)
                except sqlite3.DatabaseError as error:
                    self._complain(error)
                    database.close()
                    database = self._open()
        finally:
            database.close()

    def _open(self) -> sqlite3.Connection:
        try:
            return opened(self.path)
        except (OSError, sqlite3.Error) as error:
            self._complain(error)
            return forgetful()

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            self._complained = True
            log.warning(
                "the console's history %s cannot be kept: %s. Make room or give access;"
                " until then the console forgets",
                self.path, error,
            )  # fmt: skip

    def _write(
        self,
        database: sqlite3.Connection,
        spans: Sequence[Span],
        lines: Sequence[Line],
        samples: Sequence[Sample],
    ) -> None:
        database.execute("BEGIN IMMEDIATE")
        try:
            database.executemany(
                _SPAN,
                [
                    (s.trace_id, s.span_id, s.kind, s.parent, s.service, s.operation, s.ended,
                     s.seconds, s.code, written(s.notes))
                    for s in spans
                ],
            )  # fmt: skip
            database.executemany(
                _TRACE,
                [
                    (s.trace_id, 0 if s.parent is None else 1, s.began, s.ended, s.service,
                     s.operation, s.seconds, s.code, s.code is not None)
                    for s in spans
                ],
            )  # fmt: skip
            database.executemany(
                _LINE, [(n.id, n.at, n.source, n.level, n.trace, n.text) for n in lines]
            )
            database.executemany(
                _SAMPLE, [(s.name, s.at, s.rate, s.in_flight, s.memory) for s in samples]
            )
            if self._writes % _PRUNED_EVERY == 0:
                self._prune(database)
            self._writes += 1
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    def _prune(self, database: sqlite3.Connection) -> None:
        for table, most in (("span", self._most_spans), ("line", self._most_lines)):
            database.execute(
                f"DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - ?",  # noqa: S608
                (most,),
            )
        database.execute(
            "DELETE FROM trace WHERE ended < (SELECT ended FROM span ORDER BY id LIMIT 1) - 60"
            " AND trace NOT IN (SELECT trace FROM span)"
        )
        database.execute(
            "DELETE FROM sample WHERE at < (SELECT max(at) FROM sample) - ?",
            (self._hours * 3600,),
        )
