"""running(): a whole system inside a test, on a free port, with a state of its own."""

import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from coterie.client import connect
from coterie.contract import Contract
from coterie.policy.inject import Injector, Kind, Rule
from coterie.server import HttpServer
from coterie.system import Assembly, System, assemble, load

from .faults import faults

__all__ = ["RunningSystem", "running"]

C = TypeVar("C", bound=Contract)


class RunningSystem:
    """A system that runs for the length of a test."""

    def __init__(self, assembly: Assembly, url: str, injector: Injector) -> None:
        self.assembly = assembly
        self.url = url
        self._injector = injector

    @property
    def system(self) -> System:
        """What was read from ``coterie.toml``."""
        return self.assembly.system

    def client(self, contract: type[C]) -> C:
        """A client in this process: no sockets, the same policies.

        Raises `LookupError` for a contract that no service implements.
        """
        return self.assembly.client(contract)

    def faults(self, *rules: Rule, number: int = 0) -> AbstractContextManager[Counter[Kind]]:
        """Have calls meet ``rules`` for the length of the block.

        ::

            with system.faults(delay("inventory.reserve", 0.2, probability=0.5), number=7) as met:
                ...
            assert met["delay"] > 0

        ``number`` decides which calls are struck: the same number, the same calls. ``met`` tells
        how often each kind of fault struck. Blocks within blocks add up.
        """
        return faults(self._injector, *rules, number=number)

    def connect(self, contract: type[C]) -> Any:
        """A client over HTTP, through the gateway: ``async with system.connect(Orders) as o:``."""
        return connect(contract, self.url)


@asynccontextmanager
async def running(
    path: Path | str,
    *,
    profile: str | None = None,
    replace: Mapping[type, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncGenerator[RunningSystem]:
    """Run the system at ``path`` (a folder with a ``coterie.toml``) for the length of the block.

    ::

        async with running("examples/shop") as system:
            orders = system.client(Orders)

    Its gateway takes a free port, its state a temporary folder, its variables ``environment``
    (nothing of the process's own). ``replace`` gives instances for types that services ask for:
    contracts, stores, anything.

    Raises `SystemProblems` as `coterie up` would.
    """
    with tempfile.TemporaryDirectory(prefix="coterie-") as state:
        loaded = load(path, profile=profile, state=state, environment=environment or {})
        injector = Injector()
        assembly = assemble(loaded, replace=replace or {}, access=False, injector=injector)
        server = HttpServer(assembly.app)
        server.listen()
        try:
            await assembly.start()
            await server.start()
            try:
                yield RunningSystem(assembly, server.url, injector)
            finally:
                await server.stop()
        finally:
            await assembly.stop()
            server.release()
