"""Composites: one answer made of calls to several services.

Knows how calls relate that are made for one answer: all of them at once under one deadline
(`together`, `optional`), the first that succeeds (`first_of`), enough of them (`quorum`), many
lookups as one call (`Batcher`), and a part's value used for a while (`Kept`).

Deliberately knows no transport and no policy: what is awaited may be a client's call, or any other
awaitable. It tries nothing again and writes nothing; a saga needs more than this.

Source: Hohpe and Woolf, *Enterprise Integration Patterns*, Scatter-Gather and Aggregator;
Richardson, *Microservices Patterns*, API composition; Dean and Barroso, *The Tail at Scale*.
"""

from .batcher import Batcher
from .first_of import first_of
from .kept import Kept
from .part import Part, optional
from .quorum import quorum
from .together import Gathered, together

__all__ = [
    "Batcher",
    "Gathered",
    "Kept",
    "Part",
    "first_of",
    "optional",
    "quorum",
    "together",
]
