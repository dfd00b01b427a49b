"""Origin: the keyed call that other calls are made within, and the keys these get from it."""

from hashlib import blake2b

from .principal import Principal

__all__ = ["Origin"]

_DIGEST = 16  # bytes: two keys made here are as unlike as two random UUIDs


class Origin:
    """An idempotency key, and what was called under it so far.

    ``given`` says that the user named the key for the calls made from here: then they carry it as
    it is. Else it is the key of the call being served, and each call made within gets one of its
    own, made from it.
    """

    __slots__ = ("_made", "_scope", "given", "key")

    def __init__(self, key: str, *, given: bool = False) -> None:
        self.key = key
        self.given = given
        self._made: dict[bytes, int] = {}
        self._scope = b""

    def serves(self, operation: str, principal: Principal | None) -> None:
        """The call with this key is one of ``operation``, for ``principal``: the first word counts.

        A key is a caller's own choice: another's same key, or the same one at another operation,
        must not lead to the same keys below.
        """
        if not self._scope:
            who = "" if principal is None else f"{principal.issuer!r} {principal.subject!r}"
            self._scope = f"{operation} {who} ".encode()

    def derived(self, fingerprint: bytes) -> str:
        """The key for a call made within: ``fingerprint`` says of what, and with what.

        A service that is run again under the same key makes the same calls, and so the same keys:
        what had its effect has no second one. Of equal calls the first, second, third have a key
        each. 32 hexadecimal digits.
        """
        before = self._made.get(fingerprint, 0)
        self._made[fingerprint] = before + 1
        made = (before, fingerprint.hex().encode(), self._scope, self.key.encode())
        said = b"%d %s %s%s" % made
        return blake2b(said, digest_size=_DIGEST, person=b"coterie.origin").hexdigest()
