"""What a contract cannot say of a document: noted, so that nothing is lost in silence."""

from collections.abc import Iterator

from msgspec import Struct

__all__ = ["Note", "Notes", "Unreadable"]


class Note(Struct, frozen=True):
    """One thing of a document that the contract does not say.

    ``where`` is its place, ``what`` the kind of thing, ``instead`` what the contract does now.
    """

    where: str
    what: str
    instead: str


class Notes:
    """Collects notes; the same one counts once."""

    def __init__(self) -> None:
        self._found: dict[Note, None] = {}

    def add(self, where: str, what: str, instead: str) -> None:
        """Note that ``what`` stands at ``where`` and what becomes of it."""
        self._found.setdefault(Note(where, what, instead))

    def __iter__(self) -> Iterator[Note]:
        return iter(self._found)


class Unreadable(ValueError):
    """A document, or a part that another part needs, which cannot be read.

    ``where`` is its place, a JSON pointer or empty; the message has it, what is wrong, the remedy.
    """

    def __init__(self, where: str, what: str, remedy: str) -> None:
        super().__init__(f"{where}: {what}. {remedy}" if where else f"{what}. {remedy}")
        self.where = where
