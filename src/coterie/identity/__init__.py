"""Who calls, and how they prove it: signing keys, access tokens, passwords.

Passwords are in `coterie.identity.passwords`, which alone needs ``coterie[passwords]``.

Knows JWS, JWT and JWK (RFC 7515, 7517, 7519), the access token profile (RFC 9068), Argon2id
(RFC 9106), and the private file that keeps the keys.

Deliberately knows no request and no header, no user and no table (a service owns its users), and
no rule about who may do what: that is said in contracts and enforced by `coterie.policy`.
"""

from .key_file import KeyFile, KeyFileError
from .keys import ALGORITHM, PublicKeys, SigningKeys
from .tokens import AccessToken, InvalidToken, TokenIssuer, TokenVerifier

__all__ = [
    "ALGORITHM",
    "AccessToken",
    "InvalidToken",
    "KeyFile",
    "KeyFileError",
    "PublicKeys",
    "SigningKeys",
    "TokenIssuer",
    "TokenVerifier",
]
