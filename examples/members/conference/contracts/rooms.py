"""What the Django program promises: the rooms."""

from coterie import Code, Contract, Fault, Struct, get


class Room(Struct, frozen=True):
    """A room, how many it seats, and on which floor it is."""

    slug: str
    name: str
    seats: int
    floor: str


class AllRooms(Struct, frozen=True):
    """What the list answers."""

    rooms: list[Room]


class RoomNotFound(Fault, code=Code.NOT_FOUND, bare=True):
    """There is no such room; the program says so on a page of HTML."""


class Rooms(Contract, version="1.0"):
    """The rooms of the venue."""

    @get("/rooms/")
    async def rooms(self) -> AllRooms:
        """All rooms."""
        ...

    @get("/rooms/{slug}/", faults=[RoomNotFound])
    async def room(self, slug: str) -> Room:
        """One room."""
        ...
