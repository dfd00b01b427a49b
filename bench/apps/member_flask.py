"""Flask: a program as a team has it that knows nothing of Coterie; the orders of the bench."""

from typing import Any

from flask import Flask, request

app = Flask(__name__)


@app.get("/health")
def health() -> dict[str, Any]:
    """Whoever stands before it asks now and then."""
    return {"status": "well"}


@app.post("/api/orders")
def place() -> Any:
    """Price an order."""
    order = request.get_json()
    if any(item["quantity"] < 1 for item in order["items"]):
        return {"error": "order one at least"}, 400
    total = sum(item["quantity"] * item["cents"] for item in order["items"])
    return {**order, "total": total}
