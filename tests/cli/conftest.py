"""Fixtures: the command line without a process of its own, and a system for it."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from coterie.cli.main import run
from tests.system.folder import Folder

__all__ = ["Coterie", "Done"]


class Done(NamedTuple):
    """What a command line came to."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Its result, decoded."""
        return json.loads(self.out)


Coterie = Callable[..., Done]


@pytest.fixture
def coterie(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Coterie:
    """Runs a command line in this process: ``coterie("check", folder)``."""

    def typed(*words: object, stdin: str | bytes = "") -> Done:
        given = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        capsysbinary.readouterr()
        try:
            code = run([str(word) for word in words])
        except SystemExit as end:  # completion ends the process itself
            code = end.code if isinstance(end.code, int) else 0
        sys.stdout.flush()
        out, err = capsysbinary.readouterr()
        return Done(code, out.decode(errors="replace"), err.decode())

    return typed


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """A folder to stand in; what is imported from it is forgotten afterwards."""
    with Folder(tmp_path / "home").lent() as folder:
        monkeypatch.chdir(folder.path)
        yield folder
