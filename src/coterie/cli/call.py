"""coterie call: one typed call from the terminal."""

import asyncio
import shlex
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from coterie.call import Failure, Sent, calling
from coterie.client import connect
from coterie.console.control import holder
from coterie.contract import Code
from coterie.system import System, load, resolve

from .arguments import arguments_of
from .completion import operations, parameters
from .mistakes import FAILED, Mistake
from .naming import Named, operation_of
from .options import Json, Profile, State, SystemOption
from .output import show_json

__all__ = ["verb"]


def verb(
    operation: Annotated[
        str,
        typer.Argument(
            metavar="OPERATION",
            help="Contract and operation, such as orders.place.",
            autocompletion=operations,
        ),
    ],
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE",
            help="What it takes; - reads JSON from standard input.",
            show_default=False,
            autocompletion=parameters,
        ),
    ] = None,
    system: SystemOption = Path(),
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Where to call; the gateway of the running system without."
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(metavar="TOKEN", help="Access token to send; @FILE reads it from a file."),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Idempotency key to send."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.001, metavar="SECONDS", help="How long it may take.")
    ] = 30.0,
    profile: Profile = None,
    state: State = None,
    json: Json = False,
) -> None:
    """Call an operation with typed arguments; print its result.

    NAME is a parameter, or a field of the struct that is the body; NAME.NAME a field inside a
    field. Given again, it adds to a list. NAME=@FILE sends the bytes of a file. A word - reads a
    JSON object with any of these from standard input.

    Prints the result as JSON, text and bytes as they are. A fault or a failure is told on standard
    error, with exit code 1.

    \b
    Examples:
      coterie call greeter.greet name=world
      coterie call users.login username=alice password=secret
      coterie call orders.place user_id=1 product_id=2 quantity=3 date=2026-01-31 --token @token
      echo '{"username": "alice"}' | coterie call users.login - password=secret
    """
    loaded = load(system, profile=profile, state=state)
    named = operation_of(resolve(loaded), operation)
    _check_reachable(named)
    found = named.operation
    if "-" in (values or ()) and sys.stdin.isatty():
        sys.stderr.write("reading JSON from the terminal; Ctrl-D ends it\n")
    arguments = arguments_of(found, values or [], sys.stdin.buffer)
    context = {"token": _token(token), "idempotency_key": idempotency_key, "timeout": timeout}
    where = url or _gateway(loaded)
    try:
        asyncio.run(_call(named, arguments, where, context, json=json))
    except Failure as failure:
        if failure.code is Code.UNAVAILABLE and failure.sent is Sent.NOT_SENT:
            hint = _is_it_up(system, where, own=url is None)
        elif failure.code is Code.UNAUTHENTICATED and token is None:
            hint = "Send an access token with --token"
        else:
            raise
        raise Failure(failure.code, f"{failure.message}. {hint}", sent=failure.sent) from None


async def _call(
    named: Named, arguments: Mapping[str, Any], url: str, context: Mapping[str, Any], *, json: bool
) -> None:
    operation = named.operation
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(connect(named.description.contract, url))
        except ValueError:
            raise Mistake(f"--url: {url!r} is no address: write http://HOST:PORT") from None
        with calling(**context):
            result = await getattr(client, operation.name)(**arguments)
            if operation.result.stream:
                async for chunk in result:
                    _write(chunk)
            elif isinstance(result, bytes):
                _write(result)
            elif isinstance(result, str) and operation.result.media is not None and not json:
                sys.stdout.write(result if result.endswith("\n") else f"{result}\n")
            elif json or operation.result.type is not type(None):
                show_json(result)


def _write(content: bytes) -> None:
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def _check_reachable(named: Named) -> None:
    if named.operation.path is None:
        raise Mistake(
            f"{named.operation.id} is for other services only: it has no path, and the gateway"
            " does not reach it. Give it one with @post, or call it from a service or a test"
        )
    if not named.service.spec.public:
        raise Mistake(
            f"{named.operation.id} is in service {named.service.name}, which is public = false:"
            " the gateway does not reach it"
        )


def _token(token: str | None) -> str | None:
    # As an argument every user of the machine sees it, and the shell's history keeps it.
    if token is None or not token.startswith("@"):
        return token
    try:
        return Path(token[1:]).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise Mistake(f"--token: {token[1:]} cannot be read: {reason}") from None


def _gateway(system: System) -> str:
    """Where the system answers that keeps its state here; where it is written to, if none is up.

    What is written may be another's by now: `up --port` takes another port, and so may a copy.
    """
    found = holder(system.state)
    if found is not None:
        if found.url is None:
            what = f"{system.name} is just starting or stopping; try again in a moment"
            raise Mistake(what, code=FAILED)
        return found.url
    host, port = system.gateway.host, system.gateway.port
    if port == 0:
        raise Mistake(
            f"the gateway of {system.name} takes any free port. Say which with --url: `coterie up`"
            " has printed it"
        )
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # not listened on
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _is_it_up(system: Path, url: str, *, own: bool) -> str:
    if not own:
        return f"Is it up at {url}?"
    folder = "" if system == Path() else f" {shlex.quote(str(system))}"
    return f"Is it up? Start it: coterie up{folder}"
