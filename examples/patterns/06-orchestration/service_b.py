"""ServiceB, the second step: processes a message."""

import json
import os
from datetime import UTC, datetime

from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug import Response as Answer
from werkzeug.exceptions import HTTPException

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 16 * 1024


@app.post("/process")
def process() -> ResponseReturnValue:
    """The message in capitals, its size, and when that was done."""
    try:
        sent = request.get_json(silent=True)
    except RecursionError:  # nested too deeply to be meant
        sent = None
    match sent:
        case {"message": str(message)} if message:
            return {
                "message": message,
                "processed": message.upper(),
                "length": len(message),
                "words": len(message.split()),
                "processed_at": datetime.now(UTC).isoformat(),
            }
        case _:
            return {"error": "Send a JSON object with a text as its message"}, 400


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
