"""Keys that sign tokens, and the public half that anyone may hold.

The algorithm is ES256 (RFC 7518, 3.4: ECDSA on P-256 with SHA-256). Every verifier knows it
under that one name: browsers, Envoy, PyJWT, hardware. Ed25519 is halfway through a change of
name, "EdDSA" (RFC 8037) deprecated for "Ed25519" (RFC 9864), so half of the verifiers in the
field refuse either. OpenSSL verifies ES256 faster as well.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

__all__ = ["ALGORITHM", "PublicKeys", "SigningKeys"]

ALGORITHM = "ES256"

_CURVE = "P-256"
_PUBLIC = ("kty", "crv", "x", "y")
_PRIVATE = (*_PUBLIC, "d")

# Far more than any issuer publishes; a set beyond it is a mistake or an attack.
_MOST_KEYS = 64


class PublicKeys:
    """The keys a verifier trusts, found by their ``kid``. Immutable."""

    def __init__(self, keys: Mapping[str, ECKey]) -> None:
        self._keys = dict(keys)

    @classmethod
    def from_jwks(cls, document: Mapping[str, Any]) -> Self:
        """The ES256 keys of a JWK set (RFC 7517), such as another issuer publishes.

        Keys of other kinds or for other uses are passed over, as RFC 7517, 5 asks; a key without
        ``kid`` goes by its thumbprint (RFC 7638). Private members are never kept.

        Raises `ValueError` when the document is no key set, holds a broken key, two keys of
        one ``kid``, more than 64 keys, or none that is of use.
        """
        entries = document.get("keys")
        if not isinstance(entries, Sequence) or isinstance(entries, str):
            raise ValueError("a JWK set is an object with a list 'keys' (RFC 7517, 5)")
        if len(entries) > _MOST_KEYS:
            raise ValueError(f"a JWK set of {len(entries)} keys; at most {_MOST_KEYS} are taken")
        keys: dict[str, ECKey] = {}
        for entry in entries:
            if not isinstance(entry, Mapping) or not _verifies(entry):
                continue
            key = _import(entry, _PUBLIC)
            kid = entry.get("kid", key.thumbprint())
            if not isinstance(kid, str) or kid in keys:
                raise ValueError("each key of a JWK set needs a 'kid' of its own (RFC 7517, 4.5)")
            keys[kid] = key
        if not keys:
            raise ValueError(f"the JWK set holds no {ALGORITHM} key: publish one, or take another")
        return cls(keys)

    def find(self, kid: str) -> ECKey | None:
        """The key named ``kid``, or ``None``."""
        return self._keys.get(kid)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public document (RFC 7517), ready to encode: ``{"keys": [...]}``."""
        return {
            "keys": [
                {**_members(key, _PUBLIC), "use": "sig", "alg": ALGORITHM, "kid": kid}
                for kid, key in self._keys.items()
            ]
        }

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"PublicKeys({', '.join(self._keys)})"


class SigningKeys:
    """Private keys, newest first: the newest signs, all verify. Immutable.

    ``kid`` is the thumbprint of RFC 7638. The representation shows names, never keys.
    """

    def __init__(self, keys: Iterable[ECKey]) -> None:
        self._keys = {key.thumbprint(): key for key in keys}
        if not self._keys:
            raise ValueError("signing needs at least one key: SigningKeys.generate() makes one")
        self.kid, self.newest = next(iter(self._keys.items()))
        self.public = PublicKeys(
            {kid: _import(_members(key, _PUBLIC), _PUBLIC) for kid, key in self._keys.items()}
        )

    @classmethod
    def generate(cls) -> Self:
        """One fresh key, kept in memory alone."""
        return cls([ECKey.generate_key(_CURVE)])

    @classmethod
    def from_private_jwks(cls, document: Mapping[str, Any]) -> Self:
        """The keys that `private_jwks` wrote down.

        Raises `ValueError` when one is broken, not for ES256, or not the key its ``kid`` names.
        """
        entries = document.get("keys")
        if not isinstance(entries, list) or not 0 < len(entries) <= _MOST_KEYS:
            raise ValueError(f"'keys' is not a list of 1 to {_MOST_KEYS} keys")
        keys: list[ECKey] = []
        for entry in entries:
            if not isinstance(entry, Mapping) or not _verifies(entry):
                raise ValueError(f"a key is not for {ALGORITHM}")
            key = _import(entry, _PRIVATE)
            if entry.get("kid") != key.thumbprint():
                raise ValueError("a 'kid' is not the thumbprint of its key")
            keys.append(key)
        return cls(keys)

    def private_jwks(self) -> dict[str, list[dict[str, str]]]:
        """The keys with their private halves, newest first: to be kept, never to be published."""
        return {
            "keys": [
                {**_members(key, _PRIVATE), "use": "sig", "alg": ALGORITHM, "kid": kid}
                for kid, key in self._keys.items()
            ]
        }

    def rotated(self, keep: int = 2) -> Self:
        """These keys with a fresh one in front; the newest ``keep`` remain.

        Tokens of a key that falls out are refused from then on, so leave at least one token
        lifetime between two rotations. Raises `ValueError` unless ``keep`` is 2 to 64.
        """
        if not 2 <= keep <= _MOST_KEYS:
            raise ValueError(f"keep={keep}: keep 2 to {_MOST_KEYS}, or tokens in use are refused")
        return type(self)([ECKey.generate_key(_CURVE), *self._keys.values()][:keep])

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"SigningKeys({', '.join(self._keys)})"


def _verifies(entry: Mapping[str, Any]) -> bool:
    return (
        entry.get("kty") == "EC"
        and entry.get("crv") == _CURVE
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", ALGORITHM) == ALGORITHM
    )


def _import(entry: Mapping[str, Any], members: tuple[str, ...]) -> ECKey:
    """The key, checked to be a point of the curve whose private half, if any, fits."""
    missing = [name for name in members if not isinstance(entry.get(name), str)]
    if missing:
        raise ValueError(f"a key lacks {', '.join(missing)}")
    try:
        return ECKey.import_key({name: entry[name] for name in members})
    except (JoseError, ValueError):
        # The cause may quote the key, so it is not chained.
        raise ValueError("a key is damaged: its numbers are no key of P-256") from None


def _members(key: ECKey, names: tuple[str, ...]) -> dict[str, str]:
    document = key.as_dict(private="d" in names)
    return {name: str(document[name]) for name in names}
