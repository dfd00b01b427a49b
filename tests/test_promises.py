"""A promise that was proven stays proven: its test cannot vanish, and no test proves a typing error."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools import promises

ROOT = Path(__file__).parents[1]


def test_the_list_can_be_read() -> None:
    """Every promise is one line in words of our own, listed once."""
    listed = promises.read()
    assert listed
    assert [
        p.id for p in listed.values() if not p.line or len(p.line) > 140 or "\n" in p.line
    ] == []


def test_no_promise_lost_its_test_and_no_test_names_an_unknown_one() -> None:
    """Collecting every test finds one for each promise recorded as proven, and no stray id."""
    command = [sys.executable, "tools/promises.py", "--listed", "--json"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.stdout, result.stderr
    assert json.loads(result.stdout)["wrong"] == []
    assert result.returncode == 0, result.stderr


def listed(status: str) -> dict[str, promises.Promise]:
    """A list of one promise."""
    return {"S2-12": promises.Promise(id="S2-12", line="Adding a user says so.", status=status)}


@pytest.mark.parametrize(
    ("status", "outcomes", "wrong"),
    [
        ("proven", {"S2-12": {"test_a": "passed"}}, ""),
        ("open", {"S2-12": {"test_a": "passed"}}, ""),
        ("open", {}, ""),
        ("proven", {}, "lost its test"),
        ("proven", {"S2-12": {"test_a": "passed", "test_b": "skipped"}}, "skipped: test_b"),
        ("open", {"S2-12": {"test_a": "failed"}}, "failed: test_a"),
        ("open", {"S2-21": {"test_a": "passed"}}, "test_a names the promise S2-21"),
    ],
)
def test_what_is_wrong_is_told(
    status: str, outcomes: dict[str, dict[str, str]], wrong: str
) -> None:
    """Control: a lost, skipped, failed or misnamed proof is noticed, a good one is not."""
    told = promises.judge(listed(status), outcomes)
    assert (wrong in told[0]) if wrong else told == []


EXAMPLE = """
import pytest

@pytest.fixture
def broken():
    raise RuntimeError

@pytest.mark.promise("P-1", "P-2")
def test_passes(): pass

@pytest.mark.promise("P-2")
def test_fails(): assert False

@pytest.mark.promise("P-3")
def test_skips(): pytest.skip("no engine")

@pytest.mark.promise("P-4")
def test_breaks(broken): pass

@pytest.mark.promise("P-5")
@pytest.mark.xfail
def test_is_expected_to_fail(): assert False
"""

_RUN = """
import json, sys
from tools.promises import run
recorder = run([sys.argv[1], "-p", "conftest", "-p", "no:cacheprovider"])
print(json.dumps({id: sorted(tests.values()) for id, tests in recorder.outcomes.items()}))
"""


def test_only_a_test_that_passed_proves(tmp_path: Path) -> None:
    """Control: tests that fail, skip, break in their set-up or are expected to fail prove nothing."""
    (tmp_path / "test_example.py").write_text(EXAMPLE)
    command = [sys.executable, "-c", _RUN, str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == {
        "P-1": ["passed"],
        "P-2": ["failed", "passed"],
        "P-3": ["skipped"],
        "P-4": ["failed"],
        "P-5": ["skipped"],
    }
