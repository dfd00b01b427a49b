"""`coterie ps`: what each process costs, how long it has run, and what it has done."""

import json
import time
from pathlib import Path

from tests.console.supervisor.kit import Running, lab, until

_CALLS = 37


def test_rows(tmp_path: Path) -> None:
    """Memory, age, version and address of each; the calls that were made, and no others."""
    began = time.monotonic()
    with Running(lab(tmp_path)) as running:
        for _ in range(_CALLS):
            assert running.get("/one").status == 200
        until(lambda: running.row("one-1")["calls"] >= _CALLS, "the calls to be counted")
        told = running.do("ps")
        rows = {row["name"]: row for row in json.loads(told.stdout)}
        assert list(rows) == [
            *("gateway", "one-1", "two-1", "console", "broker", "supervisor", "starter")
        ]
        assert [rows[name]["calls"] for name in ("one-1", "two-1")] == [_CALLS, 0]
        for name, row in rows.items():
            assert row["state"] == "up"
            assert row["restarts"] == 0
            assert row["memory"] == _about(row["memory"], _pss(row["pid"]), name)
            assert 0 < row["age"] < time.monotonic() - began
        assert {row["pid"] for row in rows.values()} == running.everyone()


def _about(told: int, read: int, name: str) -> int:
    """``told``, if it is near what is ``read`` now."""
    assert 0.5 * read < told < 2 * read, f"{name}: {told} told, {read} read"
    return told


def _pss(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    line = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024
