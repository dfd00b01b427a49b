"""Rules kept in one place and put round every call: who calls, may they, how long, how often.

Knows calls, contexts and contracts' rules; a policy wraps a `Handler` into another. Each has a file
with its settings, what its calls share, and the function that makes it. In which order they stand
round a call is not decided here: ``system`` puts them together, on both sides.

Deliberately knows no wire and no engine, and no way to verify a token: what it needs of another
room is a small Protocol here, such as `Verifier`, which that room matches.
"""

from .authenticate import Verifier, authenticate
from .authorize import authorize
from .breaker import Breaker, BreakerState, Breaking
from .budget import Budget
from .bulkhead import Bulk, Bulkhead, bulkhead
from .cache import Cache, Caching, cache
from .coalesce import coalesce
from .deadline import deadline
from .fallback import fallback
from .hedge import Hedge, hedge
from .idempotency import Keeping, Keys, idempotency
from .inject import Injector, Rule, inject
from .keyed import keyed
from .retry import Retry, retry
from .shed import Gate, Priority, Shedding
from .tally import Tally, untold

__all__ = [
    "Breaker",
    "BreakerState",
    "Breaking",
    "Budget",
    "Bulk",
    "Bulkhead",
    "Cache",
    "Caching",
    "Gate",
    "Hedge",
    "Injector",
    "Keeping",
    "Keys",
    "Priority",
    "Retry",
    "Rule",
    "Shedding",
    "Tally",
    "Verifier",
    "authenticate",
    "authorize",
    "bulkhead",
    "cache",
    "coalesce",
    "deadline",
    "fallback",
    "hedge",
    "idempotency",
    "inject",
    "keyed",
    "retry",
    "untold",
]
