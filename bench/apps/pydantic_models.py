# mypy: ignore-errors
# The peers are not in the environment of the checks.
"""The order and its rules, in pydantic: for FastAPI and its client."""

import datetime
from typing import Annotated

from pydantic import BaseModel, Field


class Item(BaseModel):
    product_id: Annotated[int, Field(ge=1)]
    quantity: Annotated[int, Field(ge=1, le=1000)]
    cents: Annotated[int, Field(ge=0)]


class NewOrder(BaseModel):
    reference: Annotated[str, Field(min_length=1, max_length=40)]
    user_id: Annotated[int, Field(ge=1)]
    date: datetime.date
    items: Annotated[list[Item], Field(min_length=1, max_length=100)]


class Order(BaseModel):
    reference: str
    user_id: int
    date: datetime.date
    items: list[Item]
    total: int
