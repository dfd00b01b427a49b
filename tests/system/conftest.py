"""Fixtures: a system's folder of one's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """An empty folder for a system."""
    with Folder(tmp_path / "home").lent() as made:
        yield made
