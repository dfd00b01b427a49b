"""Wrong use does not type-check: the control of `typing_tests/`.

There, a wrong line passes because it says in a comment that it is wrong. Here those comments are
taken away, and both type checkers must report every one of these lines.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "typing_tests").glob("*.py"))

_IGNORES = re.compile(r"  # (type|pyright): ignore\[[^\]]+\]")
_NEEDLESS = "number: int = 1  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]\n"

Line = tuple[str, int]


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[Line]]:
    """The lines that each checker reports, once nothing is ignored."""
    folder = tmp_path_factory.mktemp("unmarked")
    (folder / "needless.py").write_text(_NEEDLESS)
    for module in MODULES:
        (folder / module.name).write_text(_IGNORES.sub("", module.read_text()))
    scripts = Path(sys.executable).parent
    cache = f"--cache-dir={folder / 'cache'}"  # shared with nobody: checkers run beside tests
    commands: dict[str, list[Path | str]] = {
        "type": [scripts / "mypy", "--output=json", cache, *folder.glob("*.py")],
        "pyright": [scripts / "pyright", "--outputjson", *folder.glob("*.py")],
    }
    running = {
        checker: subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for checker, command in commands.items()
    }
    said = {checker: process.communicate(timeout=80)[0] for checker, process in running.items()}
    return {"type": set(_mypy(said["type"])), "pyright": set(_pyright(said["pyright"]))}


def _mypy(said: str) -> Iterator[Line]:
    for line in said.splitlines():
        error = json.loads(line)
        if error["severity"] == "error":
            yield Path(error["file"]).name, error["line"]


def _pyright(said: str) -> Iterator[Line]:
    for error in json.loads(said)["generalDiagnostics"]:
        yield Path(error["file"]).name, error["range"]["start"]["line"] + 1


def _marked(checker: str) -> set[Line]:
    """The lines that say to this checker that they are wrong."""
    return {
        (module.name, number)
        for module in MODULES
        for number, line in enumerate(module.read_text().splitlines(), 1)
        if f"# {checker}: ignore[" in line
    }


@pytest.mark.parametrize("checker", ["type", "pyright"])
def test_wrong_use_is_reported(checker: str, reported: dict[str, set[Line]]) -> None:
    """Every line that is meant to be wrong is wrong for mypy and for pyright."""
    assert len(_marked(checker)) > 100
    assert _marked(checker) - reported[checker] == set()


@pytest.mark.parametrize("checker", ["type", "pyright"])
def test_a_mark_on_a_right_line_is_reported(checker: str, reported: dict[str, set[Line]]) -> None:
    """So wrong use that begins to pass cannot go unnoticed."""
    assert ("needless.py", 1) in reported[checker]


def test_what_one_checker_refuses_the_other_refuses_too() -> None:
    """Users may choose: neither lets wrong use through that the other would have found."""
    follow_up = re.compile(r"^    async def \w\(self\) -> int: \.\.\.$")
    alone = _marked("type") ^ _marked("pyright")
    lines = {
        _IGNORES.sub("", module.read_text().splitlines()[number - 1])
        for module in MODULES
        for name, number in alone
        if name == module.name
    }
    assert [line for line in lines if not follow_up.match(line)] == []
