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
