"""Continuous integration does what a contributor does at home."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.promise("P2.12-9")
def test_continuous_integration_checks_and_tests() -> None:
    """It runs the two commands of CONTRIBUTING.md and lets no absent engine pass."""
    steps = (ROOT / ".ci" / "run").read_text().splitlines()
    assert steps.index("make check") < steps.index("make test")
    assert any("COTERIE_REQUIRE_ENGINES=1" in step for step in steps)
    assert "set -euo pipefail" in steps


@pytest.mark.promise("P2.12-9")
@pytest.mark.parametrize("target", ["demo", "test", "check", "bench", "docs", "promises", "tox"])
def test_each_command_is_one_word(target: str) -> None:
    """`make` lists every command with what it is for."""
    lines = (ROOT / "Makefile").read_text().splitlines()
    assert any(line.startswith(f"{target}:") and " ## " in line for line in lines)


def test_no_test_that_runs_alone_is_forgotten() -> None:
    """The second pass collects the files that say `pytest.mark.alone`; nobody says it otherwise."""
    said = "mark" + ".alone"
    for folder in ("tests", "examples"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            if said in text:
                assert path.name.startswith("test_"), path
                assert text.count(said) == text.count(f"pytest.{said}"), path
