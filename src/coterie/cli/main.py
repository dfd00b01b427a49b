"""coterie: the command."""

import importlib
import os
import sys
import threading
from collections.abc import Sequence
from time import monotonic
from typing import Annotated

import typer

from coterie import __version__

from .verbs import Verbs

__all__ = ["app", "main", "run"]

_HELP = "Service-oriented systems in Python: typed contracts, plain classes, one command."
_INTERRUPTED = 130  # as a shell has it: 128 + SIGINT
_PATIENCE = 1.0

app = typer.Typer(
    name="coterie",
    cls=Verbs,
    help=_HELP,
    epilog="Begin with: coterie new demo && cd demo && coterie up",
    invoke_without_command=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"coterie {__version__}\n")
        raise typer.Exit


@app.callback()
def coterie(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001  # its callback does it
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """What comes before the verb."""
    if context.invoked_subcommand is None:
        sys.stdout.write(f"{context.get_help()}\n")
        raise typer.Exit(2)


def main() -> None:
    """Run the command line of this process, and end it."""
    _leave(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; its exit code.

    Every mistake of the user's ends here, with a message on standard error. A traceback means a
    defect of Coterie.
    """
    try:
        command = typer.main.get_command(app)
        code = command.main(list(arguments), prog_name="coterie", standalone_mode=False)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:
        # Knows the errors of every room, so it is imported where there is one to tell.
        mistakes = importlib.import_module("coterie.cli.mistakes")
        told: int | None = mistakes.tell(error, json="--json" in arguments)
        if told is None:
            raise
        return told
    return code if isinstance(code, int) else 0


def _leave(code: int) -> None:
    """End the process, though threads of users' code may want to go on."""
    until = monotonic() + _PATIENCE
    others = [t for t in threading.enumerate() if not (t.daemon or t is threading.main_thread())]
    for thread in others:
        thread.join(max(until - monotonic(), 0))
    if any(thread.is_alive() for thread in others):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
