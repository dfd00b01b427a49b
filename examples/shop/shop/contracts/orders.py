"""What the orders service promises."""

import datetime
from typing import Annotated

from coterie import (
    Code,
    Contract,
    Event,
    Fault,
    Meta,
    Page,
    Struct,
    authenticated,
    call,
    delete,
    get,
    owner,
    post,
    put,
    role,
)

from .answers import Created, Done, Id, Quantity
from .stock import NoSuchProduct, OutOfStock, ReservationChanged
from .users import Cursor, Limit, NoSuchUser, UserHasOrders

Day = Annotated[datetime.date, Meta(description="ISO 8601.", examples=["2023-11-28"])]


class NewOrder(Struct, frozen=True):
    """An order to be."""

    user_id: Id
    product_id: Id
    quantity: Quantity
    date: Day


class OrderChanges(Struct, frozen=True):
    """What to change; what is left out stays."""

    product_id: Id | None = None
    quantity: Quantity | None = None
    date: Day | None = None


class Order(Struct, frozen=True):
    """An order; ``unit_price`` in cents."""

    id: int
    user_id: int
    product_id: int
    quantity: int
    date: datetime.date
    unit_price: int


class OrderPlaced(Struct, frozen=True):
    """An order was placed."""

    order_id: int
    user_id: int
    product_id: int
    quantity: int


class OrderModified(Struct, frozen=True):
    """An order was changed."""

    order_id: int
    product_id: int
    quantity: int


class OrderCancelled(Struct, frozen=True):
    """An order was deleted; its goods are back in stock."""

    order_id: int


class NoSuchOrder(Fault, code=Code.NOT_FOUND):
    """There is no order {order_id}."""

    order_id: int


class Orders(Contract, version="1.0"):
    """Orders of products by users."""

    placed = Event(OrderPlaced)
    modified = Event(OrderModified)
    cancelled = Event(OrderCancelled)

    @post(
        "/api/orders",
        faults=[NoSuchUser, NoSuchProduct, OutOfStock],
        allow=owner("order.user_id") | role("admin"),
    )
    async def place(self, order: NewOrder) -> Created:
        """Adds a new order."""
        ...

    @get("/api/orders", allow=role("admin"))
    async def orders(self, limit: Limit = 100, cursor: Cursor | None = None) -> Page[Order]:
        """Lists all orders."""
        ...

    @get("/api/order/{order_id}", faults=[NoSuchOrder], allow=authenticated, etag=True)
    async def order(self, order_id: Id) -> Order:
        """Returns the order with specified id."""
        ...

    @put(
        "/api/order/{order_id}",
        faults=[NoSuchOrder, NoSuchProduct, OutOfStock, ReservationChanged],
        allow=authenticated,
        if_match="order",
    )
    async def modify(self, order_id: Id, changes: OrderChanges) -> Done:
        """Modifies an order."""
        ...

    @delete("/api/order/{order_id}", faults=[NoSuchOrder], allow=authenticated)
    async def delete(self, order_id: Id) -> Done:
        """Deletes an order."""
        ...

    @get("/api/userorders/{user_id}", allow=owner("user_id") | role("admin"))
    async def of_user(
        self, user_id: Id, limit: Limit = 100, after: Annotated[int, Meta(ge=0, le=2**53 - 1)] = 0
    ) -> list[Order]:
        """Returns all the order placed by a specified user."""
        ...

    @call(faults=[UserHasOrders], idempotent=True, allow=owner("user_id") | role("admin"))
    async def close(self, user_id: Id) -> None:
        """Take no more orders of a user, who must have none."""
        ...

    @call(idempotent=True, allow=owner("user_id") | role("admin"))
    async def reopen(self, user_id: Id) -> None:
        """Take orders of a user again, who stays after all."""
        ...
