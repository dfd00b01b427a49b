"""What the Node program promises: what the audience thinks."""

from coterie import Code, Contract, Fault, Struct, get, post


class Vote(Struct, frozen=True):
    """Stars for a talk, one to five."""

    stars: int


class Count(Struct, frozen=True):
    """How many voted, and how many stars they gave on average."""

    talk_id: int
    votes: int
    average: float | None


class NotAVote(Fault, code=Code.INVALID_ARGUMENT, status=422, bare=True):
    """{error}."""

    error: str


class Votes(Contract, version="1.0"):
    """What the audience thinks of the talks."""

    @get("/votes/{talk_id}")
    async def votes(self, talk_id: int) -> Count:
        """What a talk was given so far."""
        ...

    @post("/votes/{talk_id}", status=201, faults=[NotAVote])
    async def vote(self, talk_id: int, vote: Vote) -> Count:
        """Give stars to a talk; what it was given so far."""
        ...
