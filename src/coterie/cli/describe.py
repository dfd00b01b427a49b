"""coterie describe: a service's contract, in the form asked for."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from coterie.binding.rest.openapi import openapi
from coterie.contract import Description
from coterie.system import load, resolve

from .options import Profile
from .output import say, show_json, table

__all__ = ["describe_command"]


class Form(enum.StrEnum):
    """What a contract can be shown as."""

    TEXT = "text"
    OPENAPI = "openapi"


def describe_command(
    service: Annotated[
        str | None, typer.Argument(help="A service; all of them without it.", show_default=False)
    ] = None,
    system: Annotated[
        Path, typer.Option(help="Folder with a coterie.toml, or the file.")
    ] = Path(),
    form: Annotated[Form, typer.Option("--as", help="Form to print.")] = Form.TEXT,
    profile: Profile = None,
) -> None:
    """Show what a service promises.

    \b
    Example: coterie describe orders --as openapi --system examples/shop
    """
    loaded = load(system, profile=profile)
    if service is not None:
        loaded.service(service)
    found = [one for one in resolve(loaded) if service in (None, one.name)]
    descriptions = [description for one in found for description in one.descriptions]
    if form is Form.OPENAPI:
        title = loaded.name if service is None else service
        version = loaded.version or "1.0"
        secured = loaded.identity is not None
        show_json(openapi(descriptions, title=title, version=version, secured=secured))
        return
    for description in descriptions:
        _print(description)


def _print(description: Description) -> None:
    say(f"{description.name} {description.version}  {description.summary}", "bold")
    table(
        ("METHOD", "PATH", "OPERATION", "SUMMARY"),
        [
            (operation.method, operation.path or "(call)", operation.name, operation.summary)
            for operation in description.operations
        ],
    )
    for event in description.events:
        say(f"event {event.name}: {event.payload.__name__}")
    say("")
