"""coterie scale: more instances of a service, or fewer."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from coterie.console.control import MOST_REPLICAS
from coterie.system import System

from .completion import services
from .likeness import near
from .mistakes import Mistake
from .options import Json, Profile, State, SystemOption
from .running import Running, apart, running, tell

__all__ = ["verb"]

_WORD = re.compile(r"([^=]+)=(\d{1,9})")


def verb(
    counts: Annotated[
        list[str],
        typer.Argument(
            metavar="SERVICE=NUMBER",
            help="How many instances of it are to run.",
            show_default=False,
            autocompletion=services,
        ),
    ],
    system: SystemOption = Path(),
    profile: Profile = None,
    state: State = None,
    json: Json = False,
) -> None:
    """Run more instances of a service, or fewer.

    Returns once new instances answer calls, and those that are too many have finished theirs and
    are gone. Lasts until the system stops; `replicas` in coterie.toml is where it starts.

    With --json each step is an object on a line.

    \b
    Examples:
      coterie scale orders=3
      coterie scale orders=3 users=2 --system examples/shop
    """
    words, path = apart(counts, system)
    asked = running(path, profile=profile, state=state)
    asked.asked(_scale(asked, _wanted(words, asked.system), json=json))


async def _scale(asked: Running, wanted: Mapping[str, int], *, json: bool) -> None:
    for name, count in wanted.items():
        await tell(asked.client.scale(name, count), json=json)


def _wanted(words: Sequence[str], system: System) -> dict[str, int]:
    wanted: dict[str, int] = {}
    for word in words:
        found = _WORD.fullmatch(word)
        if found is None:
            raise Mistake(f"{word!r} is no number of instances: write SERVICE=NUMBER, as orders=3")
        name, count = found[1], int(found[2])
        _check_name(name, count, system)
        if count == 0:
            raise Mistake(f"{name} cannot run 0 instances. To stop it: coterie stop {name}")
        if count > MOST_REPLICAS:
            raise Mistake(f"{name} cannot run {count} instances: {MOST_REPLICAS} at most")
        if wanted.setdefault(name, count) != count:
            raise Mistake(f"{name} is to run {wanted[name]} and {count} instances: say one number")
    if not wanted:
        raise Mistake("say which service, and how many instances of it: coterie scale orders=3")
    return wanted


def _check_name(name: str, count: int, system: System) -> None:
    groups = {group.name: group for group in system.groups}
    if name in groups:
        return
    for group in groups.values():
        if name in group.together:
            raise Mistake(
                f"{name} runs in process {group.name}, with what else is in it. Scale that:"
                f" {group.name}={count}"
            )
    raise Mistake(f"{system.name} has no service {name!r}. {near(name, groups)}")
