"""Changes: what happened, one after the other, for those who watch."""

import asyncio
from collections import deque

from .views import Change, InstanceView, Kind, Summary

__all__ = ["Changes"]


class Changes:
    """The last ``kept`` changes, each with an index one above the one before.

    The first has the index after ``index``. Who knows of an index that is not among these is told
    so, and begins anew.
    """

    def __init__(self, index: int, kept: int) -> None:
        self.index = index
        """Of the last change."""
        self._changes: deque[Change] = deque(maxlen=kept)
        self._turn = asyncio.Event()

    def add(
        self,
        event: Kind,
        service: str,
        *,
        described: Summary | None = None,
        instance: InstanceView | None = None,
        id: str | None = None,
    ) -> None:
        """Enter what happened, and wake who waits."""
        self.index += 1
        self._changes.append(
            Change(
                index=self.index,
                event=event,
                service=service,
                described=described,
                instance=instance,
                id=id,
            )
        )
        self.wake()

    def wake(self) -> None:
        """Let everybody who waits look again."""
        self._turn.set()
        self._turn = asyncio.Event()

    @property
    def turn(self) -> asyncio.Event:
        """Is set at the next change: take it before you look, and none is missed."""
        return self._turn

    def since(self, index: int) -> list[Change] | None:
        """The changes after ``index``; ``None`` where some of them, or it, are not known here."""
        behind = self.index - index
        if not 0 <= behind <= len(self._changes):
            return None
        return [self._changes[-number] for number in range(behind, 0, -1)]
