"""Runs the blocks of the documents, in their order, as a reader would type them.

The blocks of one document share their names and a folder of their own, which begins empty.

``python``   A block whose first line is a comment with a file's name (`# contracts/orders.py`) is
             that file in that folder, which later blocks import; with `, as made` after the name
             the file must be there already, word for word. Any other block is run, and may
             `await` at its top.
``toml``     Such a file too. With `, in part` after the name the file is there already, and its
             tables of these names are these now; others stay as they are.
``console``  Commands after `$`, run in a terminal of the document's own; what is shown below one
             is what it must print, `...` standing for anything. Where nothing is shown, it must
             succeed. What only looks at a system that follows its files (`coterie up --reload`)
             has some seconds to print it. See `terminal.py`.
``text``     What the Python block before it printed, if it did; otherwise just text.
"""

import ast
import asyncio
import contextlib
import difflib
import doctest
import importlib
import inspect
import io
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from time import monotonic
from types import ModuleType
from typing import Any

import pytest
from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser, SkipParser

from tests.terminal import Terminal, commands, looks

__all__ = ["documents", "shows"]

_FILE = re.compile(r"# ([\w./-]+\.(?:py|toml))(, as made|, in part)?\n")
_TABLE = re.compile(r"^\[", re.MULTILINE)
_FOLLOWED = 20.0  # seconds
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Desk:
    """Where one document is worked through: its folder, its terminal, its modules."""

    def __init__(self) -> None:
        self.before = (Path.cwd(), list(sys.path), sys.dont_write_bytecode)
        self.kept = tempfile.TemporaryDirectory(prefix="coterie-document-")
        top = Path(self.kept.name).resolve()
        self.folder = top / "folder"
        self.folder.mkdir()
        self.terminal = Terminal(self.folder, top)
        self.hidden: dict[str, ModuleType] = {}
        self.printed = ""
        self.go_to(self.folder)
        sys.dont_write_bytecode = True

    def go_to(self, folder: Path) -> None:
        """Work in ``folder``: what lies there is imported before all else of that name."""
        os.chdir(folder)
        sys.path[:] = [str(folder), *self.before[1]]

    def write(self, path: Path, text: str) -> None:
        """A file as the document has it; modules that were imported are imported anew."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if path.suffix == ".py":
            self.forget()

    def forget(self) -> None:
        """Take this folder's modules out of Python's memory."""
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None) or ""
            if file.startswith(str(self.folder)):
                del sys.modules[name]
        importlib.invalidate_caches()

    def hide(self) -> None:
        """Make room for this folder's packages, should others have brought some of their name."""
        own = {path.parent.name for path in Path.cwd().glob("*/__init__.py")}
        own |= {path.stem for path in Path.cwd().glob("*.py")}
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None) or ""
            if name.partition(".")[0] in own and not file.startswith(str(self.folder)):
                self.hidden[name] = sys.modules.pop(name)

    def close(self) -> None:
        """Leave everything as it was."""
        self.terminal.close()
        self.forget()
        sys.modules.update(self.hidden)
        folder, sys.path[:], sys.dont_write_bytecode = self.before
        os.chdir(folder)
        self.kept.cleanup()


def shows(wanted: str, printed: str) -> bool:
    """Whether a document that shows ``wanted`` shows what was ``printed``."""
    return doctest.OutputChecker().check_output(wanted, printed, _FLAGS)


def laid_over(text: str, part: str) -> str:
    """``text`` of a toml with the tables of ``part`` in the place of those of the same names."""
    tables: dict[str, str] = {}
    for table in (*_tables(text), *_tables(part)):
        tables[table.partition("\n")[0]] = table.rstrip()
    return "\n\n".join(tables.values()) + "\n"


def _tables(text: str) -> list[str]:
    return [f"[{table}" for table in _TABLE.split(text)[1:]]


def _desk(example: Example) -> Desk:
    desk: Desk = example.namespace["_desk"]
    return desk


# What follows evaluates one block each: what is returned is what is wrong with it.


def _write_file(example: Example) -> str | None:
    text = str(example.parsed)
    named = _FILE.match(text)
    if named is None:
        return "a block of this kind begins with its file's name: # coterie.toml"
    path = Path(named[1])
    if named[2] is None:
        _desk(example).write(path, text)
        return None
    if named[2] == ", in part":
        _desk(example).write(path, laid_over(path.read_text(), text[named.end() :]))
        return None
    made, shown = path.read_text().splitlines(), text[named.end() :].splitlines()
    changes = "\n".join(difflib.unified_diff(shown, made, "shown", "made", lineterm=""))
    return f"{path} is not as it is made:\n{changes}" if changes else None


def _write_or_run(example: Example) -> str | None:
    if _FILE.match(str(example.parsed)):
        return _write_file(example)
    desk = _desk(example)
    desk.hide()
    source = "\n" * (example.line + example.parsed.line_offset) + str(example.parsed)
    source = desk.terminal.really(source)
    code = compile(source, example.path, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        outcome = eval(code, example.namespace)  # noqa: S307  (our own documents)
        if inspect.iscoroutine(outcome):
            asyncio.run(outcome)
    desk.printed = out.getvalue()
    return None


def _compare(example: Example) -> str | None:
    desk = _desk(example)
    printed, desk.printed = desk.printed, ""
    if printed and not shows(str(example.parsed), printed):
        return f"shown:\n{example.parsed}\nprinted:\n{printed}"
    return None


def _type(example: Example) -> str | None:
    desk = _desk(example)
    for command, wanted in commands(str(example.parsed)):
        if command.startswith("curl ") and shutil.which("curl") is None:
            pytest.skip("there is no curl on this machine: apt-get install curl")
        code, printed = desk.terminal.type(command)
        deadline = monotonic() + _FOLLOWED
        while desk.terminal.follows and looks(command) and not shows(wanted, printed):
            if monotonic() > deadline:
                break
            code, printed = desk.terminal.type(command)
        if code != 0 and not wanted:
            return f"$ {command}\nended with {code}:\n{printed}"
        if wanted and not shows(wanted, printed):
            return f"$ {command}\nshown:\n{wanted}\nprinted:\n{printed}"
    desk.go_to(desk.terminal.folder)
    return None


def _enter(namespace: dict[str, Any]) -> None:
    namespace["__name__"] = "__main__"
    namespace["_desk"] = Desk()


def _leave(namespace: dict[str, Any]) -> None:
    namespace["_desk"].close()


documents = Sybil(
    parsers=[
        CodeBlockParser("python", _write_or_run),
        CodeBlockParser("toml", _write_file),
        CodeBlockParser("console", _type),
        CodeBlockParser("text", _compare),
        SkipParser(),
    ],
    path=str(Path(__file__).parents[1]),
    patterns=["README.md", "docs/*.md", "docs/rooms/*.md", "examples/*/README.md"],
    # Many programs each, and one system of them all: run by their own tests.
    excludes=["examples/patterns/README.md", "examples/patterns/*/README.md"],
    setup=_enter,
    teardown=_leave,
)
