"""A small system whose gateway has much to decide: two services that share paths, and one away."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated

from coterie.contract import (
    Code,
    Contract,
    Cookie,
    Fault,
    Header,
    Meta,
    Redirect,
    Struct,
    Text,
    call,
    delete,
    get,
    post,
    put,
)

__all__ = ["TOML", "Desk", "DeskService", "Ghost", "GhostService", "Shelf", "ShelfService"]

TOML = """
[system]
name = "bazaar"

[service.shelf]
implements = "tests.deploy.bazaar:ShelfService"

[service.desk]
implements = "tests.deploy.bazaar:DeskService"

[service.ghost]
implements = "tests.deploy.bazaar:GhostService"

[gateway]
port = 0
cors = ["https://shop.example", "https://other.example"]
docs = false

[policy]
timeout = 5.0
body_limit = "64KiB"
"""


class Item(Struct):
    id: int
    name: Annotated[str, Meta(max_length=50)] = ""


class Kept(Struct):
    id: int
    location: Annotated[str, Header("Location")]


class Seen(Struct):
    word: str
    biscuits: list[str]


class NoItem(Fault, code=Code.NOT_FOUND):
    """There is no item {id}."""

    id: int


class Shelf(Contract, version="1.0"):
    """Items, and whatever is awkward to pass on."""

    @get("/api/items")
    async def items(self, limit: int = 3) -> list[Item]: ...

    @get("/api/items/best")
    async def best(self) -> Item: ...

    @get("/api/items/{id}", faults=[NoItem], etag=True)
    async def item(self, id: int) -> Item: ...

    @put("/api/items/{id}")
    async def change(self, id: int, item: Item) -> Item: ...

    @delete("/api/items/{id}")
    async def drop(self, id: int) -> None: ...

    @post("/api/items", status=201)
    async def keep(self, item: Item) -> Kept: ...

    @get("/api/names/{name}")
    async def named(self, name: str) -> str: ...

    @get("/api/seen")
    async def seen(
        self,
        x_word: Annotated[str, Header()] = "",
        biscuit: Annotated[str, Cookie()] = "",
        crumb: Annotated[str, Cookie()] = "",
    ) -> Seen: ...

    @get("/api/text")
    async def text(self, size: int = 11) -> Text: ...

    @get("/api/elsewhere")
    async def elsewhere(self) -> Redirect: ...

    @get("/api/slow", timeout=0.2)
    async def slow(self) -> str: ...

    @get("/api/fails")
    async def fails(self) -> str: ...

    @get("/api/download")
    async def download(self, parts: int = 3, size: int = 10) -> AsyncIterator[bytes]: ...

    @post("/api/upload")
    async def upload(self, data: AsyncIterator[bytes]) -> int: ...

    @get("/api/shared")
    async def shared(self) -> str: ...

    @get("/api/shared/{word}")
    async def shared_word(self, word: str) -> str: ...

    @get("/caf\u00e9/men\u00fc")
    async def menu(self) -> str: ...

    @get("/api/folder/")
    async def folder(self) -> str: ...

    @call()
    async def inner(self) -> int: ...


class ShelfService(Shelf):
    async def items(self, limit: int = 3) -> list[Item]:
        return [Item(n, f"item {n}") for n in range(limit)]

    async def best(self) -> Item:
        return Item(0, "the best")

    async def item(self, id: int) -> Item:
        if id > 100:
            raise NoItem(id)
        return Item(id, "an item")

    async def change(self, id: int, item: Item) -> Item:
        return Item(id, item.name)

    async def drop(self, id: int) -> None:
        return

    async def keep(self, item: Item) -> Kept:
        return Kept(item.id, f"/api/items/{item.id}")

    async def named(self, name: str) -> str:
        return name

    async def seen(self, x_word: str = "", biscuit: str = "", crumb: str = "") -> Seen:
        return Seen(x_word, [biscuit, crumb])

    async def text(self, size: int = 11) -> Text:
        return "plain words"[:size] if size < 12 else "x" * size

    async def elsewhere(self) -> Redirect:
        return Redirect("/api/text")

    async def slow(self) -> str:
        await asyncio.sleep(60)
        return "late"

    async def fails(self) -> str:
        raise RuntimeError("the password is hunter2")

    async def download(self, parts: int = 3, size: int = 10) -> AsyncIterator[bytes]:
        return self._parts(parts, size)

    async def _parts(self, parts: int, size: int) -> AsyncGenerator[bytes]:
        for number in range(parts):
            yield b"%d" % (number % 10) * size

    async def upload(self, data: AsyncIterator[bytes]) -> int:
        return sum([len(chunk) async for chunk in data])

    async def shared(self) -> str:
        return "shelf"

    async def shared_word(self, word: str) -> str:
        return f"shelf {word}"

    async def menu(self) -> str:
        return "coffee"

    async def folder(self) -> str:
        return "folder"

    async def inner(self) -> int:
        return 1


class Desk(Contract, version="1.0"):
    """Shares paths with the shelf."""

    @post("/api/shared")
    async def share(self) -> str: ...

    @post("/api/shared/best")
    async def share_best(self) -> str: ...

    @get("/api/{kind}/desk")
    async def kind(self, kind: str) -> str: ...

    @post("/api/letters", idempotent=True)
    async def letter(self, item: Item) -> Item: ...


class DeskService(Desk):
    async def share(self) -> str:
        return "desk"

    async def share_best(self) -> str:
        return "desk best"

    async def kind(self, kind: str) -> str:
        return f"desk {kind}"

    async def letter(self, item: Item) -> Item:
        return item


class Ghost(Contract, version="1.0"):
    """Nobody has seen it."""

    @get("/api/ghost")
    async def ghost(self) -> str: ...

    @post("/api/ghost")
    async def haunt(self) -> str: ...


class GhostService(Ghost):
    async def ghost(self) -> str:
        return "boo"

    async def haunt(self) -> str:
        return "boo"
