"""The rules of the order by hand, for peers that bring no validation of their own."""

import datetime
from collections.abc import Sequence
from typing import Any


def broken(reference: str, user_id: int, date: str, items: Sequence[Any]) -> str | None:
    """What is wrong with the head of an order, or None."""
    if not 1 <= len(reference) <= 40:
        return "reference: 1 to 40 characters"
    if user_id < 1:
        return "user_id: at least 1"
    if not 1 <= len(items) <= 100:
        return "items: 1 to 100"
    try:
        datetime.date.fromisoformat(date)
    except ValueError:
        return "date: not an ISO 8601 date"
    return None


def broken_item(product_id: int, quantity: int, cents: int) -> str | None:
    """What is wrong with an item, or None."""
    if product_id < 1:
        return "product_id: at least 1"
    if not 1 <= quantity <= 1000:
        return "quantity: 1 to 1000"
    if cents < 0:
        return "cents: at least 0"
    return None
