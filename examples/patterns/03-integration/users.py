"""The users service: who there is."""

import json
import os

from flask import Flask
from flask.typing import ResponseReturnValue
from werkzeug import Response as Answer
from werkzeug.exceptions import HTTPException

USERS = {
    "1": {"name": "Alice", "age": 30, "city": "New York"},
    "2": {"name": "Bob", "age": 25, "city": "San Francisco"},
}

app = Flask(__name__)


@app.get("/users/<user_id>")
def user(user_id: str) -> ResponseReturnValue:
    """One user."""
    found = USERS.get(user_id)
    return found or ({"error": "User not found"}, 404)


@app.errorhandler(HTTPException)
def refused(problem: HTTPException) -> Answer:
    """Whatever else is wrong is told in JSON too, and nothing of the inside with it."""
    answer = problem.get_response()
    answer.data = json.dumps({"error": problem.name})
    answer.content_type = "application/json"
    return answer


if __name__ == "__main__":
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "5000"))
    app.run(host, port, debug=False)  # a debugger would run what its visitors type
