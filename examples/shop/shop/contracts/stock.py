"""What whoever keeps the goods promises to those who sell them."""

from typing import Annotated

from coterie import Code, Contract, Fault, Meta, Struct, authenticated, call

from .answers import Id, Quantity

Reservation = Annotated[str, Meta(min_length=8, max_length=64)]
"""A name that the caller makes up; the same name never takes twice."""


class Reserved(Struct, frozen=True):
    """What was taken, at which price: cents of ``currency``."""

    unit_price: int
    currency: str


class Goods(Struct, frozen=True):
    """So many of a product."""

    product_id: Id
    quantity: Quantity


class NoSuchProduct(Fault, code=Code.NOT_FOUND):
    """There is no product {product_id}."""

    product_id: int


class OutOfStock(Fault, code=Code.FAILED_PRECONDITION, status=409):
    """Only {available} left of product {product_id}."""

    product_id: int
    available: int


class NoSuchReservation(Fault, code=Code.NOT_FOUND):
    """There is no reservation {reservation}."""

    reservation: str


class ReservationChanged(Fault, code=Code.ABORTED):
    """Reservation {reservation} was changed meanwhile; read it again."""

    reservation: str


class Stock(Contract, version="1.0"):
    """Takes goods out of stock, and puts them back, exactly once each."""

    @call(
        faults=[NoSuchProduct, OutOfStock, ReservationChanged],
        idempotent=True,
        allow=authenticated,
    )
    async def reserve(
        self, reservation: Reservation, product_id: Id, quantity: Quantity
    ) -> Reserved:
        """Take ``quantity`` out of stock."""
        ...

    @call(
        faults=[NoSuchProduct, OutOfStock, NoSuchReservation, ReservationChanged],
        idempotent=True,
        allow=authenticated,
    )
    async def rebook(
        self, reservation: Reservation, change: Reservation, held: Goods, wanted: Goods
    ) -> Reserved:
        """Hold ``wanted`` instead of ``held``; only the difference is booked.

        ``change`` is a name that the caller makes up; the same name never books twice.
        """
        ...

    @call(
        faults=[NoSuchProduct, OutOfStock, NoSuchReservation, ReservationChanged],
        idempotent=True,
        allow=authenticated,
    )
    async def unbook(self, reservation: Reservation, change: Reservation, held: Goods) -> None:
        """Hold ``held`` again, as before ``change``, unless that is not the last change."""
        ...

    @call(idempotent=True, allow=authenticated)
    async def release(self, reservation: Reservation) -> None:
        """Put back what is held, if anything is."""
        ...
