"""Runs the Python blocks of README.md and of the tutorial, as a reader would type them.

The blocks of one document share their names and a folder of their own. A block whose first line
is a comment with a file's name (`# contracts/orders.py`) is that file in that folder, which later
blocks import; any other block is run, and may `await` at its top.
"""

import ast
import asyncio
import inspect
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser, SkipParser

__all__ = ["documents"]

_FILE = re.compile(r"# ([\w/-]+\.(?:py|toml))\n")


def _write(example: Example) -> bool:
    text = str(example.parsed)
    named = _FILE.match(text)
    if named:
        path = Path(named[1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return named is not None


def _write_file(example: Example) -> None:
    _write(example)


def _write_or_run(example: Example) -> None:
    if _write(example):
        return
    text = str(example.parsed)
    source = "\n" * (example.line + example.parsed.line_offset) + text
    code = compile(source, example.path, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    outcome = eval(code, example.namespace)  # noqa: S307  (our own documents)
    if inspect.iscoroutine(outcome):
        asyncio.run(outcome)


def _enter(namespace: dict[str, Any]) -> None:
    folder = tempfile.TemporaryDirectory(prefix="coterie-document-")
    namespace["__name__"] = "__main__"
    namespace["_leave"] = (Path.cwd(), list(sys.path), set(sys.modules), folder)
    os.chdir(folder.name)
    sys.path.insert(0, folder.name)


def _leave(namespace: dict[str, Any]) -> None:
    before, path, modules, folder = namespace["_leave"]
    os.chdir(before)
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        module_file = getattr(sys.modules[name], "__file__", None) or ""
        if module_file.startswith(folder.name):
            del sys.modules[name]
    folder.cleanup()


documents = Sybil(
    parsers=[
        CodeBlockParser("python", _write_or_run),
        CodeBlockParser("toml", _write_file),
        SkipParser(),
    ],
    path=str(Path(__file__).parents[1]),
    patterns=["README.md", "docs/tutorial.md"],
    setup=_enter,
    teardown=_leave,
)
