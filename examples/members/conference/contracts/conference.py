"""What the conference promises to its visitors."""

import datetime

from coterie import Code, Contract, Fault, Struct, get, post

from .rooms import Room
from .speakers import Speaker
from .votes import Count, Vote


class Entry(Struct, frozen=True):
    """A line of the programme; ``starts`` is missing where a talk is not scheduled yet."""

    id: int
    title: str
    speaker: str
    starts: datetime.datetime | None


class TalkPage(Struct, frozen=True):
    """All there is to know of a talk.

    ``plan`` is the path of a picture. It, the time and the votes are missing where they are not to be
    had.
    """

    id: int
    title: str
    speaker: Speaker
    room: Room
    starts: datetime.datetime | None
    minutes: int | None
    votes: Count | None
    plan: str | None


class NoSuchTalk(Fault, code=Code.NOT_FOUND):
    """There is no talk {id}."""

    id: int


class VoteRefused(Fault, code=Code.INVALID_ARGUMENT, status=422):
    """This is no vote: {reason}."""

    reason: str


class Conference(Contract, version="1.0"):
    """The programme of the conference."""

    @get("/api/talks")
    async def programme(self) -> list[Entry]:
        """All talks in the order of their beginning; those without a time come last."""
        ...

    @get("/api/talks/{id}", faults=[NoSuchTalk])
    async def talk(self, id: int) -> TalkPage:
        """All there is to know of a talk."""
        ...

    @post("/api/talks/{id}/votes", faults=[NoSuchTalk, VoteRefused])
    async def vote(self, id: int, vote: Vote) -> Count:
        """Give stars to a talk."""
        ...
