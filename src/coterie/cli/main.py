"""coterie: the command."""

import sys
from typing import Annotated

import typer

from coterie import __version__
from coterie.contract import ContractError
from coterie.server import PortTaken
from coterie.system import SystemProblems

from .call import call_command
from .check import check_command
from .describe import describe_command
from .migrate import migrate_command
from .new import new_command
from .output import complain, error
from .routes import routes_command
from .up import up_command

__all__ = ["app", "main"]

app = typer.Typer(
    name="coterie",
    help="Service-oriented systems in Python: typed contracts, plain classes, one command.",
    epilog="Begin with: coterie new demo && cd demo && coterie up",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
for _name, _function in (
    ("new", new_command),
    ("check", check_command),
    ("up", up_command),
    ("call", call_command),
    ("describe", describe_command),
    ("routes", routes_command),
    ("migrate", migrate_command),
):
    app.command(_name)(_function)


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"coterie {__version__}\n")
        raise typer.Exit


@app.callback()
def coterie(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Service-oriented systems in Python: typed contracts, plain classes, one command."""


def main() -> None:
    """Run the command line; known mistakes end with a message and a code, not a traceback."""
    try:
        app()
    except SystemProblems as found:
        complain(found.problems)
        sys.exit(1)
    except (ContractError, LookupError, PortTaken) as problem:
        error(str(problem.args[0] if isinstance(problem, LookupError) else problem))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
