"""ServiceA, the producer: greets whoever asks."""

import json
import os

from flask import Flask, Response
from werkzeug import Response as Answer
from werkzeug.exceptions import HTTPException

app = Flask(__name__)


@app.get("/greet")
def greet() -> Response:
    """The greeting, as plain text."""
    return Response("Hello from Service A!", mimetype="text/plain")


@app.errorhandler(HTTPException)
def refused(problem: HTTPException) -> Answer:
    """Whatever is wrong is told in JSON, and nothing of the inside with it."""
    answer = problem.get_response()
    answer.data = json.dumps({"error": problem.name})
    answer.content_type = "application/json"
    return answer


if __name__ == "__main__":
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "5000"))
    app.run(host, port, debug=False)  # a debugger would run what its visitors type
