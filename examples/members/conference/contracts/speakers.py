"""What the Flask-RESTX program promises: the speakers."""

from coterie import Code, Contract, Fault, Struct, field, get


class Speaker(Struct, frozen=True):
    """Who speaks, and where they work."""

    id: int
    name: str
    company: str


class SpeakerNotFound(Fault, code=Code.NOT_FOUND, bare=True):
    """{told}."""

    told: str = field(name="message")


class Speakers(Contract, version="1.0"):
    """Who speaks at the conference."""

    @get("/speakers")
    async def speakers(self) -> list[Speaker]:
        """All speakers."""
        ...

    @get("/speakers/{id}", faults=[SpeakerNotFound])
    async def speaker(self, id: int) -> Speaker:
        """One speaker."""
        ...
