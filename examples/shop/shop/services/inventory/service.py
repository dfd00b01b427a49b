"""The inventory service: two contracts, one for customers and one for other services."""

from sqlalchemy import RowMapping

from coterie import Page, seed
from shop.contracts.answers import Created, Done
from shop.contracts.inventory import (
    Inventory,
    NewProduct,
    Product,
    ProductChanges,
    StockLevel,
    StockLow,
)
from shop.contracts.stock import (
    Goods,
    NoSuchReservation,
    ReservationChanged,
    Reserved,
    Stock,
)

from .goods import FIRST_GOODS
from .store import GoodsStore

LOW = 5


class InventoryService(Inventory, Stock):
    """Keeps the products. Whatever is taken out of stock has a reservation to its name."""

    def __init__(self, store: GoodsStore) -> None:
        self.store = store

    @seed
    async def first_goods(self) -> None:
        """What is on the shelves on the first day."""
        for product in FIRST_GOODS:
            await self.store.add(product)

    async def products(self, limit: int = 100, cursor: str | None = None) -> Page[Product]:
        found = [_product(row) for row in await self.store.page(limit, int(cursor or 0))]
        return Page(found, str(found[-1].id) if len(found) == limit else None)

    async def product(self, id: int) -> Product:
        return _product(await self.store.product(id))

    async def add(self, product: NewProduct) -> Created:
        product_id = await self.store.add(product)
        return Created("Product added", f"/api/products/{product_id}")

    async def change(self, id: int, changes: ProductChanges) -> Done:
        given = {"name": changes.name, "price": changes.price, "currency": changes.currency}
        values = {name: value for name, value in given.items() if value is not None}
        if values:
            await self.store.change(id, values)
        else:
            await self.store.product(id)
        return Done("Product modified successfully")

    async def withdraw(self, id: int) -> Done:
        await self.store.change(id, {"active": False})
        return Done("Product withdrawn")

    async def stock(self, id: int) -> StockLevel:
        return StockLevel((await self.store.product(id))["available"])

    async def restock(self, id: int, level: StockLevel) -> Done:
        await self.store.change(id, {"available": level.available})
        return Done("Stock set")

    async def reserve(self, reservation: str, product_id: int, quantity: int) -> Reserved:
        wanted = Goods(product_id, quantity)
        row = await self.store.reserve(reservation, wanted)
        if row is None:
            present = await self.store.reservation(reservation)
            if present is None or present.goods != wanted:
                raise ReservationChanged(reservation)
            row = await self.store.any_product(product_id)
        else:
            await self._tell_if_low(row)
        return _reserved(row)

    async def rebook(self, reservation: str, change: str, held: Goods, wanted: Goods) -> Reserved:
        present = await self.store.reservation(reservation)
        if present is None:
            raise NoSuchReservation(reservation)
        if present.change == change and present.goods == wanted:
            return _reserved(await self.store.any_product(wanted.product_id))
        if present.goods != held:
            raise ReservationChanged(reservation)
        row = await self._book(held, wanted)
        await self.store.hold(reservation, wanted, change)
        return _reserved(row)

    async def unbook(self, reservation: str, change: str, held: Goods) -> None:
        present = await self.store.reservation(reservation)
        if present is None:
            raise NoSuchReservation(reservation)
        if present.change != change:
            raise ReservationChanged(reservation)
        await self._book(present.goods, held)
        await self.store.hold(reservation, held, None)

    async def release(self, reservation: str) -> None:
        held = await self.store.reservation(reservation)
        if held is not None and await self.store.forget(reservation):
            await self.store.put_back(held.goods)

    async def _book(self, held: Goods, wanted: Goods) -> RowMapping:
        """Take the difference out of stock, or put it back; the product wanted."""
        if wanted.product_id != held.product_id:
            row = await self._take(wanted)
            await self.store.put_back(held)
        elif wanted.quantity > held.quantity:
            row = await self._take(Goods(held.product_id, wanted.quantity - held.quantity))
        else:
            if wanted.quantity < held.quantity:
                await self.store.put_back(Goods(held.product_id, held.quantity - wanted.quantity))
            # One no longer on sale may still be ordered less of.
            row = await self.store.any_product(held.product_id)
        return row

    async def _take(self, goods: Goods) -> RowMapping:
        row = await self.store.take(goods)
        await self._tell_if_low(row)
        return row

    async def _tell_if_low(self, row: RowMapping) -> None:
        if row["available"] <= LOW:
            await self.low(StockLow(row["id"], row["available"]))


def _product(row: RowMapping) -> Product:
    return Product(
        row["id"], row["sku"], row["name"], row["price"], row["currency"], row["available"]
    )


def _reserved(row: RowMapping) -> Reserved:
    return Reserved(row["price"], row["currency"])
