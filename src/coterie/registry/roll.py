"""Roll: the instances somebody watches, and those who are told when one of them changes."""

import logging

from .port import Instance, Told

__all__ = ["Key", "Roll", "RollWatch"]

log = logging.getLogger("coterie.registry")

Key = tuple[str, str]
"""Service and id: what an instance is known by."""


class Roll:
    """What an engine knows of one service, or of all; every watch of the same shares one."""

    def __init__(self) -> None:
        self._known: dict[Key, Instance] = {}
        self._doubted: set[Key] = set()
        self._watches: list[RollWatch] = []
        self.instances: tuple[Instance, ...] = ()
        """Sorted by service and id."""

    def put(self, instance: Instance) -> None:
        """Enter an instance, or what is new about it."""
        key = (instance.service, instance.id)
        self._doubted.discard(key)
        if self._known.get(key) != instance:
            self._known[key] = instance
            self._tell()

    def drop(self, key: Key) -> None:
        """Strike an instance off; one that is not there is no error."""
        self._doubted.discard(key)
        if self._known.pop(key, None) is not None:
            self._tell()

    def doubt(self) -> None:
        """Take nothing for granted: what is not put again before `settle` is struck off there."""
        self._doubted = set(self._known)

    def confirm(self, key: Key) -> None:
        """Doubt this one no longer."""
        self._doubted.discard(key)

    def settle(self) -> None:
        """Strike off what is still doubted."""
        gone, self._doubted = self._doubted, set()
        if gone:
            self._known = {k: v for k, v in self._known.items() if k not in gone}
            self._tell()

    def watch(self, told: Told | None) -> "RollWatch":
        """Tell ``told`` what there is, and from here on of every change."""
        watch = RollWatch(self, told)
        self._watches.append(watch)
        watch.tell(self.instances)
        return watch

    def leave(self, watch: "RollWatch") -> None:
        """Tell this watch no longer."""
        if watch in self._watches:
            self._watches.remove(watch)

    def close(self) -> None:
        """End every watch."""
        for watch in list(self._watches):
            watch.close()

    def _tell(self) -> None:
        self.instances = tuple(self._known[key] for key in sorted(self._known))
        for watch in list(self._watches):
            watch.tell(self.instances)


class RollWatch:
    """A `Watch` of a roll. One that was closed keeps what it knew last."""

    def __init__(self, roll: Roll, told: Told | None) -> None:
        self._roll = roll
        self._told = told
        self._closed = False
        self._instances = roll.instances

    @property
    def instances(self) -> tuple[Instance, ...]:
        """All of them, in every state, sorted by service and id."""
        return self._instances

    def tell(self, instances: tuple[Instance, ...]) -> None:
        """Take over what there is, and pass it on."""
        if self._closed:
            return
        self._instances = instances
        if self._told is not None:
            try:
                self._told(instances)
            except Exception:
                # Whoever listens badly must not keep the others from being told.
                log.exception("%r failed when it was told of instances", self._told)

    def close(self) -> None:
        """Watch no longer; nothing is told from here on."""
        self._closed = True
        self._roll.leave(self)
