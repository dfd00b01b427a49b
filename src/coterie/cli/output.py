"""What a verb prints, for people or for machines."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["complain", "error", "say", "show_json", "table"]

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)


def say(text: str, style: str | None = None) -> None:
    """A line for people, on standard output."""
    _out.print(Text(text, style=style or ""), soft_wrap=True)


def error(text: str) -> None:
    """What went wrong, on standard error."""
    _err.print(Text("error: ", style="bold red") + Text(text), soft_wrap=True)


def complain(lines: Iterable[object]) -> None:
    """Several mistakes, one a line, on standard error."""
    for line in lines:
        _err.print(Text(str(line)), soft_wrap=True)


def show_json(value: Any) -> None:
    """A value for machines, on standard output; indented where a person looks on."""
    encoded = msgspec.json.encode(value)
    if sys.stdout.isatty():
        encoded = msgspec.json.format(encoded, indent=2)
    sys.stdout.write(encoded.decode() + "\n")


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows under titles."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        made.add_column(title, overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    _out.print(made)
