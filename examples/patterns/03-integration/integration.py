"""The integration service: one answer made of what the users and the products service know."""

import json
import os
from concurrent.futures import ThreadPoolExecutor, wait
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug import Response as Answer
from werkzeug.exceptions import HTTPException

service_a_url = os.environ.get("USERS_URL", "http://localhost:5000")
service_b_url = os.environ.get("PRODUCTS_URL", "http://localhost:5001")
TIMEOUT = float(os.environ.get("TIMEOUT", "2"))  # seconds, for both together

# Which product a user has. Neither service knows of the other, so it is known here.
PRODUCT_OF = {"1": "101", "2": "102"}

app = Flask(__name__)
session = requests.Session()  # keeps connections open, for all threads, and no cookies
session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
pool = ThreadPoolExecutor(max_workers=32)


@app.get("/user_product/<user_id>")
def user_product(user_id: str) -> ResponseReturnValue:
    """A user with their product."""
    product_id = PRODUCT_OF.get(user_id)
    if product_id is None:
        return nothing()
    # Passed on, so that one trace shows all three.
    trace = {name: value for name, value in request.headers if name == "Traceparent"}
    calls = (
        pool.submit(fetch, f"{service_a_url}/users/{user_id}", trace),
        pool.submit(fetch, f"{service_b_url}/products/{product_id}", trace),
    )
    done, _ = wait(calls, timeout=TIMEOUT)
    match [call.result() if call in done else None for call in calls]:
        case [
            {"name": str(name), "age": int(age)},
            {"name": str(product), "price": int(price)},
        ] if bool not in (type(age), type(price)):  # to Python, true and false are numbers
            return {
                "user_id": user_id,
                "user_name": name,
                "user_age": age,
                "product_name": product,
                "product_price": price,
            }
        case _:
            return nothing()


def fetch(url: str, headers: dict[str, str]) -> Any:
    """The JSON of a 200; None for anything else, be it another answer or no answer."""
    try:
        response = session.get(url, headers=headers, timeout=TIMEOUT, allow_redirects=False)
        return response.json() if response.status_code == 200 else None
    except (requests.RequestException, ValueError, RecursionError) as problem:
        app.logger.warning("%s: %r", url, problem)
        return None


def nothing() -> ResponseReturnValue:
    """A user, or a product, could not be had."""
    return {"error": "Failed to retrieve user or product data"}, 404


@app.errorhandler(HTTPException)
def refused(problem: HTTPException) -> Answer:
    """Whatever else is wrong is told in JSON too, and nothing of the inside with it."""
    answer = problem.get_response()
    answer.data = json.dumps({"error": problem.name})
    answer.content_type = "application/json"
    return answer


if __name__ == "__main__":
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "5002"))
    app.run(host, port, debug=False)  # a debugger would run what its visitors type
