"""The identity of one system. Imported by `engines` alone, and only where one is needed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coterie.identity import KeyFile, KeyFileError, TokenIssuer, TokenVerifier

from .engines import Unfit
from .specs import IdentitySpec

__all__ = ["Keyring"]


class Keyring:
    """Issuer and verifier of one system, on the keys kept in ``folder``."""

    def __init__(self, spec: IdentitySpec, folder: Path) -> None:
        try:
            keys = KeyFile(folder).open()
        except KeyFileError as error:
            raise Unfit(str(error)) from error
        self._public = keys.public
        self.issuer = TokenIssuer(keys, spec.issuer, spec.audience, lifetime=spec.lifetime)
        self.verifier = TokenVerifier(keys.public, spec.issuer, spec.audience)

    def jwks(self) -> Mapping[str, Any]:
        """The public keys (RFC 7517)."""
        return self._public.jwks()
