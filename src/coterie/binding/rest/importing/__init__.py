"""OpenAPI documents as contract classes: what other programs promise, in words of ours.

Knows OpenAPI 3.0 and 3.1, Swagger 2.0, and how a module of contracts is written. What a contract
cannot say is noted, with its place. Deliberately does no I/O, and runs nothing of a document.
"""

from .imported import Imported, imported, is_version
from .note import Note, Unreadable

__all__ = ["Imported", "Note", "Unreadable", "imported", "is_version"]
