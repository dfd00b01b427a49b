"""coterie up: the whole system, in this terminal."""

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer
import uvloop

from coterie.console import Interrupted, Up, end_with, reload, up
from coterie.console.control import AlreadyUp
from coterie.console.supervisor import Source, Supervised, fork_for, join, launcher, supervise
from coterie.system import System, load

from .log_format import set_up_logs
from .mistakes import INTERRUPTED, Mistake
from .options import Json, Profile, SystemArgument
from .output import complain, say, show_json
from .running import already_up
from .running import running as running_system
from .stream import Stream

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
    one_process: Annotated[
        bool, typer.Option("--one-process", help="Run every service in this process.")
    ] = False,
    joins: Annotated[
        str | None,
        typer.Option(
            "--join",
            metavar="SERVICE",
            help="Run this service here, in the place of the running system's own.",
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--reload", help="Start anew what a changed source file touches.")
    ] = False,
    patience: Annotated[
        float,
        typer.Option(min=0.1, metavar="SECONDS", help="How long a service may take to start."),
    ] = 60.0,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log at DEBUG too.")] = False,
    json: Json = False,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
    starter: Annotated[int | None, typer.Option(hidden=True)] = None,
    harmed: Annotated[bool, typer.Option("--harmed", hidden=True)] = False,
) -> None:
    """Run a system, each service in its own process.

    Starts the broker, brings the databases up to date, starts every service and the gateway, then
    answers; what dies is started again. Ctrl-C or SIGTERM finishes the calls under way and stops;
    once more stops at once.

    The log goes to standard error. With --json each of its lines is an object, and so is the line
    on standard output that says it is ready.

    \b
    Examples:
      coterie up
      coterie up examples/shop --port 18080
      coterie up --reload
      coterie up --one-process
      coterie up --join orders
    """
    began = perf_counter()
    if one_process and watch:
        _check_there(system)
        again = _command(system, _port(port), host, profile, state, patience)
        again += ["--json"] * json + ["--verbose"] * verbose
        folder = system if system.is_dir() else system.parent
        raise typer.Exit(_reload(again, folder, state, json=json))
    if parent is not None:
        end_with(parent)
    set_up_logs(json=json, verbose=verbose)
    if starter is not None:
        fork_for(starter, os.getppid())
    loaded = load(system, profile=profile, state=state).listening(host=host, port=port)
    if joins is not None:
        _join(joins.split(","), system, profile, state, json=json, patience=patience)
        return
    if sys.platform != "linux" and not one_process:
        complain(["processes of their own need Linux: here all services run in this one"])
        one_process = True
    if one_process:
        running = up(
            loaded,
            ready=_told(loaded, json=json),
            access_json=json,
            began=began,
            patience=patience,
            follower=parent is not None,
        )
        _run(running, uvloop.new_event_loop)
        return
    # The fork server first: it must never have had a thread, nor an event loop.
    launch = launcher(_again(json=json, verbose=verbose))
    stream = Stream(sys.stderr, json=json)
    stream.start()
    set_up_logs(json=json, verbose=verbose, stream=stream)
    try:
        running = supervise(
            loaded,
            Source(system, profile, state),
            launch,
            ready=_greeting(loaded, json=json),
            show=stream.show,
            own=stream.through,
            json=json,
            began=began,
            patience=patience,
            watch=watch,
            harmed=harmed,
        )
        _run(running, asyncio.new_event_loop)
    except AlreadyUp as error:
        raise already_up(error, loaded, system, profile=profile, state=state) from error
    finally:
        stream.stop()


def _run(running: Any, loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(running)
    except Interrupted:
        raise typer.Exit(INTERRUPTED) from None


def _join(
    services: Sequence[str],
    path: Path,
    profile: str | None,
    state: Path | None,
    *,
    json: bool,
    patience: float,
) -> None:
    there = running_system(path, profile=profile, state=state)
    for service in services:
        try:
            there.system.service(service)
        except LookupError as error:
            raise Mistake(str(error)) from None

    def told(line: str) -> None:
        if json:
            show_json({"told": line})
        else:
            say(line, "bold green")

    joined = join(there.system, services, told=told, access_json=json, patience=patience)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            there.asked(joined, runner.run)
    except Interrupted:
        raise typer.Exit(INTERRUPTED) from None


def _told(system: System, *, json: bool) -> Callable[[Up], None]:
    def told(running: Up) -> None:
        if json:
            names = [host.name for host in running.assembly.hosts]
            seconds = round(running.seconds, 3)
            show_json({"event": "ready", "url": running.url, "seconds": seconds, "services": names})
            return
        for host in running.assembly.hosts:
            count = len(host.operations)
            say(f"  {host.name:<12} {count} operation{'' if count == 1 else 's'}", "dim")
        docs = f"   docs: {running.url}/docs" if system.gateway.docs else ""
        say(f"ready in {running.seconds:.1f} s   {running.url}{docs}", "bold green")

    return told


def _greeting(system: System, *, json: bool) -> Callable[[Supervised], None]:
    def greet(running: Supervised) -> None:
        services = [row for row in running.rows if row.kind == "service"]
        away = [row.name for row in running.rows if row.state != "up"]
        if json:
            show_json(
                {
                    "event": "ready",
                    "url": running.url,
                    "console": running.console,
                    "seconds": round(running.seconds, 3),
                    "services": [service.name for service in system.services],
                    "away": away,
                }
            )
            return
        for row in services:
            also = "" if row.state == "up" else f"   {row.state}: {row.note}"
            say(f"  {row.name:<14} pid {row.pid or '-':<8} {row.address or ''}{also}", "dim")
        docs = f"   docs: {running.url}/docs" if system.gateway.docs else ""
        without = f"   without {', '.join(away)}" if away else ""
        say(
            f"ready in {running.seconds:.1f} s   {running.url}{docs}   "
            f"console: {running.console}{without}",
            "bold yellow" if away else "bold green",
        )

    return greet


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
    command = [sys.executable, "-P", "-m", "coterie", "up", str(system), "--one-process"]
    options = {"--port": port, "--host": host, "--profile": profile, "--state": state}
    for name, value in options.items():
        if value is not None:
            command += [name, str(value)]
    return [*command, "--patience", str(patience), "--parent", str(os.getpid())]


def _again(*, json: bool, verbose: bool) -> list[str]:
    """The command that becomes a fork server, should the first one die."""
    flags = ["--json"] * json + ["--verbose"] * verbose
    return [sys.executable, "-P", "-m", "coterie", "up", *flags, "--starter"]


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
