"""What a verb prints, for people or for machines."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

__all__ = ["complain", "error", "say", "show_json", "table"]

# Both ask at each line whether somebody looks: no colour into files and pipes, or with NO_COLOR.
_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)


def say(text: str, style: str = "") -> None:
    """A line for people, on standard output."""
    _out.print(Text(text, style=style), soft_wrap=True)
    sys.stdout.flush()


def error(text: str) -> None:
    """What went wrong, on standard error."""
    _err.print(Text("error: ", style="bold red") + Text(text), soft_wrap=True)


def complain(lines: Iterable[object]) -> None:
    """Several lines, on standard error."""
    for line in lines:
        _err.print(Text(str(line)), soft_wrap=True)


def show_json(value: Any, *, indent: bool = False, to_errors: bool = False) -> None:
    """A value for machines, on standard output: one line, but indented where a person looks on."""
    stream = sys.stderr if to_errors else sys.stdout
    encoded = msgspec.json.encode(value, enc_hook=str)
    if indent or stream.isatty():
        encoded = msgspec.json.format(encoded, indent=2)
    stream.write(encoded.decode() + "\n")
    stream.flush()


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows under titles, as wide as they are: a pipe gets one line a row."""
    cells = [list(titles), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for number, row in enumerate(cells):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        say(line.rstrip(), "" if number else "bold")
