"""Figures that are a limit: one value of ours, and the most that it may be."""

from pathlib import Path

import pytest

from bench.ask import status
from bench.cores import Cores
from bench.figure import limited
from bench.figures import FIGURES
from bench.figures.discovery import _last
from bench.report import line
from bench.server import free_port
from bench.setting import FULL, QUICK, ROOT, Setting


def test_a_limit_is_met_at_the_goal_and_below() -> None:
    """Above it is missed, and the line for people says so."""
    assert limited("recovery", "s", 1.0, 1.0).ok
    missed = limited("recovery", "s", 1.001, 1.0, rounds=10, also={"median": 0.2})
    assert not missed.ok
    assert "MISSED" in line(missed)
    assert "median 0.2" in line(missed)


def test_a_limit_with_failed_calls_or_without_a_value_is_not_met() -> None:
    """Nothing is met by losing calls, nor by not being measured; both are told."""
    lost = limited("discovery", "s", 0.1, 1.0, errors={"unavailable": 2})
    assert not lost.ok
    assert "WRONG: coterie: 2 x unavailable" in line(lost)
    absent = limited("up", "s", None, 1.0, why="it ended at its start")
    assert not absent.ok
    assert "not measured: coterie: it ended at its start" in line(absent)


@pytest.mark.parametrize(
    ("chosen", "seconds"),
    [
        ([], 0.0),
        ([10.01, 10.03], 0.03),
        ([10.01, 10.03, 10.3, 10.31], 0.03),
        ([10.2, 10.21], 0.0),
    ],
)
def test_what_comes_after_a_gap_is_the_successor(chosen: list[float], seconds: float) -> None:
    """An instance that is back under its name is not one that is called though dead."""
    assert _last(chosen, 10.0) == pytest.approx(seconds)


async def test_nobody_there_is_no_status() -> None:
    """A port that nothing listens on is an answer to wait on, not an error."""
    assert await status(free_port(), "/") == 0


def test_a_quick_run_does_less_of_everything(tmp_path: Path) -> None:
    """And never so little that there is no median."""

    def times(full: int) -> tuple[int, int]:
        cores = Cores(frozenset(), frozenset())
        here = [Setting(tmp_path, tmp_path, cores, pace, {}) for pace in (FULL, QUICK)]
        return here[0].times(full), here[1].times(full)

    assert times(100) == (100, 45)
    assert times(2) == (2, 2)


def test_every_figure_is_described() -> None:
    """In the table of the README, by the name that the command takes."""
    readme = (ROOT / "bench" / "README.md").read_text()
    for name in FIGURES:
        assert f"| `{name}" in readme, f"bench/README.md says nothing of the figure {name}"
