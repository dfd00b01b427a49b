"""Shelf: so many answers, so many bytes, and whatever was not used for longest goes first."""

from collections import OrderedDict
from collections.abc import Hashable

from .kept import Kept
from .place import related

__all__ = ["Shelf"]


class Shelf:
    """Answers by what was asked, bounded in number and in bytes.

    Source: RFC 9111, 2 leaves to each cache what it throws away; least recently used, here.
    """

    def __init__(self, entries: int, size: int) -> None:
        self._entries = entries
        self._limit = size
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._where: dict[Hashable, tuple[str, str]] = {}
        self._places: dict[str, dict[str, set[Hashable]]] = {}
        self.size = 0
        """Bytes of all that is kept."""

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> Kept | None:
        """What is kept for ``key``; it was used just now."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: Hashable, kept: Kept, contract: str, place: str) -> None:
        """Keep it, in the place of what was there; what is larger than everything is not kept."""
        self.drop(key)
        if kept.size > self._limit:
            return
        self._kept[key] = kept
        self._where[key] = (contract, place)
        self._places.setdefault(contract, {}).setdefault(place, set()).add(key)
        self.size += kept.size
        while len(self._kept) > self._entries or self.size > self._limit:
            self.drop(next(iter(self._kept)))

    def drop(self, key: Hashable) -> None:
        """Keep it no longer."""
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        self.size -= kept.size
        contract, place = self._where.pop(key)
        keys = self._places[contract][place]
        keys.discard(key)
        if not keys:
            del self._places[contract][place]

    def spoil(self, contract: str, place: str) -> int:
        """Drop whatever a change at ``place`` may have changed; how many that was."""
        spoilt = [
            key
            for where, keys in self._places.get(contract, {}).items()
            if related(place, where)
            for key in keys
        ]
        for key in spoilt:
            self.drop(key)
        return len(spoilt)
