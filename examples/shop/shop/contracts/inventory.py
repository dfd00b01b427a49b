"""What the inventory service promises to the shop's customers and administrators."""

from typing import Annotated

from coterie import (
    Code,
    Contract,
    Event,
    Fault,
    Meta,
    Page,
    Struct,
    anyone,
    delete,
    get,
    post,
    put,
    role,
)

from .answers import Created, Done, Id, Line
from .stock import NoSuchProduct
from .users import Cursor, Limit

Cents = Annotated[int, Meta(ge=0, le=10**12, description="Price in cents.")]
Count = Annotated[int, Meta(ge=0, le=10**9)]
Sku = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9._-]+$(?!\n)")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)", description="ISO 4217.")]


class NewProduct(Struct, frozen=True):
    """A product to be."""

    sku: Sku
    name: Line
    price: Cents
    available: Count = 0
    currency: Currency = "EUR"


class ProductChanges(Struct, frozen=True):
    """What to change; what is left out stays. Stock has an operation of its own."""

    name: Line | None = None
    price: Cents | None = None
    currency: Currency | None = None


class Product(Struct, frozen=True):
    """A product; ``price`` in cents of ``currency``, ``available`` what can still be ordered."""

    id: int
    sku: str
    name: str
    price: int
    currency: str
    available: int


class StockLevel(Struct, frozen=True):
    """How much of a product can be ordered."""

    available: Count


class StockLow(Struct, frozen=True):
    """A product is about to run out."""

    product_id: int
    available: int


class SkuTaken(Fault, code=Code.ALREADY_EXISTS):
    """There is a product {sku} already."""

    sku: str


class Inventory(Contract, version="1.0"):
    """Products, and how many there are."""

    low = Event(StockLow)

    @get("/api/products", allow=anyone)
    async def products(self, limit: Limit = 100, cursor: Cursor | None = None) -> Page[Product]:
        """Lists the products on sale."""
        ...

    @get("/api/products/{id}", faults=[NoSuchProduct], allow=anyone, etag=True)
    async def product(self, id: Id) -> Product:
        """Returns a product."""
        ...

    @post("/api/products", faults=[SkuTaken], allow=role("admin"))
    async def add(self, product: NewProduct) -> Created:
        """Adds a product."""
        ...

    @put("/api/products/{id}", faults=[NoSuchProduct], allow=role("admin"), if_match="product")
    async def change(self, id: Id, changes: ProductChanges) -> Done:
        """Changes name or price of a product."""
        ...

    @delete("/api/products/{id}", faults=[NoSuchProduct], allow=role("admin"))
    async def withdraw(self, id: Id) -> Done:
        """Takes a product off sale."""
        ...

    @get("/api/products/{id}/stock", faults=[NoSuchProduct], allow=anyone)
    async def stock(self, id: Id) -> StockLevel:
        """Returns how much of a product can be ordered."""
        ...

    @put("/api/products/{id}/stock", faults=[NoSuchProduct], allow=role("admin"))
    async def restock(self, id: Id, level: StockLevel) -> Done:
        """Sets how much of a product can be ordered."""
        ...
