"""What a verb prints, for people or for machines."""

import sys
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import msgspec
from rich.console import Console
from rich.live import Live
from rich.text import Text

__all__ = ["Styles", "complain", "error", "labelled", "redrawn", "say", "show_json", "table"]

Styles: TypeAlias = Mapping[str, Mapping[str, str]]
"""How cells look: the style of each text that may stand in a column, by the column's title."""

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


def labelled(label: str, text: str, style: str) -> None:
    """A line for people on standard output, after a label in a style of its own."""
    _out.print(Text.assemble((label, style), f" {text}"), soft_wrap=True)
    sys.stdout.flush()


def table(
    titles: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Collection[str] = (),
    styles: Styles | None = None,
) -> None:
    """Rows under titles, as wide as they are: a pipe gets one line a row.

    Columns whose titles are in ``right`` are aligned to that side.
    """
    for line in _lines(titles, rows, right, styles or {}):
        _out.print(line, soft_wrap=True)
    sys.stdout.flush()


@contextmanager
def redrawn(
    titles: Sequence[str], *, right: Collection[str] = (), styles: Styles
) -> Generator[Callable[[Iterable[Sequence[str]]], None]]:
    """A table that a person watches: each call draws it anew in the same place.

    Where nobody looks on, tables come one after the other, with an empty line between.
    """
    if not _out.is_terminal:

        def print_again(rows: Iterable[Sequence[str]]) -> None:
            table(titles, rows, right=right, styles=styles)
            say("")

        yield print_again
        return
    with Live(console=_out, auto_refresh=False) as live:

        def draw(rows: Iterable[Sequence[str]]) -> None:
            text = Text("\n", no_wrap=True, overflow="ellipsis").join(
                _lines(titles, rows, right, styles)
            )
            live.update(text, refresh=True)

        yield draw


def _lines(
    titles: Sequence[str], rows: Iterable[Sequence[str]], right: Collection[str], styles: Styles
) -> Iterator[Text]:
    cells = [list(titles), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for number, row in enumerate(cells):
        line = Text(style="" if number else "bold")
        for title, cell, width in zip(titles, row, widths, strict=True):
            style = styles.get(title, {}).get(cell, "") if number else ""
            line.append(cell.rjust(width) if title in right else cell.ljust(width), style)
            line.append("  ")
        line.rstrip()
        yield line
