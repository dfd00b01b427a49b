"""What the folder of files promises: which plan shows which floor."""

from coterie import Contract, Struct, get


class Floor(Struct, frozen=True):
    """A floor, and the file with its plan."""

    floor: str
    plan: str


class Plans(Contract, version="1.0"):
    """The floor plans of the venue."""

    @get("/floors.json")
    async def floors(self) -> list[Floor]:
        """All floors."""
        ...
