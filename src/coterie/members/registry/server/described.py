"""Described: what a system tells of a service of its own."""

from msgspec import Struct

__all__ = ["Described"]


class Described(Struct, frozen=True, kw_only=True):
    """A service of the system. Its name is the system's: nobody may register it over HTTP.

    ``contract`` links to the document that says what it promises, an address or a path of the
    gateway such as ``/openapi/orders.json``; ``owner`` answers for it.
    """

    name: str
    description: str = ""
    owner: str = "system"
    version: str = ""
    contract: str = ""
    tags: tuple[str, ...] = ()
