"""A small system whose policies are asked about: a desk with a database, and a clerk who calls it."""

from coterie.contract import Operation
from coterie.system import Policies, System, load, policies_of, resolve
from tests.system.folder import Folder

__all__ = ["CLERK", "CODE", "DESK", "guarded", "policies"]

CODE = """
    from collections.abc import AsyncIterator
    from coterie import Contract, Service, Struct, call, delete, get, post
    from coterie.store import Database

    class Note(Struct, frozen=True):
        text: str

    class Desk(Contract, version="1.0"):
        @get("/notes/{number}", timeout=2.0)
        async def note(self, number: int) -> Note: ...

        @get("/notes")
        async def notes(self) -> list[Note]: ...

        @get("/lines")
        async def lines(self) -> AsyncIterator[bytes]: ...

        @post("/notes")
        async def write(self, note: Note, user: str = "") -> int: ...

        @post("/payments", keyed=True)
        async def pay(self, amount: int) -> int: ...

        @delete("/notes/{number}")
        async def drop(self, number: int) -> None: ...

    class DeskService(Desk):
        def __init__(self, database: Database) -> None:
            self.calls = 0

        async def note(self, number: int) -> Note:
            self.calls += 1
            return Note(f"note {number}")

        async def notes(self) -> list[Note]:
            raise RuntimeError("lost")

        async def lines(self) -> AsyncIterator[bytes]:
            async def told() -> AsyncIterator[bytes]:
                yield b"one"

            return told()

        async def write(self, note: Note, user: str = "") -> int:
            self.calls += 1
            return self.calls

        async def pay(self, amount: int) -> int:
            return amount

        async def drop(self, number: int) -> None: ...

    class ClerkService(Service, version="1.0"):
        def __init__(self, desk: Desk) -> None:
            self.desk = desk

        @get("/read/{number}")
        async def read(self, number: int) -> str:
            return (await self.desk.note(number)).text

        @post("/put")
        async def put(self, text: str) -> int:
            return await self.desk.write(Note(text))
"""
DESK = '[service.desk]\nimplements = "office:DeskService"\n'
CLERK = '[service.clerk]\nimplements = "office:ClerkService"\n'


def guarded(folder: Folder, tables: str = "", services: str = DESK + CLERK) -> Folder:
    """The system with ``tables`` more. They begin at line 7."""
    folder.write("office.py", CODE)
    folder.toml(f'[system]\nname = "office"\n{services}{tables}')
    return folder


def policies(
    folder: Folder,
    tables: str,
    operation: str,
    *,
    keeps: bool = True,
    profile: str | None = None,
) -> Policies:
    """What applies to an operation of the desk."""
    system: System = load(guarded(folder, tables).path, profile=profile, environment={})
    return policies_of(system, "desk", found(system, operation), keeps=keeps)


def found(system: System, name: str) -> Operation:
    """An operation of the desk."""
    for service in resolve(system):
        for description in service.descriptions:
            for operation in description.operations:
                if operation.name == name:
                    return operation
    raise LookupError(name)
