"""Reads: answers on their way while something is written, and whether they may still be kept."""

from collections.abc import Hashable
from dataclasses import dataclass

from .place import related

__all__ = ["Read", "Reads"]


class _Equal:
    """The reads of one question that are under way."""

    __slots__ = ("old", "place", "writes", "young")

    def __init__(self, place: str) -> None:
        self.place = place
        self.young = 0
        """How many have begun since the last write."""
        self.old = 0
        """How many began before it, and may bring what was there before."""
        self.writes = 0


@dataclass(frozen=True, slots=True)
class Read:
    """One read under way. ``writes`` is how many writes there were, ``None`` if one is too old."""

    contract: str
    key: Hashable
    writes: int | None


class Reads:
    """Every read under way, by contract and by what it asks."""

    def __init__(self) -> None:
        self._under_way: dict[str, dict[Hashable, _Equal]] = {}

    def begin(self, contract: str, key: Hashable, place: str) -> Read:
        """A read begins; say `end` whatever becomes of it."""
        equals = self._under_way.setdefault(contract, {})
        equal = equals.get(key)
        if equal is None:
            equal = equals[key] = _Equal(place)
        if equal.old:
            # It may join one that began before the write (`coalesce`), and get the same answer.
            return Read(contract, key, None)
        equal.young += 1
        return Read(contract, key, equal.writes)

    def end(self, read: Read) -> bool:
        """It is over. Whether what it brought is certainly no older than the last write."""
        if read.writes is None:
            return False
        equals = self._under_way[read.contract]
        equal = equals[read.key]
        current = read.writes == equal.writes
        if current:
            equal.young -= 1
        else:
            equal.old -= 1
        if not equal.young and not equal.old:
            del equals[read.key]
        return current

    def written(self, contract: str, place: str) -> None:
        """Something was written at ``place``, or may have been."""
        for equal in self._under_way.get(contract, {}).values():
            if related(place, equal.place):
                equal.writes += 1
                equal.old += equal.young
                equal.young = 0
