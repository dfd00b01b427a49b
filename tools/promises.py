"""Which promises are proven: docs/promises.toml held against the tests that carry their ids.

`make promises` runs every test marked `promise("...")`; a promise is proven when it has tests and
all of them passed. A skipped test proves nothing.

    python tools/promises.py             run the marked tests, print the table
    python tools/promises.py --listed    only find them, run nothing
    ... --json                           the same for programs

Exit code: 1 if a promise recorded as proven is not, if a test failed, or if a test names a
promise that is not in the list; else 0.
"""

import contextlib
import json
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

ROOT = Path(__file__).parents[1]
LIST = ROOT / "docs" / "promises.toml"
STATES = ("open", "proven")


@dataclass
class Promise:
    """One promise of the list, and what its tests made of it."""

    id: str
    line: str
    where: str = ""
    status: str = "open"
    """What the list records: `proven` holds for ever after, `open` is still to do."""
    tests: dict[str, str] = field(default_factory=dict[str, str])
    """Test -> passed, failed, skipped or found."""

    @property
    def state(self) -> str:
        """What the tests say: open, found, skipped, failed or proven."""
        outcomes = set(self.tests.values())
        for state in ("failed", "skipped", "found"):
            if state in outcomes:
                return state
        return "proven" if outcomes else "open"


class Recorder:
    """A pytest plugin: the outcome of every test that carries a promise."""

    def __init__(self) -> None:
        self.outcomes: dict[str, dict[str, str]] = {}
        self.failed = False

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for name, value in item.user_properties:
                if name == "promise":
                    self.outcomes.setdefault(str(value), {})[item.nodeid] = "found"

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.failed |= report.failed

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome == "passed" and report.when != "call":
            return
        for name, value in report.user_properties:
            if name == "promise":
                tests = self.outcomes.setdefault(str(value), {})
                if tests.get(report.nodeid) != "failed":
                    tests[report.nodeid] = report.outcome


def read(file: Path = LIST) -> dict[str, Promise]:
    """The list, by id. Raises ValueError for an entry that cannot be read, naming it."""
    promises: dict[str, Promise] = {}
    for entry in tomllib.loads(file.read_text())["promise"]:
        promise = Promise(**entry)
        if promise.id in promises:
            raise ValueError(f"{file.name}: {promise.id} is listed twice")
        if promise.status not in STATES:
            raise ValueError(f"{file.name}: {promise.id}: status is one of {', '.join(STATES)}")
        promises[promise.id] = promise
    return promises


def judge(promises: Mapping[str, Promise], outcomes: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Fills in what the tests made of each promise; returns what is wrong, in words."""
    wrong = [
        f"{test} names the promise {identity}, which {LIST.name} does not list"
        for identity in sorted(outcomes.keys() - promises.keys())
        for test in outcomes[identity]
    ]
    for promise in promises.values():
        promise.tests = dict(outcomes.get(promise.id, {}))
        if promise.state in {"failed", "skipped"}:
            bad = [test for test, how in promise.tests.items() if how == promise.state]
            wrong.append(f"{promise.id}: {promise.state}: {', '.join(bad)}")
        elif promise.status == "proven" and promise.state == "open":
            wrong.append(f"{promise.id} is recorded as proven and has lost its test")
    return wrong


def run(arguments: list[str]) -> Recorder:
    """Runs pytest over the whole project, in silence, and hands back what it saw."""
    recorder = Recorder()
    with contextlib.redirect_stdout(sys.stderr):
        code = pytest.main(["-q", "--rootdir", str(ROOT), *arguments], plugins=[recorder])
    recorder.failed |= code not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
    return recorder


def table(promises: Mapping[str, Promise], wrong: list[str]) -> None:
    """Prints one line a promise; in colour on a terminal only."""
    console = Console(soft_wrap=True, highlight=False)
    colours = {"proven": "green", "found": "green", "failed": "red", "skipped": "yellow"}
    for promise in promises.values():
        console.print(f"{promise.id:9}", end="")
        console.print(f"{promise.state:8}", style=colours.get(promise.state, "dim"), end="")
        console.print(promise.line, f"({promise.where})" if promise.where else "", markup=False)
    states = [promise.state for promise in promises.values()]
    counts = ", ".join(f"{states.count(s)} {s}" for s in dict.fromkeys(["proven", "open", *states]))
    console.print(f"\n{len(promises)} promises: {counts}", style="bold")
    for entry in wrong:
        console.print(entry, style="red", markup=False)


def main(arguments: list[str]) -> int:
    """See the module's first lines."""
    unknown = set(arguments) - {"--json", "--listed"}
    if unknown:
        print(__doc__, file=sys.stderr)
        return 2
    only = (
        ["--collect-only", "-qq"]
        if "--listed" in arguments
        else ["--numprocesses=auto", "--dist=loadfile"]
    )
    promises = read()
    recorder = run([*only, "-m", "promise"])
    wrong = judge(promises, recorder.outcomes)
    if "--json" in arguments:
        rows: list[dict[str, Any]] = [
            {**asdict(promise), "state": promise.state} for promise in promises.values()
        ]
        json.dump({"promises": rows, "wrong": wrong}, sys.stdout, indent=2)
        print()
    else:
        table(promises, wrong)
    return 1 if wrong or recorder.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
