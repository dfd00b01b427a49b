"""coterie up: the whole system, in this terminal."""

import asyncio
import logging
import sys
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
import uvloop

from coterie.console import Up, reload, up
from coterie.system import load

from .options import Json, Profile, SystemPath
from .output import say, show_json

__all__ = ["up_command"]


def up_command(
    system: SystemPath = Path(),
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Gateway's port; 0 takes a free one.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address the gateway listens on.")] = None,
    profile: Profile = None,
    state: Annotated[
        Path | None, typer.Option(help="Folder for databases and keys; .coterie without it.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--reload", help="Start again whenever a file changes.")
    ] = False,
    json: Json = False,
) -> None:
    """Run a system: every service, behind the gateway, until Ctrl-C.

    \b
    Example: coterie up examples/shop --port 18080
    """
    if watch:
        arguments = [argument for argument in sys.argv[1:] if argument != "--reload"]
        command = [sys.executable, "-m", "coterie", *arguments]
        folder = system if system.is_dir() else system.parent
        raise typer.Exit(reload(command, folder, told=say))
    began = perf_counter()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    loaded = load(system, profile=profile, state=state).listening(host=host, port=port)

    def ready(running: Up) -> None:
        if json:
            show_json({"event": "ready", "url": running.url, "seconds": running.seconds})
            sys.stdout.flush()
        else:
            _greet(running)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(up(loaded, ready=ready, access_json=json, began=began))


def _greet(running: Up) -> None:
    for host in running.assembly.hosts:
        operations = len(host.operations)
        say(f"  {host.name:<12} {operations} operations", "dim")
    say(f"ready in {running.seconds:.1f} s   {running.url}   docs: {running.url}/docs", "bold green")
    sys.stdout.flush()
