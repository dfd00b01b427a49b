"""Rules kept in one place and put round every call: who calls, may they, how long.

Knows calls, contexts and contracts' rules; a policy wraps a `Handler` into another. Servers put
them round a service in this order: deadline, authenticate, authorize.

Deliberately knows no wire and no engine, and no way to verify a token: what it needs of another
room is a small Protocol here, such as `Verifier`, which that room matches.
"""

from .authenticate import Verifier, authenticate
from .authorize import authorize
from .deadline import deadline

__all__ = ["Verifier", "authenticate", "authorize", "deadline"]
