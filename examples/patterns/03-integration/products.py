"""The products service: what there is to buy."""

import json
import os

from flask import Flask
from flask.typing import ResponseReturnValue
from werkzeug import Response as Answer
from werkzeug.exceptions import HTTPException

PRODUCTS = {
    "101": {"name": "Laptop", "price": 1200},
    "102": {"name": "Smartphone", "price": 800},
}

app = Flask(__name__)


@app.get("/products/<product_id>")
def product(product_id: str) -> ResponseReturnValue:
    """One product."""
    found = PRODUCTS.get(product_id)
    return found or ({"error": "Product not found"}, 404)


@app.errorhandler(HTTPException)
def refused(problem: HTTPException) -> Answer:
    """Whatever else is wrong is told in JSON too, and nothing of the inside with it."""
    answer = problem.get_response()
    answer.data = json.dumps({"error": problem.name})
    answer.content_type = "application/json"
    return answer


if __name__ == "__main__":
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "5001"))
    app.run(host, port, debug=False)  # a debugger would run what its visitors type
