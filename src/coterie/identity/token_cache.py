"""What was verified already, kept no longer than it is valid."""

from collections import OrderedDict

from coterie.call import Principal

__all__ = ["TokenCache"]


class TokenCache:
    """The ``size`` tokens used last, each with its principal, until it expires.

    Keyed by the whole token: two texts never share an entry, as digests or parts might. Python
    hashes text with a secret of the process, so entries cannot be made to collide, nor a token
    be guessed letter by letter from the time of a look-up.

    Safe to use from several threads: at worst one verifies again.
    """

    def __init__(self, size: int) -> None:
        if size < 0:
            raise ValueError(f"cache_size={size}: take 0 (no cache) or more")
        self._size = size
        self._entries: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    def get(self, token: str, now: float) -> Principal | None:
        """Who the token speaks for, if it was verified and ``now`` is before its ``exp``."""
        entry = self._entries.get(token)
        if entry is None:
            return None
        expires, principal = entry
        if now >= expires:
            self._entries.pop(token, None)
            return None
        try:
            self._entries.move_to_end(token)
        except KeyError:
            return principal  # another thread dropped the entry just now; what we read is right
        return principal

    def put(self, token: str, expires: float, principal: Principal) -> None:
        """Keep ``principal`` until ``expires`` (seconds since 1970)."""
        if self._size == 0:
            return
        self._entries[token] = (expires, principal)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._entries)
