"""A clock that stands still, keys, and a forge that signs whatever it is told."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from coterie.identity import SigningKeys, TokenIssuer, TokenVerifier

ISSUER = "https://shop.example"
AUDIENCE = "shop"
NOW = 1_700_000_000.0


@dataclass
class Clock:
    """Seconds since 1970, moved by hand."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def private(keys: SigningKeys, place: int = 0) -> ec.EllipticCurvePrivateKey:
    """One of the keys as another library holds it."""
    number = int.from_bytes(unb64(keys.private_jwks()["keys"][place]["d"]))
    return ec.derive_private_key(number, ec.SECP256R1())


def es256(key: ec.EllipticCurvePrivateKey, content: bytes) -> bytes:
    """A signature as RFC 7518, 3.4 writes it, made without the library under test."""
    r, s = decode_dss_signature(key.sign(content, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


@dataclass
class Forge:
    """Makes tokens by hand, with the issuer's real key, so that only what is changed is wrong."""

    keys: SigningKeys

    @property
    def header(self) -> dict[str, Any]:
        return {"alg": "ES256", "typ": "at+jwt", "kid": self.keys.kid}

    @property
    def claims(self) -> dict[str, Any]:
        now = int(NOW)
        return {
            "iss": ISSUER,
            "sub": "42",
            "aud": AUDIENCE,
            "exp": now + 900,
            "iat": now,
            "jti": "one",
            "scope": "orders:read orders:write",
            "roles": ["customer"],
        }

    def token(
        self,
        header: Mapping[str, Any] | bytes | None = None,
        claims: Any = None,
        *,
        without: str = "",
        key: ec.EllipticCurvePrivateKey | None = None,
        signature: bytes | None = None,
        **changes: Any,
    ) -> str:
        """The valid token, but with this header or payload, or this claim changed or left out."""
        if header is None:
            header = self.header
        if claims is None:
            claims = {**self.claims, **changes}
            claims.pop(without, None)
        protected = header if isinstance(header, bytes) else json.dumps(header).encode()
        payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        content = f"{b64(protected)}.{b64(payload)}"
        if signature is None:
            signature = es256(key or private(self.keys), content.encode())
        return f"{content}.{b64(signature)}"


@pytest.fixture(scope="session")
def keys() -> SigningKeys:
    return SigningKeys.generate().rotated()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def forge(keys: SigningKeys) -> Forge:
    return Forge(keys)


@pytest.fixture
def issuer(keys: SigningKeys, clock: Clock) -> TokenIssuer:
    return TokenIssuer(keys, ISSUER, AUDIENCE, clock=clock)


@pytest.fixture
def verifier(keys: SigningKeys, clock: Clock) -> TokenVerifier:
    return TokenVerifier(keys.public, ISSUER, AUDIENCE, clock=clock)
