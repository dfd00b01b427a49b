"""What the Flask program promises: the talks."""

from coterie import Code, Contract, Fault, Struct, get


class Talk(Struct, frozen=True):
    """A talk, who gives it, and where."""

    id: int
    title: str
    speaker_id: int
    room: str


class TalkNotFound(Fault, code=Code.NOT_FOUND, bare=True):
    """There is no talk {talk_id}."""

    talk_id: int


class Talks(Contract, version="1.0"):
    """The talks of the conference."""

    @get("/talks")
    async def talks(self) -> list[Talk]:
        """All talks."""
        ...

    @get("/talks/{talk_id}", faults=[TalkNotFound])
    async def talk(self, talk_id: int) -> Talk:
        """One talk."""
        ...
