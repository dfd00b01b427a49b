"""The tables of the central database."""

import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, true
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# A number is never given twice: who still holds an old one must not find something else there.
NEVER_AGAIN = {"sqlite_autoincrement": True}


class Base(DeclarativeBase):
    """All tables."""


class User(Base):
    """Written by the users service."""

    __tablename__ = "users"
    __table_args__ = NEVER_AGAIN

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    password_hash: Mapped[str] = mapped_column(String(256))
    address: Mapped[str] = mapped_column(String(200))


class Product(Base):
    """Written by the inventory service; orders take from ``available`` and put back.

    ``price`` is in cents of ``currency``. One that is not ``active`` is not on sale any more: its row
    stays for the orders that have it.
    """

    __tablename__ = "products"
    # The last word against overselling, whatever the code above it does.
    __table_args__ = (CheckConstraint("available >= 0"), NEVER_AGAIN)

    id: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    price: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3), server_default="EUR")
    available: Mapped[int] = mapped_column(server_default="0")
    active: Mapped[bool] = mapped_column(server_default=true())


class Order(Base):
    """Written by the orders service. ``unit_price`` is what the product cost when it was booked."""

    __tablename__ = "orders"
    __table_args__ = (CheckConstraint("quantity >= 1"), NEVER_AGAIN)

    id: Mapped[int] = mapped_column(primary_key=True)
    # This reference is also why a user who has orders cannot be deleted.
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    product_id: Mapped[int] = mapped_column(ForeignKey(Product.id))
    quantity: Mapped[int]
    date: Mapped[datetime.date]
    unit_price: Mapped[int]
