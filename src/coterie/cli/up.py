"""coterie up: the whole system, in this terminal."""

import asyncio
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
import uvloop

from coterie.console import Interrupted, Up, end_with, reload, up
from coterie.system import System, load

from .logs import set_up_logs
from .mistakes import INTERRUPTED
from .options import Json, Profile, SystemArgument
from .output import complain, say, show_json

__all__ = ["verb"]


def verb(
    system: SystemArgument = Path(),
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, metavar="PORT", help="Port of the gateway; 0 takes a free one."
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 is every one."),
    ] = None,
    profile: Profile = None,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where databases and keys are kept."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--reload", help="Start again whenever a source file changes.")
    ] = False,
    patience: Annotated[
        float,
        typer.Option(min=0.1, metavar="SECONDS", help="How long a service may take to start."),
    ] = 60.0,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log at DEBUG too.")] = False,
    json: Json = False,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run a system: every service, behind the gateway, until Ctrl-C.

    Brings the databases up to date, starts every service, then answers. Ctrl-C or SIGTERM
    finishes the calls under way and stops; once more stops at once.

    The log goes to standard error. With --json each of its lines is an object, and so is the line
    on standard output that says it is ready.

    \b
    Examples:
      coterie up
      coterie up examples/shop --port 18080
      coterie up --reload
    """
    if watch:
        _check_there(system)
        again = _command(system, _port(port), host, profile, state, patience)
        again += ["--json"] * json + ["--verbose"] * verbose
        folder = system if system.is_dir() else system.parent
        raise typer.Exit(_reload(again, folder, state, json=json))
    began = perf_counter()
    if parent is not None:
        end_with(parent)
    set_up_logs(json=json, verbose=verbose)
    loaded = load(system, profile=profile, state=state).listening(host=host, port=port)

    def ready(running: Up) -> None:
        if json:
            names = [running_host.name for running_host in running.assembly.hosts]
            seconds = round(running.seconds, 3)
            show_json({"event": "ready", "url": running.url, "seconds": seconds, "services": names})
        else:
            _greet(running, loaded)

    running = up(
        loaded,
        ready=ready,
        access_json=json,
        began=began,
        patience=patience,
        follower=parent is not None,
    )
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(running)
    except Interrupted:
        raise typer.Exit(INTERRUPTED) from None


def _greet(running: Up, system: System) -> None:
    for host in running.assembly.hosts:
        count = len(host.operations)
        say(f"  {host.name:<12} {count} operation{'' if count == 1 else 's'}", "dim")
    docs = f"   docs: {running.url}/docs" if system.gateway.docs else ""
    say(f"ready in {running.seconds:.1f} s   {running.url}{docs}", "bold green")


def _check_there(system: Path) -> None:
    # A file that is wrong may be mended while we watch; one that is not there will never change.
    if not system.exists():
        load(system)


def _port(port: int | None) -> int | None:
    """A port that stays the same however often the system is started again."""
    if port != 0:
        return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


def _command(
    system: Path,
    port: int | None,
    host: str | None,
    profile: str | None,
    state: Path | None,
    patience: float,
) -> list[str]:
    # -P: as with the command `coterie` itself, this folder is not where modules come from.
    command = [sys.executable, "-P", "-m", "coterie", "up", str(system)]
    options = {"--port": port, "--host": host, "--profile": profile, "--state": state}
    for name, value in options.items():
        if value is not None:
            command += [name, str(value)]
    return [*command, "--patience", str(patience), "--parent", str(os.getpid())]


def _reload(command: list[str], folder: Path, state: Path | None, *, json: bool) -> int:
    def told(changed: Sequence[Path]) -> None:
        if json:
            show_json({"event": "changed", "files": changed})
        else:
            more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
            say(f"changed: {', '.join(map(str, changed[:5]))}{more}; starting again", "bold")

    def failed(code: int) -> None:
        if json:
            show_json({"event": "failed", "code": code})
        else:
            complain([f"it ended with exit code {code}; waiting for a change to start it again"])

    ignore = () if state is None else (state,)
    return reload(command, folder, told=told, failed=failed, ignore=ignore)
