"""A picture in a document shows what it is a picture of."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools import pictures

ROOT = Path(__file__).parents[1]


@pytest.mark.promise("S2-08")
def test_every_picture_is_true() -> None:
    """The floors are those that are enforced; the shop is what its file and classes make of it."""
    command = [sys.executable, "-m", "tools.pictures", "--check"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_a_picture_that_is_not_true_is_noticed(name: str) -> None:
    """Control: another picture in the place of the true one is a change."""
    text = pictures.PICTURES[name][0].read_text()
    drawn = pictures.put(text, name, "a house")
    assert drawn != text
    assert "a house\n```" in drawn


def test_a_document_without_a_place_for_its_picture_is_told() -> None:
    """Who takes a picture out of a document hears of it."""
    with pytest.raises(ValueError, match="picture: floors"):
        pictures.put("nothing", "floors", "a house")


def test_another_floor_is_another_picture(tmp_path: Path) -> None:
    """The picture follows the rules, and a room's own words."""
    package = tmp_path / "coterie"
    for room, words in (("cellar", "Wine."), ("attic", "Old things.\n\nDust.")):
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").write_text(f'"""{words}"""\n')
    project = tmp_path / "pyproject.toml"
    project.write_text(
        '[[tool.importlinter.contracts]]\nid = "floors"\nlayers = ["(attic)", "(cellar)"]\n'
    )
    lines = pictures.floors(project, package).splitlines()
    assert [line.split("│")[1].split() for line in lines if "│" in line] == [
        ["attic", "Old", "things."],
        ["cellar", "Wine."],
    ]
