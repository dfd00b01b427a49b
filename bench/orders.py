"""The one payload of the `operation` and `call` figures: an order of three items, and its answer.

Every contestant gets these bytes and must answer values equal to these, so none can win by doing
less. The rules a contestant enforces are those of `bench/apps/coterie_orders.py`.
"""

import json
from typing import Any

PATH = "/api/orders"
KINDS = 16
"""How many different orders are sent in turn, so that no contestant answers from one cache line."""


def order(kind: int) -> dict[str, Any]:
    """The order number `kind`, as a plain JSON value; amounts are cents."""
    return {
        "reference": f"A-2023-{kind:05d}",
        "user_id": 4 + kind,
        "date": f"2023-11-{kind % 28 + 1:02d}",
        "items": [
            {"product_id": 101 + kind, "quantity": 1 + kind % 5, "cents": 1_999},
            {"product_id": 202 + kind, "quantity": 2, "cents": 450 + kind},
            {"product_id": 303 + kind, "quantity": 10, "cents": 129_900},
        ],
    }


def answer(kind: int) -> dict[str, Any]:
    """What every contestant must answer to `order(kind)`: the order again, with its total."""
    asked = order(kind)
    return asked | {"total": sum(item["quantity"] * item["cents"] for item in asked["items"])}


def wrong() -> dict[str, Any]:
    """An order that breaks one rule (a quantity of zero): every contestant must refuse it."""
    asked = order(0)
    asked["items"][2]["quantity"] = 0
    return asked


def post(path: str, value: object, headers: tuple[tuple[str, str], ...] = ()) -> bytes:
    """One HTTP/1.1 POST of `value` as compact JSON, ready to be written to a socket."""
    body = json.dumps(value, separators=(",", ":")).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept: application/json",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {text}" for name, text in headers),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
