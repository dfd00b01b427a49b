"""What the FastAPI program promises: when each talk begins."""

import datetime

from coterie import Code, Contract, Fault, Struct, field, get


class Slot(Struct, frozen=True):
    """When a talk begins, and how long it takes."""

    talk_id: int
    starts: datetime.datetime
    minutes: int


class NotScheduled(Fault, code=Code.NOT_FOUND, bare=True):
    """{told}."""

    told: str = field(name="detail")


class Schedule(Contract, version="1.0"):
    """When each talk begins."""

    @get("/slots")
    async def slots(self) -> list[Slot]:
        """All slots, the first of them first."""
        ...

    @get("/slots/{talk_id}", faults=[NotScheduled])
    async def slot(self, talk_id: int) -> Slot:
        """When a talk begins."""
        ...
