"""Access tokens: signed JWTs (RFC 7519) of the profile RFC 9068, issued and verified.

What a verifier refuses follows RFC 8725, *JSON Web Token Best Current Practices*.
"""

import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from msgspec import Meta, Struct

from coterie.call import Failure, Principal
from coterie.contract import Code

from .keys import ALGORITHM, PublicKeys, SigningKeys
from .strict import frozen, segments, strict_object
from .token_cache import TokenCache

__all__ = ["AccessToken", "InvalidToken", "TokenIssuer", "TokenVerifier"]

LARGEST = 8 * 1024
LONGEST = 24 * 60 * 60

# RFC 9068, 2.1; RFC 7515, 4.1.9 allows both writings, and media types ignore case.
_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_HEADER = frozenset({"alg", "typ", "kid"})
_REGISTERED = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "roles"})
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749, 3.3

# Seconds since 1970 (RFC 7519, 2: NumericDate), bounded so that sums stay exact.
_Date = Annotated[float, Meta(ge=0, le=2**53)]


class _Claims(Struct, frozen=True):
    iss: str
    sub: Annotated[str, Meta(min_length=1)]
    aud: str | list[str]
    exp: _Date
    iat: _Date
    nbf: _Date = 0.0
    jti: str = ""
    scope: str = ""
    roles: list[str] = []


class InvalidToken(Failure):
    """A token that proves nothing: ``unauthenticated``, with the header of RFC 6750, 3.

    ``reason`` may be shown to anyone; it never quotes the token.
    """

    def __init__(self, reason: str) -> None:
        challenge = f'Bearer error="invalid_token", error_description="{reason}"'
        super().__init__(
            Code.UNAUTHENTICATED,
            f"The access token is not accepted: {reason}. Get a fresh one and send that",
            headers=(("www-authenticate", challenge),),
        )
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.reason,), self.__dict__)


class AccessToken(Struct, frozen=True):
    """An access token as a token endpoint answers it (RFC 6749, 5.1). ``expires_in``: seconds."""

    access_token: str
    expires_in: int
    token_type: str = "Bearer"

    def __repr__(self) -> str:
        return f"AccessToken(expires_in={self.expires_in}, token_type={self.token_type!r})"


class TokenIssuer:
    """Issues access tokens in the name of ``issuer``, good for ``audience``.

    ``lifetime`` is in whole seconds, 1 to 86,400; ``clock`` gives seconds since 1970.
    """

    def __init__(
        self,
        keys: SigningKeys,
        issuer: str,
        audience: str,
        *,
        lifetime: int = 900,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not issuer or not audience:
            raise ValueError("an issuer and an audience are needed, for example the system's name")
        if not 0 < lifetime <= LONGEST:
            raise ValueError(f"lifetime={lifetime}: take 1 to {LONGEST} seconds")
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._lifetime = lifetime
        self._clock = clock
        self._registry = jws.JWSRegistry(algorithms=[ALGORITHM])
        self._header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": keys.kid}

    def issue(
        self,
        subject: str,
        scopes: Iterable[str] = (),
        roles: Iterable[str] = (),
        **claims: Any,
    ) -> AccessToken:
        """A token for ``subject``; ``claims`` are further members, such as ``client_id=``.

        Raises `ValueError` for an empty subject, a scope that RFC 6749, 3.3 does not allow, a
        claim that the issuer sets itself, or more content than verifiers take (8 KiB in all).
        """
        if not subject:
            raise ValueError("a token needs a subject, such as the user's id")
        taken = _REGISTERED & claims.keys()
        if taken:
            raise ValueError(
                f"the issuer sets {', '.join(sorted(taken))}; name the claim otherwise"
            )
        now = int(self._clock())
        members = {
            "iss": self._issuer,
            "sub": subject,
            "aud": self._audience,
            "exp": now + self._lifetime,
            "iat": now,
            "jti": secrets.token_urlsafe(16),
            "scope": " ".join(_scopes(scopes)),
            "roles": _texts("roles", roles),
            **claims,
        }
        payload = msgspec.json.encode(members)
        text = jws.serialize_compact(
            self._header, payload, self._keys.newest, registry=self._registry
        )
        if len(text) > LARGEST:
            raise ValueError(f"a token of {len(text)} bytes; verifiers take {LARGEST}: claim less")
        return AccessToken(access_token=text, expires_in=self._lifetime)


class TokenVerifier:
    """Tells whom a token speaks for, or refuses it.

    Accepts only what ``issuer`` signed with one of ``keys`` for ``audience``: ES256, type
    ``at+jwt``, a header of ``alg``, ``typ`` and ``kid`` alone, at most 8 KiB, ``iss``, ``sub``,
    ``aud``, ``exp`` and ``iat`` present and of their types, valid now give or take ``leeway``
    seconds, and for no longer than ``longest`` seconds in all.

    Two writings of one signature are valid by the nature of ECDSA, so tell tokens apart by
    their ``jti``, never by their text. ``cache_size`` verified tokens are remembered until
    their ``exp``, so a token used again costs a look-up. ``clock``: seconds since 1970.
    """

    def __init__(
        self,
        keys: PublicKeys,
        issuer: str,
        audience: str,
        *,
        leeway: float = 30.0,
        longest: float = LONGEST,
        cache_size: int = 1024,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not issuer or not audience:
            raise ValueError("an issuer and an audience are needed, the same as the issuer's own")
        if not 0 <= leeway <= 300:
            raise ValueError(f"leeway={leeway}: take 0 to 300 seconds (RFC 7519, 4.1.4)")
        if not 0 < longest < float("inf"):
            raise ValueError(f"longest={longest}: take the longest lifetime issued, in seconds")
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._leeway = leeway
        self._longest = longest
        self._clock = clock
        self._cache = TokenCache(cache_size)
        self._registry = jws.JWSRegistry(algorithms=[ALGORITHM])

    def verify(self, token: str) -> Principal:
        """Whom ``token`` speaks for. Raises `InvalidToken`."""
        if len(token) > LARGEST:
            raise InvalidToken("it is too long")
        now = self._clock()
        known = self._cache.get(token, now)
        if known is not None:
            return known
        payload = self._signed(token)
        members, claims = _claims(payload)
        self._check(claims, now)
        principal = Principal(
            subject=claims.sub,
            scopes=frozenset(filter(None, claims.scope.split(" "))),
            roles=frozenset(claims.roles),
            issuer=claims.iss,
            claims=members,
        )
        self._cache.put(token, claims.exp, principal)
        return principal

    def _signed(self, token: str) -> bytes:
        """The payload, read only after its signature holds."""
        try:
            protected, payload, _ = segments(token)
            header = strict_object(protected)
        except ValueError:
            raise InvalidToken("it is not a signed JWT") from None
        # Keys, addresses of keys, "crit", "b64", nesting by "cty": none is needed, all were holes.
        if not header.keys() <= _HEADER:
            raise InvalidToken("its header says more than alg, typ and kid")
        if header.get("alg") != ALGORITHM:
            raise InvalidToken(f"it is not signed with {ALGORITHM}")
        kind = header.get("typ")
        if not isinstance(kind, str) or kind.lower() not in _TYPES:
            raise InvalidToken("it is not an access token (typ at+jwt)")
        kid = header.get("kid")
        key = self._keys.find(kid) if isinstance(kid, str) else None
        if key is None:
            raise InvalidToken("it is signed with a key that is not known here")
        try:
            jws.deserialize_compact(token, key, registry=self._registry)
        except (JoseError, ValueError):
            raise InvalidToken("its signature does not match") from None
        return payload

    def _check(self, claims: _Claims, now: float) -> None:
        if claims.iss != self._issuer:
            raise InvalidToken("it is of another issuer")
        audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if self._audience not in audience:
            raise InvalidToken("it is for another audience")
        if claims.exp <= now - self._leeway:
            raise InvalidToken("it has expired")
        if claims.iat > now + self._leeway or claims.nbf > now + self._leeway:
            raise InvalidToken("it is not valid yet")
        if not 0 < claims.exp - claims.iat <= self._longest:
            raise InvalidToken("it is valid for longer than tokens may be")


def _claims(payload: bytes) -> tuple[Mapping[str, Any], _Claims]:
    try:
        members = strict_object(payload)
        # A cached principal is shared by all calls of its token, so nobody may change it.
        return frozen(members), msgspec.convert(members, _Claims)
    except msgspec.ValidationError as error:
        # The message names a claim and a type, never a value.
        raise InvalidToken(f"its claims are wrong: {error}") from None
    except (ValueError, RecursionError):
        raise InvalidToken("its claims are not a JSON object that can be read in one way") from None


def _scopes(scopes: Iterable[str]) -> list[str]:
    found = _texts("scopes", scopes)
    for scope in found:
        if not _SCOPE.fullmatch(scope):
            raise ValueError(f"scope {scope!r}: visible ASCII without quote and backslash only")
    return found


def _texts(name: str, values: Iterable[str]) -> list[str]:
    if isinstance(values, str):
        raise ValueError(f"{name}={values!r} is one text; write [{values!r}]")
    return list(values)
