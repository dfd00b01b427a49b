"""The order and its rules, in msgspec: for the floor, Litestar and Coterie."""

import datetime
from typing import Annotated

from msgspec import Meta, Struct


class Item(Struct):
    product_id: Annotated[int, Meta(ge=1)]
    quantity: Annotated[int, Meta(ge=1, le=1000)]
    cents: Annotated[int, Meta(ge=0)]


class NewOrder(Struct):
    reference: Annotated[str, Meta(min_length=1, max_length=40)]
    user_id: Annotated[int, Meta(ge=1)]
    date: datetime.date
    items: Annotated[list[Item], Meta(min_length=1, max_length=100)]


class Order(Struct):
    reference: str
    user_id: int
    date: datetime.date
    items: list[Item]
    total: int


def priced(order: NewOrder) -> Order:
    """The business of the service, the same for all: the sum."""
    return Order(
        reference=order.reference,
        user_id=order.user_id,
        date=order.date,
        items=order.items,
        total=sum(item.quantity * item.cents for item in order.items),
    )
