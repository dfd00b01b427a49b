"""The tables of the central database. Each is written by one service alone."""

import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
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
    """Written by the orders service. ``price`` is in cents."""

    __tablename__ = "products"
    # The last word against overselling, whatever the code above it does.
    __table_args__ = (CheckConstraint("available >= 0"), NEVER_AGAIN)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    price: Mapped[int]
    available: Mapped[int]


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
