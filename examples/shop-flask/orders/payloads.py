"""What the orders service is sent, and what it answers."""

import datetime
from collections.abc import Mapping
from typing import Any

from flask_restx import fields, inputs
from flask_restx.reqparse import RequestParser

from central.fields import LARGEST, number

DATE = {"example": "2023-11-28", "description": "ISO 8601"}

NEW_ORDER = {
    "user_id": number(required=True, example=4),
    "product_id": number(required=True, example=1),
    "quantity": number(1_000_000, required=True, example=2),
    "date": fields.Date(required=True, **DATE),
}

CHANGES = {
    "product_id": number(example=1),
    "quantity": number(1_000_000, example=2),
    "date": fields.Date(**DATE),
}

ORDER = {
    "id": fields.Integer,
    "user_id": fields.Integer,
    "product_id": fields.Integer,
    "quantity": fields.Integer,
    "date": fields.Date(**DATE),
    "unit_price": fields.Integer(description="In cents"),
}

PAGE = RequestParser()
PAGE.add_argument(
    "limit", type=inputs.int_range(1, 500), default=100, location="args", help="How many"
)
PAGE.add_argument(
    "after", type=inputs.int_range(0, LARGEST), default=0, location="args", help="Orders above this"
)


def values_in(payload: dict[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of an order that a payload valid by the model names, as the table has them."""
    given = {name: payload[name] for name in model if name in payload}
    return {name: _as_stored(value) for name, value in given.items()}


def _as_stored(value: str | float) -> datetime.date | int:
    # In JSON `2.0` is a whole number too.
    return datetime.date.fromisoformat(value) if isinstance(value, str) else int(value)
