"""A running system, as the verbs that ask it see it."""

import asyncio
import shlex
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from coterie.console.control import AlreadyUp, ControlClient, ControlError, NotUp
from coterie.system import System, load

from .likeness import near
from .mistakes import FAILED, Mistake
from .output import say, show_json

__all__ = ["Running", "already_up", "apart", "running", "tell"]

T = TypeVar("T")


class Running(NamedTuple):
    """A system, the options that name it on a command line, and the way to ask it."""

    system: System
    options: str
    client: ControlClient

    def asked(
        self,
        question: Coroutine[Any, Any, T],
        run: Callable[[Coroutine[Any, Any, T]], T] = asyncio.run,
    ) -> T:
        """What ``question`` comes to. Raises `Mistake` where the system does not answer it."""
        try:
            return run(question)
        except NotUp:
            raise self.not_up() from None
        except ControlError as error:
            raise Mistake(error.what, details=[error.remedy], code=FAILED) from None

    def not_up(self) -> Mistake:
        """It is not running, and how to start it."""
        start = f"coterie up{self.options}"
        return Mistake(
            f"{self.system.name} is not running here; start it with `{start}`", code=FAILED
        )

    async def check(self, names: Iterable[str]) -> None:
        """Raises `Mistake` for the first name that is no service and no process of it."""
        if names:
            rows = await self.client.rows()
            shown = {row.name for row in rows}.union(*(row.services for row in rows))
            self.check_among(names, shown)

    def check_among(self, names: Iterable[str], others: Iterable[str]) -> None:
        """As `check`, with ``others`` known beside what is written."""
        written = {service.name for service in self.system.services}
        known = written.union(others, (group.name for group in self.system.groups))
        for name in names:
            if name not in known:
                who = f"{self.system.name} has no service or process {name!r}"
                raise Mistake(f"{who}. {near(name, known)}")


async def tell(steps: AsyncGenerator[str, None], *, json: bool) -> None:
    """Print a line at each of ``steps``, or with ``json`` an object on a line."""
    async with aclosing(steps):
        async for told in steps:
            if json:
                show_json({"told": told})
            else:
                say(told)


def running(path: Path, *, profile: str | None, state: Path | None) -> Running:
    """The system at ``path``. Raises `SystemProblems` where that cannot be read."""
    loaded = load(path, profile=profile, state=state)
    return Running(loaded, _options(path, profile, state), ControlClient(loaded.state))


def already_up(
    error: AlreadyUp, system: System, path: Path, *, profile: str | None, state: Path | None
) -> Mistake:
    """What to say to whoever starts a system, found at ``path``, a second time."""
    facts = ([f"pid {error.pid}"] if error.pid is not None else []) + (
        [error.url] if error.url else []
    )
    told = f" ({', '.join(facts)})" if facts else ""
    return Mistake(
        f"{system.name} is already up{told}; stop it with"
        f" `coterie stop{_options(path, profile, state)}`, or take another state folder with"
        " --state",
        code=FAILED,
    )


def apart(words: Sequence[str], system: Path) -> tuple[list[str], Path]:
    """The names among ``words``, and the system: what looks like a path is one.

    ``coterie stop examples/shop`` means what ``coterie up examples/shop`` does, because no name
    has a slash or a dot in it.
    """
    paths = [word for word in words if "=" not in word and ("/" in word or "." in word)]
    if len(paths) + (system != Path()) > 1:
        named = " and ".join([*paths, *([str(system)] if system != Path() else [])])
        raise Mistake(f"{named} are several systems; name one")
    return [word for word in words if word not in paths], Path(*paths) if paths else system


def _options(path: Path, profile: str | None, state: Path | None) -> str:
    """What names the system after a verb, as a shell reads it, with a space before."""
    words: list[str] = []
    if path != Path():
        # A path without a slash or a dot looks like the name of a service.
        plain = "/" not in str(path) and "." not in str(path)
        words.append(f"./{path}" if plain else str(path))
    words += ["--profile", profile] if profile is not None else []
    words += ["--state", str(state)] if state is not None else []
    return "".join(f" {shlex.quote(word)}" for word in words)
