"""A system's folder, written for one test."""

import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

from coterie.system import SystemProblems, check, load

__all__ = ["Folder", "told"]


class Folder:
    """A folder with a ``coterie.toml`` and modules, forgotten by the interpreter afterwards."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(exist_ok=True)

    def write(self, name: str, text: str) -> Path:
        """The file ``name``; the text may be indented as the test is."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return file

    def toml(self, text: str) -> Path:
        """The system's own file."""
        return self.write("coterie.toml", text)

    def problems(self, environment: Mapping[str, str] | None = None) -> list[str]:
        """What loading and checking tell, as a person in this folder would read it."""
        try:
            problems = check(load(self.path, environment=environment or {}))
        except SystemProblems as found:
            problems = found.problems
        return [str(problem).replace(f"{self.path}/", "") for problem in problems]

    @contextmanager
    def lent(self) -> Generator["Folder"]:
        """Forget its modules at the end: the next test may use their names."""
        before = list(sys.path)
        try:
            yield self
        finally:
            sys.path[:] = before
            for name, module in list(sys.modules.items()):
                where = f"{getattr(module, '__file__', '')} {getattr(module, '__path__', '')}"
                if str(self.path) in where:
                    del sys.modules[name]


def told(text: str, folder: Path, environment: Mapping[str, str] | None = None) -> list[str]:
    """What loading ``text`` tells: nothing, or one line a problem."""
    file = folder / "coterie.toml"
    file.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    try:
        load(folder, environment=environment or {})
    except SystemProblems as found:
        return [str(problem).replace(f"{file}:", "") for problem in found.problems]
    return []
