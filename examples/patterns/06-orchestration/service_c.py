"""ServiceC, the third step: analyzes a message that was processed."""

import json
import os

from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug import Response as Answer
from werkzeug.exceptions import HTTPException

GLAD = {"hello", "welcome", "good", "great", "thanks"}
SAD = {"bad", "error", "failed", "sorry", "wrong"}

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 64 * 1024


@app.post("/analyze")
def analyze() -> ResponseReturnValue:
    """How long a message is, and in what mood."""
    try:
        sent = request.get_json(silent=True)
    except RecursionError:  # nested too deeply to be meant
        sent = None
    match sent:
        case {"message": str(message)} if message:
            words = [word.strip(".,:;!?").lower() for word in message.split()]
            mood = sum(word in GLAD for word in words) - sum(word in SAD for word in words)
            return {
                "message": message,
                "length": len(message),
                "words": len(words),
                "sentiment": "positive" if mood > 0 else "negative" if mood < 0 else "neutral",
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
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "5002"))
    app.run(host, port, debug=False)  # a debugger would run what its visitors type
