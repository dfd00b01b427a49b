"""Tokens: who registers, and how they prove it."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Self

from .names import NAME_HINT, is_name
from .refusal import Refused

__all__ = ["ANYONE", "SYSTEM", "Tokens"]

SYSTEM = "system"
"""The registrant who has the system's token, and who has the system's own services."""

ANYONE = "anyone"
"""The registrant whom everybody is where no tokens are asked for."""

_SHORTEST = 16
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="registry"'}
_WRONG = {"WWW-Authenticate": 'Bearer realm="registry", error="invalid_token"'}
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Tokens:
    """Who may write: the system with its token, and registrants with theirs (RFC 6750).

    ``registrants`` are names with the digest of their token (`Tokens.digest`), so that no
    configuration holds a token; ``guarded`` asks for a token from those who only read, too. Any of
    the tokens will do to read. Nothing of a token is kept but its digest.

    Raises `ValueError` for a token of less than 16 characters, a digest that is none, a name that is
    none or is kept for the registry itself.
    """

    def __init__(
        self,
        system: str | None = None,
        registrants: Mapping[str, str] | None = None,
        *,
        guarded: bool = False,
    ) -> None:
        self.guarded = guarded
        self._open = False
        self._digests: dict[str, bytes] = {}
        if system is not None:
            self._digests[SYSTEM] = bytes.fromhex(self.digest(system))
        for name, digest in (registrants or {}).items():
            if name in (SYSTEM, ANYONE):
                raise ValueError(
                    f"{name!r} is the registry's own word: name the registrant otherwise"
                )
            if not is_name(name):
                raise ValueError(f"{name!r} cannot be a registrant: {NAME_HINT}")
            if not _DIGEST.fullmatch(digest):
                raise ValueError(f"{name}: this is no digest of a token; make it by Tokens.digest")
            self._digests[name] = bytes.fromhex(digest)

    def __repr__(self) -> str:
        return "<Tokens: none asked>" if self._open else f"<Tokens of {', '.join(self._digests)}>"

    @classmethod
    def unasked(cls) -> Self:
        """No tokens: whoever reaches the registry may register, replace and remove anything.

        For examples, and machines that nobody else is on.
        """
        tokens = cls()
        tokens._open = True
        return tokens

    @staticmethod
    def digest(token: str) -> str:
        """SHA-256, in hexadecimal: enough for a token that was drawn by lot, and only for that."""
        if len(token) < _SHORTEST:
            raise ValueError(
                f"a token has {_SHORTEST} characters or more: take"
                " `python -c 'import secrets; print(secrets.token_urlsafe(32))'`"
            )
        return hashlib.sha256(token.encode()).hexdigest()

    def writer(self, authorization: str | None) -> str:
        """The registrant's name. Raises `Refused` (401) where it is not proven."""
        if self._open:
            return ANYONE
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            what = "Send a registrant's token: `Authorization: Bearer TOKEN`"
            raise Refused(401, what, _CHALLENGE)
        seen = hashlib.sha256(token.strip().encode()).digest()
        found = ""
        for name, digest in self._digests.items():
            # All are compared, each in the same time: how long it takes tells nothing.
            if hmac.compare_digest(seen, digest):
                found = name
        if not found:
            raise Refused(
                401, "Nobody here has this token; ask who runs the registry for yours", _WRONG
            )
        return found

    def check_reader(self, authorization: str | None) -> None:
        """Raise `Refused` (401) where reading needs a token that is not there."""
        if self.guarded:
            self.writer(authorization)
