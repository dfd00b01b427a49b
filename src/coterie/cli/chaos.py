"""coterie chaos: a system harmed on purpose, and what became of those who used it."""

import asyncio
import sys
from pathlib import Path
from secrets import randbelow
from typing import Annotated

import typer

from coterie.console.chaos import (
    Plan,
    Report,
    Stage,
    StageFailed,
    Strike,
    Tries,
    Watcher,
    plan,
    targets_of,
    wreak,
)
from coterie.system import System, find_workload, load

from .mistakes import FAILED, INTERRUPTED, Mistake
from .options import Json, Profile, SystemArgument
from .output import labelled, say, show_json, table

__all__ = ["verb"]

_SECONDS = 60.0
_LEAST = 5.0
_MOST = 24 * 3600.0
_SHOWN = 10


def verb(
    system: SystemArgument = Path(),
    minutes: Annotated[
        float | None, typer.Option(metavar="MINUTES", help="How long faults are put in.")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="The same in seconds; 60 where neither is given."),
    ] = None,
    number: Annotated[
        int | None,
        typer.Option(min=0, metavar="NUMBER", help="Decides all that is done; any one without it."),
    ] = None,
    only_plan: Annotated[
        bool, typer.Option("--plan", help="Print what would be done, and do nothing.")
    ] = False,
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, metavar="PORT", help="Port of the gateway; 0 takes a free one."
        ),
    ] = 0,
    profile: Profile = None,
    any_database: Annotated[
        bool,
        typer.Option("--any-database", help="Use databases that lie outside of the run's folder."),
    ] = False,
    json: Json = False,
) -> None:
    """Harm a system on purpose while it is used, and audit it.

    Starts the system in a folder of its own, has its workload use it, and kills, pauses, delays,
    fails and cuts off whatever there is, all decided by the number before it begins: the same
    number does the same again. Then the workload audits what is left.

    The system names its workload in coterie.toml: [chaos] workload = "module:Class". Exit code 1
    where anything was lost, or done twice, or is otherwise not as it must be. Ctrl-C ends it early,
    with its audit.

    With --json the report, or with --plan the plan, is an object on standard output.

    \b
    Examples:
      coterie chaos examples/shop --minutes 5 --number 42
      coterie chaos examples/shop --seconds 30 --number 42 --plan
    """
    loaded, profile = _loaded(system, profile)
    workload = find_workload(loaded)
    lasts = _lasting(minutes, seconds)
    chaos = loaded.chaos
    chosen = randbelow(2**31) if number is None else number
    try:
        planned = plan(chosen, lasts, targets_of(loaded), chaos.weights if chaos else None)
    except ValueError as error:
        raise Mistake(f"[chaos] weights: {error}") from None
    if only_plan:
        _show_plan(planned, json=json)
        return
    if not any_database:
        _check_databases(loaded)
    watcher = _Quiet() if json else _Teller(planned)
    try:
        found = asyncio.run(
            wreak(
                loaded,
                workload,
                planned,
                parallel=chaos.parallel if chaos else 1,
                port=port,
                profile=profile,
                watcher=watcher,
            )
        )
    except StageFailed as error:
        what = f"{loaded.name} did not come up"
        raise Mistake(what, details=str(error).splitlines(), code=FAILED) from None
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise typer.Exit(INTERRUPTED) from None
    if json:
        show_json({"right": found.right, **_plain(found)})
    else:
        _show(found)
    if not found.right:
        raise typer.Exit(FAILED)


def _loaded(path: Path, profile: str | None) -> tuple[System, str | None]:
    """The system, under the profile that it names for such runs unless another is asked for."""
    loaded = load(path, profile=profile)
    if profile is None and loaded.chaos is not None and loaded.chaos.profile is not None:
        profile = loaded.chaos.profile
        loaded = load(path, profile=profile)
    return loaded, profile


def _lasting(minutes: float | None, seconds: float | None) -> float:
    if minutes is not None and seconds is not None:
        raise Mistake("--minutes and --seconds say the same; give one of them")
    lasts = minutes * 60 if minutes is not None else seconds if seconds is not None else _SECONDS
    if not _LEAST <= lasts <= _MOST:
        raise Mistake(f"a run takes {_LEAST:g} seconds at least, and a day at most")
    return lasts


def _check_databases(system: System) -> None:
    """What is written to must go away with the run. Raises `Mistake`."""
    for service in system.services:
        if str(system.state) not in system.database(service):
            what = f"{service.name} would keep its data outside of the run's own folder"
            raise Mistake(
                what,
                details=[
                    "Unset DATABASE_URL, or write {state} in [engines] database for this profile",
                    "--any-database fills that database all the same, and leaves it so",
                ],
            )


def _show_plan(planned: Plan, *, json: bool) -> None:
    if json:
        show_json({"plan": planned.digest, "number": planned.number, "strikes": planned.strikes})
        return
    say(f"number {planned.number}   plan {planned.digest}   {planned.seconds:g} s", "bold")
    for strike in planned.strikes:
        say(f"  {strike}")


class _Quiet(Watcher):
    """Nothing but the report is for machines."""


class _Teller(Watcher):
    """Tells people how it goes: a line a strike, and one that is written over."""

    def __init__(self, planned: Plan) -> None:
        self._plan = planned
        self._live = sys.stdout.isatty()

    def staged(self, stage: Stage) -> None:
        lasts = f"{self._plan.seconds:g} s"
        say(f"number {self._plan.number}   plan {self._plan.digest}   {lasts}", "bold")
        say(f"up at {stage.url}   its data, thrown away at the end: {stage.state}", "dim")

    def struck(self, strike: Strike) -> None:
        self._clear()
        say(f"  {strike}", "red" if strike.kind == "kill" else "yellow")

    def going(self, seconds: float, tries: Tries) -> None:
        if self._live:
            told = f"  {seconds:5.0f} s of {self._plan.seconds:g}   {tries.attempted} attempted"
            told += f"   {tries.acknowledged} acknowledged   {tries.unknown} unknown"
            told += f"   {tries.failed} failed"
            sys.stdout.write(f"\r\x1b[2K{told}")
            sys.stdout.flush()

    def auditing(self) -> None:
        self._clear()
        say("all is quiet; the audit begins", "dim")

    def _clear(self) -> None:
        if self._live:
            sys.stdout.write("\r\x1b[2K")
            sys.stdout.flush()


def _show(found: Report) -> None:
    wrong = {"lost": found.lost, "duplicated": found.duplicated, "unexpected": found.unexpected}
    injected = ", ".join(f"{count} {kind}" for kind, count in found.injected.items())
    table(
        ("WHAT", "HOW MANY"),
        [
            ("attempted", str(found.attempted)),
            ("acknowledged", str(found.acknowledged)),
            ("unknown", str(found.unknown)),
            ("failed", str(found.failed)),
            *((name, str(len(lines))) for name, lines in wrong.items()),
        ],
        right=("HOW MANY",),
    )
    say(f"injected       {injected or 'nothing'}{f', {found.missed} missed' * bool(found.missed)}")
    if found.recovery_median is not None:
        times = f"{found.recovery_median:.2f} s median, {found.recovery_longest or 0:.2f} s longest"
        say(f"back after     {times}, of {len(found.recoveries)} kills")
    for name, lines in wrong.items():
        for line in lines[:_SHOWN]:
            labelled(name, line, "bold red")
        if len(lines) > _SHOWN:
            say(f"and {len(lines) - _SHOWN} more", "dim")
    again = f"number {found.number}, plan {found.plan}"
    early = ", ended early" if found.interrupted else ""
    if found.right:
        say(f"nothing lost, nothing twice   {again}{early}", "bold green")
    else:
        say(f"not as it must be   {again}{early}", "bold red")


def _plain(found: Report) -> dict[str, object]:
    return {name: getattr(found, name) for name in found.__struct_fields__}
