"""Bookings at the stock, each noted before it is made: none outlives an order that never came to be.

Goods are taken at another service, before the order is written here. A process that ends in
between, however hard, leaves its note behind; whoever finds it later takes the booking back.
"""

import asyncio
import contextlib
import logging
import time

from sqlalchemy import bindparam, delete, insert, select, update

from coterie import Code, Failure, Struct, calling, on_start, spawn
from coterie.identity import TokenIssuer
from coterie.store import Database
from shop.contracts.stock import Goods, NoSuchReservation, ReservationChanged, Stock

from .tables import bookings

LOOK = 2.0

# What every order runs: built once, so that only the values change from call to call.
NOTE = (
    "INSERT INTO bookings (name, reservation, product_id, quantity, due, given_up)"
    " VALUES ($1, $2, $3, $4, $5, false)"
)
CANCEL = insert(bookings)
CONFIRM = delete(bookings).where(
    bookings.c.name == bindparam("booking"), bookings.c.given_up.is_(False)
)
FORGET = delete(bookings).where(bookings.c.name == bindparam("booking"))

log = logging.getLogger(__name__)


class Settings(Struct, frozen=True):
    """What `[service.orders.settings]` may say.

    ``given_up_after`` are the seconds after which a booking without an order is taken back:
    longer than any call may take that could still write the order.
    """

    given_up_after: int = 60


class Booking(Struct, frozen=True):
    """Goods that were taken: a reservation, or a ``change`` to one that ``held`` other goods."""

    reservation: str
    change: str | None = None
    held: Goods | None = None

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return self.change or self.reservation


class Bookings:
    """The notes, in the database of the orders."""

    def __init__(
        self, database: Database, stock: Stock, tokens: TokenIssuer, settings: Settings
    ) -> None:
        self.database = database
        self.stock = stock
        self.tokens = tokens
        self.settings = settings

    @on_start
    async def begin(self) -> None:
        """Look for what others have left behind, for as long as the service runs."""
        # It ends with the service, which also tells of its failures: nobody waits for it here.
        _ = spawn(self._look_again_and_again())

    async def note(self, booking: Booking) -> None:
        """Before it is made: kept whatever becomes of this call, which takes it back if it fails.

        It does not wait for the disk, which would be half of what an order costs: a process may be
        killed at any time, but should the power fail in this moment, goods may stay taken.
        """
        self.database.unit.after_rollback(lambda: self.take_back(booking))
        held = booking.held
        goods = (None, None) if held is None else (held.product_id, held.quantity)
        due = int(time.time()) + self.settings.given_up_after
        values = (booking.name, booking.reservation, *goods, due)
        await self.database.engine.note("orders.note", NOTE, *values)

    async def confirm(self, booking: Booking) -> None:
        """There is an order for it, from the moment this call commits.

        Raises `Failure` where it took so long that the goods are given back already.
        """
        if (await self.database.execute(CONFIRM, {"booking": booking.name})).rowcount != 1:
            what = "This took so long that the goods were given back; order again"
            raise Failure(Code.ABORTED, what)

    async def cancel(self, booking: Booking) -> None:
        """There is no order for it any more: it is taken back once this call has committed."""
        row = {"name": booking.name, "reservation": booking.reservation}
        await self.database.execute(CANCEL, {**row, "due": int(time.time()), "given_up": True})
        self.database.unit.after_commit(lambda: self.take_back(booking))

    async def take_back(self, booking: Booking) -> None:
        """Give the goods back, which does no harm a second time, and forget the note."""
        if booking.change is None or booking.held is None:
            await self.stock.release(booking.reservation)
        else:
            # Either fault says that the change never came to be, or is no longer the last one.
            with contextlib.suppress(NoSuchReservation, ReservationChanged):
                await self.stock.unbook(booking.reservation, booking.change, booking.held)
        async with self.database.transaction():
            await self.database.execute(FORGET, {"booking": booking.name})

    async def settle(self) -> None:
        """Take back every booking that was given up."""
        for booking in await self._given_up():
            with calling(token=self.tokens.issue("orders").access_token):
                try:
                    await self.take_back(booking)
                except Failure:  # the next ones must not wait for this one: it comes again
                    log.warning("booking %s is not taken back yet", booking.name, exc_info=True)

    async def _given_up(self) -> list[Booking]:
        """Those whose time is over; from here on no order can confirm them."""
        due = bookings.c.due < int(time.time())
        async with self.database.reading():
            if (await self.database.execute(select(bookings.c.name).where(due))).first() is None:
                return []
        async with self.database.transaction():
            found = await self.database.execute(
                update(bookings).where(due).values(given_up=True).returning(*bookings.c)
            )
            return [
                Booking(row.reservation)
                if row.product_id is None
                else Booking(row.reservation, row.name, Goods(row.product_id, row.quantity))
                for row in found
            ]

    async def _look_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            try:
                await self.settle()
            except Exception:  # the stock may be away; the notes stay until it is back
                log.warning("bookings cannot be taken back yet", exc_info=True)
