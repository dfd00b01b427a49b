"""What the inventory service is sent, and what it answers."""

from typing import Any

from flask_restx import fields, inputs
from flask_restx.reqparse import RequestParser

from central.fields import LARGEST, count, line

PRICE = {"example": 4900, "description": "In cents"}
CURRENCY = {"pattern": r"^[A-Z]{3}(?![\s\S])", "example": "EUR", "description": "ISO 4217"}
SKU = {"pattern": r"^[A-Za-z0-9._-]+(?![\s\S])", "example": "LAMP-2"}

NEW_PRODUCT = {
    "sku": fields.String(required=True, min_length=1, max_length=40, **SKU),
    "name": line(200, required=True, example="Desk lamp"),
    "price": count(10**12, required=True, **PRICE),
    "available": count(10**9, example=7),
    "currency": fields.String(**CURRENCY),
}

CHANGES = {
    "name": line(200, example="Desk lamp"),
    "price": count(10**12, **PRICE),
    "currency": fields.String(**CURRENCY),
}

STOCK_LEVEL = {"available": count(10**9, required=True, example=7)}

PRODUCT = {
    "id": fields.Integer,
    "sku": fields.String,
    "name": fields.String,
    "price": fields.Integer(description="In cents"),
    "currency": fields.String,
    "available": fields.Integer(description="How many can be ordered"),
}

PAGE = RequestParser()
PAGE.add_argument(
    "limit", type=inputs.int_range(1, 500), default=100, location="args", help="How many"
)
PAGE.add_argument(
    "cursor",
    type=inputs.int_range(0, LARGEST),
    default=0,
    location="args",
    help="`next` of the page before",
)


def values_in(payload: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    """The columns of a product that a payload valid by the model names, as the table has them."""
    given = {name: payload[name] for name in model if name in payload}
    # In JSON `2.0` is a whole number too.
    return {name: int(v) if isinstance(v, float) else v for name, v in given.items()}
