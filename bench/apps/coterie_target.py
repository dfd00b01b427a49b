"""A service that is found: it says which process answered."""

import os

from coterie.contract import Service, anyone, get


class Target(Service, version="1.0"):
    """Whoever is there."""

    @get("/api/target/pid", allow=anyone)
    async def pid(self) -> int:
        """The number of the process that answers."""
        return os.getpid()
