"""What a supervisor offers to whoever may open its control socket."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from coterie.console.row import Row
from coterie.policy.inject import Rule

from .protocol import Catalogue, Guest, LogLine, Welcome

__all__ = ["Controls"]


class Controls(Protocol):
    """A running system that can be looked at and changed.

    Each may raise `ControlError`, which is told to whoever asked. The generators of changes
    (`scale`, `restart`, `stop`) give a line for people at each step, and are always run to their
    end, whether anybody still reads or not. Two may be under way at once: the supervisor lets
    the second wait, or refuses it.
    """

    async def rows(self) -> Sequence[Row]:
        """Every process, in the order in which a person wants to read them."""
        ...

    async def inventory(self) -> Catalogue:
        """What the system promises, and which calls were seen."""
        ...

    def scale(self, service: str, replicas: int) -> AsyncGenerator[str, None]:
        """Run ``replicas`` instances, 1 to 1000; ends once they are up, or the surplus is gone."""
        ...

    def restart(self, names: Sequence[str]) -> AsyncGenerator[str, None]:
        """Restart services or processes one by one, each up before the next; all if none named."""
        ...

    def stop(self, names: Sequence[str]) -> AsyncGenerator[str, None]:
        """Stop services or processes; the whole system if none is named.

        For the whole system it ends when everything but the supervisor itself has stopped.
        """
        ...

    async def terms(self) -> Welcome:
        """What a guest needs to know before it joins."""
        ...

    def join(self, guest: Guest) -> AsyncGenerator[str, None]:
        """Let ``guest`` serve in the place of our own instances until this is closed.

        Ends when the system does. Closed without `leave`, the guest has died: it is called no
        longer, and our own instances come back.
        """
        ...

    def leave(self, name: str) -> AsyncGenerator[str, None]:
        """Bring our own instances back, and let the guest called ``name`` go once they answer."""
        ...

    def faults(self, number: int, rules: Sequence[Rule]) -> AsyncGenerator[str, None]:
        """Have calls of every service meet ``rules``, those of instances to come too.

        Refused by a system that was not started to be harmed.
        """
        ...

    def logs(
        self, names: Sequence[str], lines: int, *, follow: bool
    ) -> AsyncGenerator[LogLine, None]:
        """The last ``lines`` of each process named (of each, if none is), oldest first.

        With ``follow`` new ones from then on, until it is closed. Who reads too slowly to keep up
        may miss lines, and must not cost memory without end.
        """
        ...
