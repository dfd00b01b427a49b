"""coterie call: one typed call from the terminal."""

import asyncio
import difflib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from coterie.call import Failure, calling
from coterie.client import connect
from coterie.contract import Contract, Fault, Operation
from coterie.system import System, load, resolve

from .arguments import NotUnderstood, arguments_of
from .options import Profile
from .output import error, show_json

__all__ = ["call_command"]


def call_command(
    operation: Annotated[str, typer.Argument(help="Contract and operation: orders.place")],
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]...", help="Arguments; - reads JSON from stdin."),
    ] = None,
    system: Annotated[
        Path, typer.Option(help="Folder with a coterie.toml, or the file.")
    ] = Path(),
    url: Annotated[
        str | None, typer.Option(help="Where to call; the system's gateway without it.")
    ] = None,
    token: Annotated[str | None, typer.Option(help="Access token to send.")] = None,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds to wait.")] = 30.0,
    profile: Profile = None,
) -> None:
    """Call an operation with typed arguments, and print its result as JSON.

    Fields of a struct are given one by one, or as JSON on standard input.

    \b
    Examples: coterie call users.login name=alice password=... --system examples/shop
              echo '{"user_id": 1, ...}' | coterie call orders.place -
    """
    loaded = load(system, profile=profile)
    contract, found = _find(loaded, operation)
    try:
        arguments = arguments_of(found, values or [], sys.stdin)
    except NotUnderstood as problem:
        error(str(problem))
        raise typer.Exit(2) from None
    where = url or f"http://{_reachable(loaded.gateway.host)}:{loaded.gateway.port}"
    try:
        result = asyncio.run(_call(contract, found, arguments, where, token, timeout))
    except Fault as fault:
        error(f"{fault}  {fault!r}")
        raise typer.Exit(1) from None
    except Failure as failure:
        error(f"{failure.code.value}: {failure.message}")
        for violation in failure.violations:
            error(f"{violation.where} {violation.pointer}: {violation.detail}")
        raise typer.Exit(1) from None
    if isinstance(result, bytes):
        sys.stdout.buffer.write(result)
    elif found.result.type is not type(None):
        show_json(result)


async def _call(
    contract: type[Contract],
    operation: Operation,
    arguments: dict[str, Any],
    url: str,
    token: str | None,
    timeout: float,
) -> Any:
    async with connect(contract, url) as client:
        with calling(timeout=timeout, token=token):
            result = await getattr(client, operation.name)(**arguments)
            if operation.result.stream:
                return b"".join([chunk async for chunk in result])
            return result


def _find(system: System, name: str) -> tuple[type[Contract], Operation]:
    known: dict[str, tuple[type[Contract], Operation]] = {
        operation.id: (description.contract, operation)
        for service in resolve(system)
        for description in service.descriptions
        for operation in description.operations
        if operation.path is not None
    }
    if name not in known:
        error(f"there is no operation {name!r} at the gateway. {_near(name, list(known))}")
        raise typer.Exit(2)
    return known[name]


def _near(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 3)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"There are: {', '.join(sorted(known))}"


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  # not listened on

