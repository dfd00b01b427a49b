"""Crew: the instances of services that share a process, as many as are wanted."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine

from coterie.system import ProcessSpec, Replicas

from .kept import Kept, NotStarted

__all__ = ["Crew"]


class Crew:
    """Instances of ``spec``; ``make`` makes the one of a name (``orders-2``), not yet started."""

    def __init__(self, spec: ProcessSpec, make: Callable[[str], Kept]) -> None:
        self.spec = spec
        self.name = spec.name
        self.members: list[Kept] = []
        self.guest: str | None = None
        """A process from elsewhere that serves in its place."""

        self.stale = False
        """Whether some of it is older than it should be: a successor did not start."""
        self._make = make
        self._turn = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()
        self._ended = False

    @property
    def up(self) -> bool:
        """Whether an instance answers."""
        return any(member.up for member in self.members)

    def start(self) -> None:
        """Begin with as many as the file says, at least."""
        replicas = self.spec.replicas
        for _ in range(replicas.min if isinstance(replicas, Replicas) else replicas):
            self._add()

    async def renew(self, spec: ProcessSpec) -> AsyncGenerator[str, None]:
        """Be as many as ``spec`` says, where it says something new."""
        before, self.spec = self.spec, spec
        if spec.replicas == before.replicas or self.guest is not None:
            return
        count = spec.replicas
        if isinstance(count, Replicas):
            count = max(count.min, min(count.max, len(self.members)))
        async for told in self.scale(count):
            yield told

    async def scale(self, count: int) -> AsyncGenerator[str, None]:
        """Run ``count``; a line at each step. Those that go finish what they have.

        Raises `NotStarted` once all else is done, if one of them does not start.
        """
        async with self._turn:
            if self._ended:
                return
            new = [member for member in self.members[:count] if member.state == "stopped"]
            for member in new:
                member.start()
            new += [self._add() for _ in range(count - len(self.members))]
            for member in new:
                await member.settled.wait()
                if member.up:
                    yield f"{member.name} is up"
            surplus = self.members[count:]
            leaving = [self._carry_through(self._dismiss(member)) for member in surplus]
            for member, task in zip(surplus, leaving, strict=True):
                await asyncio.shield(task)
                yield f"{member.name} has stopped"
            away = [
                f"{member.name} does not start: {member.note}" for member in new if not member.up
            ]
            if away:
                raise NotStarted("; ".join(away))

    async def restart(self, only: Kept | None = None) -> AsyncGenerator[str, None]:
        """Replace one after the other, each once the next answers.

        Raises `NotStarted` at the first that does not.
        """
        async with self._turn:
            self.stale = True
            for member in list(self.members):
                if self._ended or (only is not None and member is not only):
                    continue
                try:
                    await member.replace()
                except NotStarted as error:
                    kept = "; the one there is goes on" if member.up else ""
                    raise NotStarted(f"{member.name} does not start: {error}{kept}") from error
                yield f"{member.name} is up"
            self.stale = False

    async def stop(self, only: Kept | None = None) -> None:
        """Stop all, or one; they keep their names for `restart`.

        Those who call are given the time to learn of it. Carried through even if nobody waits.
        """
        await asyncio.shield(self._carry_through(self._stop(only, linger=True)))

    async def end(self) -> None:
        """Stop all, for good: nothing starts them again."""
        self._ended = True
        # Not in turn: a change under way may wait for a process that takes long to start.
        await asyncio.gather(*(member.stop() for member in list(self.members)))
        await self._stop(None, linger=False)

    async def begin(self) -> None:
        """Start what was stopped; when this returns its addresses take connections again."""
        async with self._turn:
            for member in self.members:
                if member.state == "stopped" and not self._ended:
                    member.start()
            await asyncio.sleep(0)  # each task has begun, and holds its address, when we go on

    async def settled(self) -> None:
        """Wait until each that was started answers, or has failed to."""
        for member in list(self.members):
            if member.state != "stopped":
                await member.settled.wait()

    async def _stop(self, only: Kept | None, *, linger: bool) -> None:
        async with self._turn:
            chosen = [m for m in self.members if only is None or m is only]
            await asyncio.gather(*(member.stop(linger=linger) for member in chosen))

    async def _dismiss(self, member: Kept) -> None:
        await member.stop(linger=True)
        self.members.remove(member)

    def _carry_through(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    def _add(self) -> Kept:
        taken = {member.name for member in self.members}
        number = next(n for n in range(1, len(taken) + 2) if f"{self.name}-{n}" not in taken)
        member = self._make(f"{self.name}-{number}")
        self.members.append(member)
        member.start()
        return member
