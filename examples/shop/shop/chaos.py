"""Buyers: those who use the shop while `coterie chaos` harms it, and count its goods afterwards."""

import asyncio
import datetime
import random
from contextlib import AsyncExitStack
from time import monotonic
from typing import Self

from coterie import Code, Failure, Fault, Sent, calling
from coterie.client import connect
from coterie.testing import Audit, Outcome, Site
from shop.contracts.inventory import Inventory, NewProduct
from shop.contracts.orders import NewOrder, Order, Orders
from shop.contracts.users import Credentials, NewUser, Users

BUYERS = 8
SHELVES = 3
STOCK = 1_000_000

ONE_TRY = 4.0
PATIENCE = 25.0
SETTLED = 60.0
FIRST_DAY = datetime.date(2000, 1, 1)

NOT_BEGUN = (Sent.NOT_SENT, Sent.REFUSED, Sent.SHED)
REFUSALS = (Code.INVALID_ARGUMENT, Code.UNAUTHENTICATED, Code.PERMISSION_DENIED)


class Buyers:
    """Each attempt is an order of its own, placed under a key of its own until it is answered.

    The day of an order is its attempt's number, so that the audit knows whose it is.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.tokens: list[tuple[int, str]] = []
        self.products: list[int] = []
        self.placed: dict[int, Outcome] = {}

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            url = self.site.url
            self.users = await stack.enter_async_context(connect(Users, url))
            self.orders = await stack.enter_async_context(connect(Orders, url))
            self.inventory = await stack.enter_async_context(connect(Inventory, url))
            admin = await self.users.login(Credentials("administrator", name="admin"))
            self.admin = admin.access_token
            await self._open()
            self.stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stack.aclose()

    async def _open(self) -> None:
        """Fill the shelves, and let the buyers in."""
        with calling(token=self.admin):
            for shelf in range(SHELVES):
                product = NewProduct(f"CHAOS-{shelf}", "Something that holds", 100, STOCK)
                added = await self.inventory.add(product)
                self.products.append(int(added.location.rpartition("/")[2]))
        for buyer in range(BUYERS):
            name, password = f"buyer {buyer}", "a long password"
            await self.users.register(NewUser(password, "here", name=name))
            found = await self.users.login(Credentials(password, name=name))
            self.tokens.append((found.user_id, found.access_token))

    async def attempt(self, n: int) -> Outcome:
        """Order something, again and again under the same key while nobody can say what came of it."""
        outcome = self.placed[n] = Outcome.UNKNOWN
        outcome = self.placed[n] = await self._place(n)
        return outcome

    async def _place(self, n: int) -> Outcome:
        chosen = random.Random(f"{self.site.number} {n}")  # noqa: S311  # it must be foreseeable
        user, token = self.tokens[n % BUYERS]
        product, quantity = chosen.choice(self.products), chosen.randint(1, 3)
        order = NewOrder(user, product, quantity, _day(n))
        key = f"chaos-{self.site.number}-{n}"
        begun, until = False, monotonic() + PATIENCE
        while True:
            try:
                with calling(token=token, idempotency_key=key, timeout=ONE_TRY):
                    await self.orders.place(order)
            except Fault:
                return Outcome.FAILED
            except Failure as failure:
                if failure.code in REFUSALS:
                    return Outcome.FAILED
                begun = begun or failure.sent not in NOT_BEGUN
                if monotonic() > until:
                    return Outcome.UNKNOWN if begun else Outcome.FAILED
                await asyncio.sleep(chosen.uniform(0.05, 0.3))
            else:
                return Outcome.ACKNOWLEDGED

    async def audit(self) -> Audit:
        """Every order that was acknowledged is there, none is twice, and the goods add up.

        Goods that were taken for an order which never came to be go back by themselves: the shop
        has a while for that.
        """
        until = monotonic() + SETTLED
        while True:
            found = await self._found()
            missing = [
                line for product in self.products for line in await self._missing(product, found)
            ]
            if not missing or monotonic() > until:
                break
            await asyncio.sleep(0.5)
        of_day: dict[datetime.date, list[Order]] = {}
        for order in found:
            of_day.setdefault(order.date, []).append(order)
        days = {_day(n): n for n in self.placed}
        lost = [
            n
            for n, outcome in self.placed.items()
            if outcome is Outcome.ACKNOWLEDGED and _day(n) not in of_day
        ]
        twice = [orders for orders in of_day.values() if len(orders) > 1]
        failed = [
            n
            for n, outcome in self.placed.items()
            if outcome is Outcome.FAILED and _day(n) in of_day
        ]
        strange = [order for order in found if order.date not in days]
        return Audit(
            lost=tuple(f"attempt {n} was acknowledged, and its order is not there" for n in lost),
            duplicated=tuple(
                f"orders {', '.join(str(o.id) for o in orders)} are one" for orders in twice
            ),
            unexpected=(
                *missing,
                *(f"attempt {n} was refused, and its order is there" for n in failed),
                *(f"nobody has placed order {order.id}" for order in strange),
            ),
        )

    async def _found(self) -> list[Order]:
        """Every order that there is."""
        orders: list[Order] = []
        cursor: str | None = None
        with calling(token=self.admin):
            while True:
                page = await self.orders.orders(500, cursor)
                orders += page.items
                cursor = page.next
                if cursor is None:
                    return orders

    async def _missing(self, product: int, found: list[Order]) -> list[str]:
        """Whether what is gone from the shelf is what was ordered."""
        left = (await self.inventory.stock(product)).available
        ordered = sum(order.quantity for order in found if order.product_id == product)
        gone = STOCK - left
        if gone == ordered:
            return []
        return [f"{gone} of product {product} are gone, and {ordered} were ordered"]


def _day(n: int) -> datetime.date:
    return FIRST_DAY + datetime.timedelta(days=n)
