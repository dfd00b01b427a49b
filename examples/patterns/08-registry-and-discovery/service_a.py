"""ServiceA: greets whoever asks, and tells the registry where it is."""

import json
import os
import threading
import time

import requests
from flask import Flask, Response
from werkzeug import Response as Answer
from werkzeug.exceptions import HTTPException

from client import TIMEOUT, register_service

HOST, PORT = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "5001"))
# Where others reach it; 0.0.0.0 is no address to call.
URL = os.environ.get("PUBLIC_URL", f"http://{'localhost' if HOST == '0.0.0.0' else HOST}:{PORT}")
PAUSE = float(os.environ.get("PAUSE", "1"))  # seconds until it asks the registry again

app = Flask(__name__)


@app.get("/greet")
def greet() -> Response:
    """The greeting, as plain text."""
    return Response("Hello from ServiceA!", mimetype="text/plain")


@app.errorhandler(HTTPException)
def refused(problem: HTTPException) -> Answer:
    """Whatever is wrong is told in JSON, and nothing of the inside with it."""
    answer = problem.get_response()
    answer.data = json.dumps({"error": problem.name})
    answer.content_type = "application/json"
    return answer


def create_app() -> Flask:
    """The service, which is known to the registry soon: what a server loads."""
    threading.Thread(target=become_known, daemon=True).start()
    return app


def become_known() -> None:
    """Register, as soon as the service itself and the registry answer."""
    while not answers():
        time.sleep(PAUSE)
    while not registered():
        time.sleep(PAUSE)


def answers() -> bool:
    """Whether callers would find the service where it says that it is."""
    try:
        return requests.get(f"{URL}/greet", timeout=TIMEOUT).ok
    except requests.RequestException:
        return False


def registered() -> bool:
    """Whether the registry knows the service by now."""
    answer = register_service("ServiceA", URL)
    print(f"ServiceA at {URL}: {json.dumps(answer)}", flush=True)
    return isinstance(answer, dict) and "message" in answer


if __name__ == "__main__":
    create_app().run(HOST, PORT, debug=False)  # a debugger would run what its visitors type
