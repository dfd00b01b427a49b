"""The floors in pyproject.toml hold up: what breaks them is noticed, on a planted house."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT = Path(sys.executable).with_name("lint-imports")


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A package of the same name and rooms, all of them empty."""
    package = tmp_path / "coterie"
    rooms = [door.parent.name for door in (ROOT / "src" / "coterie").glob("*/__init__.py")]
    for room in ["", *rooms]:
        (package / room).mkdir()
        (package / room / "__init__.py").touch()
    (package / "__main__.py").touch()
    return package


def problems(house: Path) -> str:
    """What the contracts of pyproject.toml say about the house; empty when they are kept."""
    config = str(ROOT / "pyproject.toml")
    command = [str(LINT), "--no-cache", "--no-logo", "--config", config]
    done = subprocess.run(command, cwd=house.parent, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode else ""


def test_an_empty_house_stands(house: Path) -> None:
    """Control of the controls: without an offence nothing is reported."""
    assert problems(house) == ""


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        (
            "contract/up.py",
            "import coterie.call\n",
            "contract is not allowed to import coterie.call",
        ),
        (
            "client/side.py",
            "from coterie.server import Host\n",
            "client is not allowed to import coterie.server",
        ),
        (
            "policy/side.py",
            "def f():\n    import coterie.store\n",
            "policy is not allowed to import coterie.store",
        ),
        (
            "call/up.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import coterie.client\n",
            "call is not allowed to import coterie.client",
        ),
        ("attic/__init__.py", "", "coterie.attic"),
    ],
)
def test_what_breaks_the_floors_is_told(house: Path, file: str, text: str, told: str) -> None:
    """Up, sideways, hidden in a function or from the run time, or on no floor: each is seen."""
    (house / file).parent.mkdir(exist_ok=True)
    (house / file).write_text(text)
    assert told in problems(house)


def test_a_cycle_inside_a_room_is_told(house: Path) -> None:
    """Two files of a room that import each other are one file, or three."""
    (house / "call" / "hen.py").write_text("from . import egg\n")
    (house / "call" / "egg.py").write_text("from . import hen\n")
    assert "coterie.call" in problems(house)
