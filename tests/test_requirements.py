"""The pinned requirements install the same packages for everybody, from wherever they install."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "requirements"
PINNED = sorted(FOLDER.glob("*.txt"))

# An address, an option that names an index, a package pinned to a place, or a registry by name.
_PLACE = re.compile(
    r"://|^\s*--(?:index|extra-index|find-links|trusted)|\S\s+@\s|\bpy(?:pi|thonhosted)\b"
)


def places(text: str) -> list[str]:
    """Lines that say where a package is to be had."""
    return [line for line in text.splitlines() if _PLACE.search(line)]


def pins(text: str) -> set[str]:
    """`name==version ; marker` of each package."""
    return {line.rstrip(" \\") for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)}


@pytest.mark.parametrize("file", PINNED, ids=lambda file: file.name)
def test_no_file_says_where_packages_come_from(file: Path) -> None:
    """A mirror, a company's index or the public one serve alike: hashes vouch, addresses do not."""
    assert places(file.read_text()) == []


@pytest.mark.parametrize("file", PINNED, ids=lambda file: file.name)
def test_every_package_is_pinned_with_hashes(file: Path) -> None:
    """Each requirement is one version, with the hashes of its files."""
    requirements = file.read_text().replace("\\\n", " ").splitlines()
    assert requirements
    assert [line for line in requirements if "==" not in line or "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("name", ["dev.txt", "bench.txt"])
def test_tests_and_benchmarks_run_on_what_users_get(name: str) -> None:
    """Whatever `run.txt` pins is pinned alike for the tests and for the peers measured beside it."""
    assert pins((FOLDER / "run.txt").read_text()) <= pins((FOLDER / name).read_text())


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://packages.example/simple",
        "--extra-index-url file:///srv/packages",
        "--find-links /srv/wheels",
        "msgspec @ https://packages.example/msgspec-0.20.0.whl",
        "# from pypi",
    ],
)
def test_a_place_is_noticed(line: str) -> None:
    """Control: each way to write down a place is found."""
    assert places(f"{line}\nmsgspec==0.20.0 \\\n    --hash=sha256:00") == [line]
