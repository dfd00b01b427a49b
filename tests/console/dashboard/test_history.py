"""The history survives the console, stays within its bounds, and never stands in its way."""

import logging
import os
import sqlite3
import time
from pathlib import Path

import pytest
from msgspec import structs

from coterie.call import Trace
from coterie.console.dashboard import Note
from coterie.console.dashboard.history import History, Sample
from coterie.console.dashboard.line import read_line
from coterie.console.dashboard.records import (
    LineFilter,
    TraceFilter,
    latest_lines,
    latest_traces,
    samples,
    spans_of,
)
from tests.console.dashboard.conftest import Console
from tests.console.dashboard.fake import System, nested, span


async def _lines(history: History) -> list[str]:
    return [n.text for n in await history.read(lambda db: latest_lines(db, LineFilter(), 10**6))]


def _write(history: History, text: str) -> None:
    history.add_line(read_line(history.next_line(), "orders-1", text))


async def test_it_is_there_after_a_restart_and_goes_on(tmp_path: Path) -> None:
    history = History(tmp_path / "console.db")
    await history.start()
    _write(history, "before")
    spans = nested(time.time())
    history.add_spans(spans)
    history.add_samples([Sample("orders-1", int(time.time()), 2.5, 1, 14)])
    await history.stop()
    again = History(tmp_path / "console.db")
    await again.start()
    _write(again, "after")
    assert await _lines(again) == ["before", "after"]
    # What an instance tells again, because the console asks it from the start, is no news.
    again.add_spans(spans)
    assert len(await again.read(lambda db: spans_of(db, spans[0].trace_id))) == len(spans)
    taken = await again.read(lambda db: samples(db, 0, ["orders-1"]))
    assert [sample.rate for sample in taken] == [2.5]
    await again.stop()
    assert (tmp_path / "console.db").stat().st_mode & 0o077 == 0


async def test_a_console_that_starts_again_shows_what_was(console: Console, system: System) -> None:
    system.supervisor.write("orders-1", "said before")
    await console.shows("/console/logs", "said before")
    await console.stop()
    again = Console(system.state)
    await again.start()
    await again.shows("/console/logs", "said before")
    await again.stop()


async def test_it_stays_within_its_bounds(tmp_path: Path) -> None:
    history = History(tmp_path / "console.db", spans=200, lines=100, hours=1)
    await history.start()
    now = int(time.time())
    for number in range(40):
        for _ in range(10):
            _write(history, f"line {number}")
        # Old traces go with their spans.
        at = now - 4000 + number * 100
        history.add_spans([span("users.user", Trace.root(), ended=at) for _ in range(20)])
        history.add_samples([Sample("orders-1", now - 7200 + number * 180, 1.0, 0, None)])
        await history.read(lambda db: None)  # each round is written by itself
    slack = 30  # rounds between two looks
    count = (
        "SELECT (SELECT count(*) FROM {}), (SELECT count(*) FROM {}), (SELECT min(at) FROM sample)"
    )
    query = count.format("span", "line")
    spans, lines, oldest = await history.read(lambda db: db.execute(query).fetchone())
    assert spans <= 200 + 20 * slack
    assert lines <= 100 + 10 * slack
    await history.stop()
    again = History(tmp_path / "console.db", spans=200, lines=100, hours=1)
    await again.start()
    _write(again, "last")
    again.add_samples([Sample("orders-1", now, 1.0, 0, None)])
    spans, lines, oldest = await again.read(lambda db: db.execute(query).fetchone())
    traces = await again.read(lambda db: db.execute("SELECT count(*) FROM trace").fetchone()[0])
    assert (spans, lines) == (200, 100)
    assert oldest >= now - 3600
    assert traces == 200
    await again.stop()


async def test_a_file_of_before_there_were_notes_is_kept(tmp_path: Path) -> None:
    """It is read and goes on, and what policies do from now on is in it."""
    path = tmp_path / "console.db"
    history = History(path)
    await history.start()
    old, new = (span("users.user", Trace.root()) for _ in range(2))
    history.add_spans([old])
    await history.stop()
    with sqlite3.connect(path) as database:  # as it was before
        database.execute("ALTER TABLE span DROP COLUMN notes")
        database.execute("PRAGMA user_version = 1")
    database.close()
    again = History(path)
    await again.start()
    notes = tuple(Note(policy="retry", what="retried", detail="x" * 999) for _ in range(99))
    again.add_spans([structs.replace(new, notes=notes)])
    (kept,) = await again.read(lambda db: spans_of(db, old.trace_id))
    assert kept == old
    (kept,) = await again.read(lambda db: spans_of(db, new.trace_id))
    assert kept.notes == (Note(policy="retry", what="retried", detail="x" * 200),) * 16
    await again.stop()
    assert not list(tmp_path.glob("*.aside-*"))  # noqa: ASYNC240  # a folder of two files


@pytest.mark.parametrize("fate", ["newer", "garbage", "torn"])
async def test_a_file_that_cannot_be_read_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fate: str
) -> None:
    path = tmp_path / "console.db"
    if fate == "garbage":
        path.write_bytes(os.urandom(8192))
    else:
        history = History(path)
        await history.start()
        for number in range(3000):
            _write(history, f"kept {number} {'x' * 50}")
        await history.stop()
        if fate == "newer":
            with sqlite3.connect(path) as database:
                database.execute("PRAGMA user_version = 99")
            database.close()
        else:
            octets = bytearray(path.read_bytes())
            octets[4096 : len(octets) // 2] = os.urandom(len(octets) // 2 - 4096)
            path.write_bytes(octets)
    before = path.read_bytes()
    history = History(path)
    with caplog.at_level(logging.WARNING, "coterie.console"):
        await history.start()
    _write(history, "new")
    assert await _lines(history) == ["new"]
    await history.stop()
    names = sorted(name for name in os.listdir(tmp_path) if ".aside-" in name)  # noqa: PTH208
    aside = [Path(tmp_path, name) for name in names]
    assert aside[0].read_bytes() == before
    assert str(aside[0]) in caplog.text
    assert "a new one begins" in caplog.text


async def test_where_there_can_be_no_file_it_forgets_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    history = History(tmp_path / "file" / "console.db")
    with caplog.at_level(logging.WARNING, "coterie.console"):
        await history.start()
    _write(history, "now")
    assert await _lines(history) == ["now"]
    await history.stop()
    assert "cannot be kept" in caplog.text


async def test_a_question_that_fails_hurts_only_its_asker(tmp_path: Path) -> None:
    history = History(tmp_path / "console.db")
    await history.start()
    with pytest.raises(sqlite3.Error):
        await history.read(lambda db: db.execute("SELECT nothing FROM nowhere"))
    with pytest.raises(ZeroDivisionError):
        await history.read(lambda db: 1 // 0)
    _write(history, "still")
    assert await _lines(history) == ["still"]
    await history.stop()
    with pytest.raises(RuntimeError, match="not open"):
        await history.read(lambda db: None)


async def test_the_root_of_a_trace_is_found_in_whatever_order_spans_come(tmp_path: Path) -> None:
    spans = nested(time.time())
    for number, order in enumerate((spans, spans[::-1], spans[3:] + spans[:3])):
        history = History(tmp_path / f"{number}.db")
        await history.start()
        for one in order:
            history.add_spans([one])
            await history.read(lambda db: None)
        (found,) = await history.read(lambda db: latest_traces(db, TraceFilter()))
        assert (found.operation, found.spans) == ("orders.place", 7)
        assert found.services == ("orders", "users", "inventory", "payments")
        await history.stop()
