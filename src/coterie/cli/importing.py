"""coterie import: contracts written from what other programs say of themselves."""

import enum
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from coterie.binding.rest.importing import Imported, Note, Unreadable, imported, is_version

from .described import read
from .mistakes import FAILED, Mistake
from .options import Json
from .output import complain, say, show_json

__all__ = ["verb"]

_SHOWN = 3


class Kind(enum.StrEnum):
    """What can be imported."""

    OPENAPI = "openapi"


def verb(
    kind: Annotated[  # noqa: ARG001  # one so far
        Kind, typer.Argument(metavar="KIND", help="openapi: 3.0, 3.1, or Swagger 2.0.")
    ],
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="The document: a file, or an http address.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="PATH", help="Write it there; a folder becomes a module a tag."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="CLASS", help="The contract's class; else from the title."),
    ] = None,
    version: Annotated[
        str | None,
        typer.Option("--version", metavar="VERSION", help="Its version; else the document's."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
    json: Json = False,
) -> None:
    """Write the contract of a program that describes itself.

    The class is the type of the client. What a contract cannot say is listed, never dropped.

    \b
    Examples:
      coterie import openapi http://localhost:8000/openapi.json --out contracts/rates.py
      coterie import openapi petstore.yaml --name Pets
      coterie import openapi github.json --out contracts/github/
    """
    if name is not None and not (name.isidentifier() and name[:1].isupper()):
        raise Mistake(f"{name[:40]!r} is no name of a class. Write one such as Rates")
    if version is not None and not is_version(version):
        raise Mistake(f"{version[:40]!r} is no version. Write one such as 1.0")
    split = out is not None and out.suffix != ".py"
    values, fetch = read(source)
    try:
        made = imported(values, name=name, version=version, split=split, fetch=fetch)
    except Unreadable as problem:
        raise Mistake(_visible(f"{source}: {problem}"), code=FAILED) from None
    written = [] if out is None else _write(out, made, force=force)
    if json:
        show_json(
            {
                "contracts": made.contracts,
                "operations": made.operations,
                "types": made.types,
                "files": written or made.files,
                "notes": made.notes,
            }
        )
        return
    if out is None:
        for text in made.files.values():
            typer.echo(text, nl=False)
    for path in written:
        say(str(path))
    complain(map(_visible, _told(made)))


def _write(out: Path, made: Imported, *, force: bool) -> list[Path]:
    paths = {out / name if name else out: text for name, text in made.files.items()}
    there = [path for path in paths if path.exists()]
    if there and not force:
        raise Mistake(f"{there[0]} is there already. Name another place, or say --force")
    for path, text in paths.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as problem:
            raise Mistake(f"{path}: {problem.strerror}", code=FAILED) from problem
    return list(paths)


def _visible(text: str) -> str:
    """``text`` of a document for a screen, which takes some signs for commands."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _told(made: Imported) -> Iterator[str]:
    notes = made.notes
    total = f"{_counted(made.operations, 'operation')}, {_counted(made.types, 'type')}"
    if not notes:
        yield f"{total}; all that the document says is said."
        return
    yield f"{total}; {_counted(len(notes), 'thing')} could not be said:"
    for what, count in Counter(note.what for note in notes).most_common():
        yield from _group(what, count, [note for note in notes if note.what == what])


def _counted(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _group(what: str, count: int, notes: Sequence[Note]) -> Iterator[str]:
    instead = dict.fromkeys(note.instead for note in notes)
    yield f"  {what}{f' ({count})' if count > 1 else ''}: {'; '.join(instead)}"
    for note in notes[:_SHOWN]:
        yield f"    {note.where}"
    if count > _SHOWN:
        yield f"    and {count - _SHOWN} more; --json lists them"
