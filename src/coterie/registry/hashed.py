"""The same key to the same instance, as long as that is there and not overrun."""

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

from .choose import Loaded, two_choices

__all__ = ["hashed"]

L = TypeVar("L", bound=Loaded)

_ROOM = 1.25
"""How far above its share of the calls under way an instance may go before its keys move on."""

_MOST = 2.0**64


def hashed(among: Sequence[L], key: str | None = None, /) -> L:
    """The instance that ranks first for ``key``, among those that have room.

    Every instance has a rank for every key, drawn from the hash of both and its weight; all callers
    draw the same. So when one goes, its keys alone move; when one comes, or gains weight, keys
    move to it alone, and each has as many as its weight says. One that has a quarter more calls under way than its
    share passes the next on to who ranks second: a key that everybody asks for sinks nobody.

    Calls without a key go the way of `two_choices`.

    Source: D. Thaler, C. Ravishankar, *Using name-based mappings to increase hit rates* (1998,
    rendezvous hashing); C. Schindelhauer, G. Schomaker, *Weighted distributed hash tables* (2005);
    V. Mirrokni, M. Thorup, M. Zadimoghaddam, *Consistent hashing with bounded loads* (2018).
    """
    if len(among) == 1:
        return among[0]
    if key is None:
        return two_choices(among)
    calls, weights = 1, 0.0
    for each in among:
        calls += each.in_flight
        weights += each.weight
    if weights <= 0:
        return max(among, key=lambda each: _rank(each.instance.id, key, 1.0))
    room = _ROOM * calls / weights
    best, most = among[0], -math.inf
    for each in among:
        weight = each.weight
        if weight <= 0 or each.in_flight >= math.ceil(room * weight):
            continue
        rank = _rank(each.instance.id, key, weight)
        if rank > most:
            best, most = each, rank
    return best


def _rank(id: str, key: str, weight: float) -> float:
    """Larger for a larger weight, and else a matter of luck: the same luck in every process."""
    digest = blake2b(f"{id}\0{key}".encode(errors="surrogatepass"), digest_size=8).digest()
    luck = (int.from_bytes(digest, "big") + 0.5) / _MOST  # above 0 and, rounded, at most 1
    return weight / -math.log(luck) if luck < 1 else math.inf
