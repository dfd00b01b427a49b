"""What an HTTP cache knows: how long an answer holds, where it is kept, and what spoils it.

Source: RFC 9111; RFC 5861 for answers that outlive a service that is away.
"""

from .directives import Directives, directives
from .kept import Kept
from .place import place, related
from .reads import Read, Reads
from .shelf import Shelf

__all__ = [
    "Directives",
    "Kept",
    "Read",
    "Reads",
    "Shelf",
    "directives",
    "place",
    "related",
]
