"""The documentation keeps up with the house."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = sorted(door.parent.name for door in (ROOT / "src" / "coterie").glob("*/__init__.py"))


def undocumented(rooms: list[str], docs: Path) -> list[str]:
    """Pages and sections that are missing."""
    reference = (docs / "reference.md").read_text()
    pages = [f"docs/rooms/{r}.md" for r in rooms if not (docs / "rooms" / f"{r}.md").is_file()]
    sections = [
        f"docs/reference.md: coterie.{r}" for r in rooms if f"coterie.{r}\n" not in reference
    ]
    return pages + sections


def test_every_room_has_its_page_and_its_reference() -> None:
    """Whoever adds a room tells readers what it is for."""
    assert undocumented(ROOMS, ROOT / "docs") == []


def test_a_room_without_a_page_is_noticed() -> None:
    """Control: a room that nobody wrote about is missed."""
    assert len(undocumented(["attic"], ROOT / "docs")) == 2


@pytest.mark.promise("P2.12-8")
def test_the_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    """Every page is reached, every reference leads somewhere, every docstring reads as meant."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "docs", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
