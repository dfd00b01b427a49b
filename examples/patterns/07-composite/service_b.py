"""ServiceB: has data."""

import json
import os

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from werkzeug import Response as Answer
from werkzeug.exceptions import HTTPException

DATA = [
    {"id": 1, "name": "Data 1", "value": 10},
    {"id": 2, "name": "Data 2", "value": 20},
    {"id": 3, "name": "Data 3", "value": 30},
]

app = Flask(__name__)


@app.get("/data")
def data() -> ResponseReturnValue:
    """All of it."""
    return jsonify(DATA)


@app.errorhandler(HTTPException)
def refused(problem: HTTPException) -> Answer:
    """Whatever is wrong is told in JSON too, and nothing of the inside with it."""
    answer = problem.get_response()
    answer.data = json.dumps({"error": problem.name})
    answer.content_type = "application/json"
    return answer


if __name__ == "__main__":
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "5001"))
    app.run(host, port, debug=False)  # a debugger would run what its visitors type
