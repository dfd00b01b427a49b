"""The orchestrator: takes a greeting from ServiceA through ServiceB to ServiceC."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug import Response as Answer
from werkzeug.exceptions import HTTPException

SERVICE_A_URL = os.environ.get("SOA_SERVICE_A_URL", "http://localhost:5000")
SERVICE_B_URL = os.environ.get("ORCHESTRATION_SERVICE_B_URL", "http://localhost:5001")
SERVICE_C_URL = os.environ.get("ORCHESTRATION_SERVICE_C_URL", "http://localhost:5002")
TIMEOUT = float(os.environ.get("TIMEOUT", "2"))  # seconds, for each step

# All that can be wrong with an answer: it does not come in time, it is no 200, it cannot be read.
FAILURES = (TimeoutError, requests.RequestException, ValueError, RecursionError)

app = Flask(__name__)
session = requests.Session()  # keeps connections open, for all threads, and no cookies
session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
pool = ThreadPoolExecutor(max_workers=32)


class StepFailed(Exception):
    """A step did not do its part; the text says which, and nothing more."""


@app.get("/orchestrate")
def orchestrate() -> ResponseReturnValue:
    """All three steps, each with what the one before it gave."""
    greeting = get_greeting()
    processed = process_data(greeting)
    return jsonify(analyze_data(processed))


def get_greeting() -> str:
    """Step 1. Raises StepFailed."""
    try:
        return ask("GET", f"{SERVICE_A_URL}/greet").text.strip()
    except FAILURES as problem:
        raise StepFailed("Failed to get greeting from ServiceA") from problem


def process_data(greeting: str) -> Any:
    """Step 2. Raises StepFailed."""
    try:
        return data_in(ask("POST", f"{SERVICE_B_URL}/process", {"message": greeting}))
    except FAILURES as problem:
        raise StepFailed("Failed to process data in ServiceB") from problem


def analyze_data(processed: Any) -> Any:
    """Step 3. Raises StepFailed."""
    try:
        return data_in(ask("POST", f"{SERVICE_C_URL}/analyze", processed))
    except FAILURES as problem:
        raise StepFailed("Failed to analyze data in ServiceC") from problem


def ask(method: str, url: str, body: Any = None) -> requests.Response:
    """The 200 of a service. Raises one of FAILURES."""
    # The caller's trace is passed on, so that one trace shows all steps.
    trace = {name: value for name, value in request.headers if name == "Traceparent"}
    call = pool.submit(
        session.request,
        method,
        url,
        json=body,
        headers=trace,
        timeout=TIMEOUT,
        allow_redirects=False,
    )
    # To requests, a timeout is for each wait for the next bytes; here it is for all of them.
    response = call.result(timeout=TIMEOUT)
    if response.status_code != 200:
        raise ValueError(f"{url} answered {response.status_code}")
    return response


def data_in(response: requests.Response) -> Any:
    """What its JSON says. Raises one of FAILURES."""
    data = response.json()
    json.dumps(data, allow_nan=False)  # Python reads NaN and Infinity, which are no JSON
    return data


@app.errorhandler(StepFailed)
def failed(step: StepFailed) -> ResponseReturnValue:
    """The caller is told which step it was; why, only the log."""
    app.logger.warning("%s: %r", step, step.__cause__)
    return {"error": str(step)}, 500


@app.errorhandler(HTTPException)
def refused(problem: HTTPException) -> Answer:
    """Whatever else is wrong is told in JSON too, and nothing of the inside with it."""
    answer = problem.get_response()
    answer.data = json.dumps({"error": problem.name})
    answer.content_type = "application/json"
    return answer


if __name__ == "__main__":
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "5003"))
    app.run(host, port, debug=False)  # a debugger would run what its visitors type
