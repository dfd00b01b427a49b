"""The verbs, each in a module of its own that is imported once it is asked for."""

import importlib
import keyword
import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

__all__ = ["SUMMARIES", "Verb", "Verbs", "file_of"]

# What `coterie --help` says of each, so that it need not import them: a server and a client take
# ten times as long as the help itself. Each is the first line of its function's docstring.
SUMMARIES = {
    "new": "Write a new system: a contract, a service, a test.",
    "check": "Find every problem of a system, with file, line and remedy.",
    "up": "Run a system, each service in its own process.",
    "ps": "Show every process of a running system.",
    "logs": "Show what the processes of a system have logged.",
    "scale": "Run more instances of a service, or fewer.",
    "restart": "Restart services one by one, without losing a call.",
    "stop": "Stop a running system, or some of its services.",
    "call": "Call an operation with typed arguments; print its result.",
    "describe": "Show what a service promises.",
    "import": "Write the contract of a program that describes itself.",
    "inventory": "List the services, their owners, contracts and dependencies.",
    "routes": "List what the gateway answers, and who may call.",
    "policies": "Show what protects the calls of an operation.",
    "chaos": "Harm a system on purpose while it is used, and audit it.",
    "deploy": "Write the files that others run a system with.",
    "migrate": "Bring every database up to date, or write a migration.",
    "engines": "List the engines on this machine: broker, gateway, databases.",
}

_TYPE = re.compile(r" <[^>]+>$")


class Verb(TyperCommand):
    """One verb. Its help names arguments plainly, without types and braces."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What follows the name in the usage line."""
        return [re.sub("[{}]", "", piece) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections of arguments and of options."""
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            records = [
                record
                for parameter in self.get_params(ctx)
                if parameter.param_type_name == kind
                and (record := parameter.get_help_record(ctx)) is not None
            ]
            if records:
                with formatter.section(title):
                    formatter.write_dl([(_TYPE.sub("", name), told) for name, told in records])


class Verbs(TyperGroup):
    """Lists all verbs, and loads the one that is used."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {name: Verb(name, help=told) for name, told in SUMMARIES.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The verb that ``args`` begin with, loaded, and what follows it."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, found if name is None else _load(name), rest


def file_of(name: str) -> str:
    """The module of a verb: `import` is no name that a module of Python can have."""
    return f"{name}ing" if keyword.iskeyword(name) else name


def _load(name: str) -> Any:
    module = importlib.import_module(f"coterie.cli.{file_of(name)}")
    verb = typer.Typer(add_completion=False, rich_markup_mode=None)
    settings = {"help_option_names": ["-h", "--help"]}
    verb.command(name, cls=Verb, context_settings=settings)(module.verb)
    return typer.main.get_command(verb)
