"""A whole run against a small system: right where that keeps its word, and wrong where it does not."""

import itertools
import json
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from coterie.console.chaos import plan, targets_of
from coterie.system import load
from tests.console.process import Command, gone, until

# Keeps notes by their number. Each way of keeping them is a line of `keep`.
SERVICE = """
    import os
    from pathlib import Path
    from coterie import Service, anyone, get, put

    NOTES: list[int] = []
    FILE = Path(os.environ["LAB_NOTES"])

    def keep(n: int) -> None:
        KEEP

    def write(n: int) -> None:
        with FILE.open("a") as notes:
            notes.write(f"{n}\\n")
            notes.flush()
            os.fsync(notes.fileno())

    def written() -> list[int]:
        return [int(line) for line in FILE.read_text().split()] if FILE.exists() else []

    class NotesService(Service, version="1.0"):
        @put("/notes/{n}", allow=anyone)
        async def note(self, n: int) -> None:
            keep(n)

        @get("/notes", allow=anyone)
        async def notes(self) -> list[int]:
            return NOTES or written()
"""
WORKLOAD = """
    from collections import Counter
    from coterie import Failure, calling
    from coterie.client import connect
    from coterie.testing import Audit, Outcome, Site
    from lab.notes import NotesService

    class Notes:
        def __init__(self, site: Site) -> None:
            self.url = site.url
            self.outcomes: dict[int, Outcome] = {}

        async def attempt(self, n: int) -> Outcome:
            self.outcomes[n] = Outcome.UNKNOWN
            async with connect(NotesService, self.url) as notes:
                for _ in range(20):
                    try:
                        with calling(timeout=2.0):
                            await notes.note(n)
                    except Failure:
                        continue
                    self.outcomes[n] = Outcome.ACKNOWLEDGED
                    break
            return self.outcomes[n]

        async def audit(self) -> Audit:
            async with connect(NotesService, self.url) as notes:
                found = Counter(await notes.notes())
            done = (n for n, o in self.outcomes.items() if o is Outcome.ACKNOWLEDGED)
            return Audit(
                lost=tuple(f"note {n}" for n in done if not found[n]),
                duplicated=tuple(f"note {n}" for n, times in found.items() if times > 1),
            )
"""
TOML = """
    [system]
    name = "lab"

    [service.notes]
    implements = "lab.notes:NotesService"

    [chaos]
    workload = "lab.workload:Notes"
    parallel = 4
    weights = {{ {weights} }}
"""
KINDS = ("kill", "pause", "delay", "failure", "abort", "drop", "slow")

FIRST_WRITTEN = "n in written() or write(n)"
ONLY_REMEMBERED = "NOTES.append(n)"
WRITTEN_EACH_TIME = "write(n)"


def lab(folder: Path, keep: str, *kinds: str) -> Path:
    """The system, harmed in these ways alone."""
    (folder / "lab").mkdir(parents=True)
    (folder / "lab" / "__init__.py").touch()
    service = dedent(SERVICE).lstrip().replace("KEEP", keep)
    (folder / "lab" / "notes.py").write_text(service)
    (folder / "lab" / "workload.py").write_text(dedent(WORKLOAD).lstrip())
    weights = ", ".join(f"{kind} = {int(kind in kinds)}" for kind in KINDS)
    (folder / "coterie.toml").write_text(dedent(TOML).format(weights=weights))
    return folder


def number_that_begins_with(folder: Path, target: str) -> int:
    """One whose plan strikes ``target`` first."""
    system = load(folder, environment={})
    assert system.chaos is not None
    targets, weights = targets_of(system), system.chaos.weights
    return next(
        number
        for number in itertools.count()
        if plan(number, 6, targets, weights).strikes[0].target == target
    )


def run(folder: Path, number: int) -> tuple[int, dict[str, Any]]:
    """Exit code and report of six seconds."""
    arguments = ["chaos", folder, "--seconds", "6", "--number", number, "--json"]
    with Command(*arguments, cwd=folder, LAB_NOTES=str(folder / "notes")) as command:
        code = command.ends(80)
        assert command.out.text, command.err.text
        return code, json.loads(command.out.text)


@pytest.mark.parametrize(
    ("keep", "kind", "wrong"),
    [
        (FIRST_WRITTEN, "kill", None),
        (ONLY_REMEMBERED, "kill", "lost"),
        (FIRST_WRITTEN, "abort", None),
        (WRITTEN_EACH_TIME, "abort", "duplicated"),
    ],
)
def test_who_does_not_keep_its_word_is_found_out(
    tmp_path: Path, keep: str, kind: str, wrong: str | None
) -> None:
    """Acknowledged before it is written, or written again for each try: exit code 1. Else 0."""
    folder = lab(tmp_path, keep, kind)
    target = "notes-1" if kind == "kill" else "notes"
    code, report = run(folder, number_that_begins_with(folder, target))
    assert report["injected"][kind] >= 1
    assert report["acknowledged"] > 0
    found = {name: len(report[name]) for name in ("lost", "duplicated", "unexpected")}
    if wrong is None:
        assert (code, report["right"], sum(found.values())) == (0, True, 0), report
    else:
        assert (code, report["right"], found[wrong] > 0) == (1, False, True), report
    if kind == "kill":
        assert report["recoveries"][0]["process"] == "notes-1"
        assert 0 < report["recoveries"][0]["seconds"] < 10


def test_ctrl_c_ends_it_early_with_its_report(tmp_path: Path) -> None:
    """The audit is made all the same, and nothing is left: no process, no folder."""
    folder = lab(tmp_path, FIRST_WRITTEN, "delay")
    arguments = ["chaos", folder, "--minutes", "5", "--number", "1"]
    with Command(*arguments, cwd=folder, LAB_NOTES=str(folder / "notes")) as command:
        state = Path(command.says(r"at the end: (\S+)", 60)[1])
        command.says(r" s  delay ")
        pids = [int(line) for line in _pids(state)]
        assert pids
        command.interrupt()
        assert command.ends(60) == 0, command.err.text
    assert re.search(r"nothing lost, nothing twice .*, ended early", command.out.text)
    assert not state.parent.exists()
    until(lambda: all(map(gone, pids)), "the end of every process", 5)


def _pids(state: Path) -> list[str]:
    """Processes whose command line names the folder of the run."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(state).encode() in place.read_bytes():
                found.append(place.parent.name)
        except OSError:
            continue
    return found
