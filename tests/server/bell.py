"""A service that notes what happens to it, and parts that do the same."""

import asyncio

from coterie.call import spawn
from coterie.contract import Event, Service, Struct, get, on_start, on_stop

__all__ = ["Bell", "Part", "Rang"]


class Rang(Struct):
    times: int


class Bell(Service, version="1.0"):
    """Notes what happens to it."""

    rang = Event(Rang)

    def __init__(self, told: list[str], fails: str = "") -> None:
        self.told = told
        self.fails = fails

    def tell(self, what: str) -> None:
        self.told.append(what)
        if what == self.fails:
            raise RuntimeError(f"{what} failed")

    @on_start
    async def first(self) -> None:
        self.tell("service started")

    @on_stop
    async def last(self) -> None:
        self.tell("service stopped")

    @get("/ring")
    async def ring(self) -> str:
        self.tell("called")
        await self.rang(Rang(1))
        return "ding"

    @get("/toll")
    async def toll(self) -> str:
        spawn(self.work(), name="tolling").add_done_callback(lambda _: None)
        return "dong"

    async def work(self) -> None:
        self.tell("working")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.tell("work ended")


class Part:
    """A component, and something with hooks built for the service."""

    def __init__(self, name: str, told: list[str], fails: str = "") -> None:
        self.name = name
        self.told = told
        self.fails = fails

    def tell(self, what: str) -> None:
        self.told.append(f"{self.name} {what}")
        if what == self.fails:
            raise RuntimeError(f"{self.name} {what} failed")

    async def start(self) -> None:
        self.tell("up")

    async def stop(self) -> None:
        self.tell("down")

    @on_start
    async def hooked(self) -> None:
        self.tell("started")

    @on_stop
    async def unhooked(self) -> None:
        self.tell("stopped")
