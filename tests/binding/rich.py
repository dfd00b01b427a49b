"""A contract that uses everything a contract can say."""

# ruff: noqa: RUF012 - msgspec copies empty defaults

import datetime
import decimal
import enum
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, TypedDict, TypeVar

from msgspec import UNSET, UnsetType

from coterie.contract import (
    Body,
    Code,
    Content,
    Contract,
    Cookie,
    Fault,
    Form,
    Header,
    Html,
    Meta,
    Page,
    Query,
    Redirect,
    Struct,
    Text,
    Upload,
    anyone,
    authenticated,
    call,
    delete,
    get,
    owner,
    patch,
    post,
    put,
    role,
    scope,
)

T = TypeVar("T")


class Colour(enum.Enum):
    """What it looks like."""

    RED = "red"
    BLUE = "blue"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Address(Struct, rename="camel"):
    """Where somebody lives."""

    street_name: str
    post_code: Annotated[str, Meta(pattern="^[0-9]{5}$", description="Five digits")]


@dataclass
class Place:
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: float = 0.0


class Point(NamedTuple):
    x: int
    y: int = 0


class Hints(TypedDict):
    """Advice for the one who packs."""

    fragile: bool
    note: NotRequired[str]


class Card(Struct, tag="card", tag_field="kind"):
    number: Annotated[str, Meta(min_length=12, max_length=19)]


class Transfer(Struct, tag="transfer", tag_field="kind"):
    iban: str


class Row(Struct, array_like=True):
    key: str
    value: int = 0


class Node(Struct):
    """A tree."""

    label: str
    children: list["Node"] = []
    parent: "Node | None" = None


class Box(Struct, Generic[T]):
    inside: T
    spare: T | None = None


class Strict(Struct, forbid_unknown_fields=True):
    only: Annotated[int, Meta(gt=0, lt=10)]


class Item(Struct):
    product_id: Annotated[int, Meta(ge=1, examples=[42])]
    quantity: Annotated[int, Meta(ge=1, le=100)] = 1
    price: decimal.Decimal | None = None


class NewOrder(Struct):
    """What somebody wants."""

    user_id: int
    date: datetime.date
    items: Annotated[list[Item], Meta(min_length=1, max_length=50)]
    payment: Card | Transfer
    colour: Colour = Colour.RED
    size: Size = Size.SMALL
    at: Annotated[datetime.datetime, Meta(tz=True)] | None = None
    local: Annotated[datetime.datetime, Meta(tz=False)] | None = None
    hour: datetime.time | None = None
    lasting: datetime.timedelta = datetime.timedelta(hours=1)
    key: uuid.UUID | None = None
    blob: bytes = b""
    tags: set[str] = set()
    notes: dict[str, str] = {}
    counts: dict[int, float] = {}
    days: dict[datetime.date, int] = {}
    pair: tuple[int, str] = (1, "a")
    mode: Literal["fast", "slow"] = "fast"
    place: Place | None = None
    point: Point | None = None
    hints: Hints | None = None
    row: Row | None = None
    mixed: int | str | None = None
    anything: Any = None
    unset: int | UnsetType = UNSET


class Order(NewOrder, kw_only=True):
    """An order as it stands."""

    order_id: int
    total: decimal.Decimal


class Placed(Struct):
    order_id: int
    location: Annotated[str, Header(), Meta(description="Where the order is")]
    left: Annotated[int | None, Header("X-Orders-Left")] = None
    response: str = "Order placed successfully"


class OutOfStock(Fault, code=Code.FAILED_PRECONDITION, status=409):
    """Only {available} left of product {product_id}."""

    product_id: int
    available: int


class Closed(Fault, code=Code.FAILED_PRECONDITION, status=409):
    """The shop is closed until {until}."""

    until: datetime.date


class NoSuchOrder(Fault, code=Code.NOT_FOUND):
    """There is no order {order_id}."""

    order_id: int


class TooMuch(Fault, code=Code.INVALID_ARGUMENT):
    """Nobody buys {quantity} of anything."""

    quantity: int


class Orders(Contract, version="1.2"):
    """Orders of products by users.

    The second paragraph tells more.
    """

    @post("/orders", faults=[OutOfStock, Closed, TooMuch], allow=authenticated, status=201)
    async def place(self, order: NewOrder) -> Placed:
        """Adds a new order.

        Takes the quantity out of stock.
        """
        ...

    @get(
        "/orders/{order_id}",
        faults=[NoSuchOrder],
        allow=role("admin") | owner("user_id"),
        etag=True,
    )
    async def order(self, order_id: Annotated[int, Meta(ge=1)], user_id: int = 1) -> Order:
        """Returns the order with specified id."""
        ...

    @put("/orders/{order_id}", faults=[NoSuchOrder], if_match="order", scopes=["orders:write"])
    async def change(
        self,
        order_id: Annotated[int, Meta(ge=1)],
        order: NewOrder,
        user_id: Annotated[int, Query()] = 1,
    ) -> Order:
        """Modifies an order."""
        ...

    @delete(
        "/orders/{id}",
        faults=[NoSuchOrder],
        deprecated="Cancel it.",
        sunset=datetime.date(2030, 1, 1),
    )
    async def remove(self, id: int) -> None:
        """Deletes an order."""
        ...

    @get("/orders", allow=anyone, tags=["search"])
    async def search(
        self,
        text: Annotated[str, Meta(max_length=20, description="Words to look for")],
        colour: list[Colour] | None = None,
        since: datetime.date | None = None,
        cheap: bool = False,
        limit: Annotated[int, Meta(ge=1, le=100)] = 20,
        cursor: str | None = None,
        language: Annotated[str, Header("Accept-Language")] = "en",
        wanted: Annotated[list[int] | None, Header()] = None,
        session: Annotated[str | None, Cookie("sid")] = None,
    ) -> Page[Order]:
        """Finds orders."""
        ...

    @patch("/orders/{order_id}/colour")
    async def paint(self, order_id: int, colour: Annotated[Colour, Body()]) -> Box[Colour]:
        """Paints an order."""
        ...

    @post("/orders/{order_id}/files")
    async def attach(
        self,
        order_id: int,
        file: Upload,
        more: Annotated[list[Upload] | None, Form()] = None,
        title: Annotated[str, Form()] = "",
    ) -> None:
        """Attaches files to an order."""
        ...

    @post("/login")
    async def login(
        self,
        username: Annotated[str, Form()],
        password: Annotated[str, Form(), Meta(min_length=8)],
        remember: Annotated[bool, Form()] = False,
    ) -> dict[str, str]:
        """Logs in a user."""
        ...

    @get("/orders/{order_id}/receipt")
    async def receipt(self, order_id: int) -> Annotated[bytes, Content("application/pdf")]:
        """Gives the receipt."""
        ...

    @get("/orders/{order_id}/page")
    async def page(self, order_id: int) -> Html:
        """Shows an order."""
        ...

    @get("/motd")
    async def motd(self) -> Text: ...

    @get("/go/{name}")
    async def go(self, name: str) -> Redirect:
        """Sends you on."""
        ...

    @post("/import")
    async def load(self, rows: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Takes rows, gives rows."""
        ...

    @put("/notes/{name}")
    async def note(self, name: str, text: Annotated[str, Content("text/markdown")]) -> None:
        """Writes a note."""
        ...

    @post("/trees")
    async def tree(self, tree: Node) -> Node | None:
        """Plants a tree."""
        ...

    @post("/strict")
    async def strict(self, strict: Strict | None = None) -> Box[list[Strict]]:
        """Takes nothing else."""
        ...

    @call(allow=scope("stock") & role("service"))
    async def reserve(
        self, product_id: int, quantity: Annotated[int, Meta(ge=1)] = 1, why: str | None = None
    ) -> bool:
        """Reserves stock."""
        ...
