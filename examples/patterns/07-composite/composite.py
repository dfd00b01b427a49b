"""The composite service: ServiceA and ServiceB as one."""

import json
import os
from concurrent.futures import Future, ThreadPoolExecutor, wait
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug import Response as Answer
from werkzeug.exceptions import HTTPException

SERVICE_A_URL = os.environ.get("SOA_SERVICE_A_URL", "http://localhost:5000")
SERVICE_B_URL = os.environ.get("COMPOSITE_SERVICE_B_URL", "http://localhost:5001")
TIMEOUT = float(os.environ.get("TIMEOUT", "2"))  # seconds, for both together

NO_GREETING = "Failed to get greeting from ServiceA"
NO_DATA = "Failed to get data from ServiceB"

# All that can be wrong with an answer: it does not come in time, it is no 200, it cannot be read.
FAILURES = (TimeoutError, requests.RequestException, ValueError, RecursionError)

app = Flask(__name__)
session = requests.Session()  # keeps connections open, for all threads, and no cookies
session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
pool = ThreadPoolExecutor(max_workers=32)


class PartFailed(Exception):
    """A part of the answer is missing; the text says which, and nothing more."""


@app.get("/composite_function")
def composite_function() -> ResponseReturnValue:
    """What both say, asked for at the same time."""
    # Passed on, so that one trace shows all three.
    trace = {name: value for name, value in request.headers if name == "Traceparent"}
    greeting = pool.submit(get_greeting, trace)
    data = pool.submit(get_data, trace)
    wait([greeting, data], timeout=TIMEOUT)
    parts = {"greeting": part(greeting, NO_GREETING), "data_from_service_b": part(data, NO_DATA)}
    try:
        return jsonify(parts)
    except RecursionError as problem:  # nested as deeply as can be read, too deeply to be told
        raise PartFailed(NO_DATA) from problem


def get_greeting(trace: dict[str, str]) -> str:
    """What ServiceA says. Raises one of FAILURES."""
    return ask(f"{SERVICE_A_URL}/greet", trace).text.strip()


def get_data(trace: dict[str, str]) -> Any:
    """What ServiceB has. Raises one of FAILURES."""
    data = ask(f"{SERVICE_B_URL}/data", trace).json()
    json.dumps(data, allow_nan=False)  # Python reads NaN and Infinity, which are no JSON
    return data


def ask(url: str, trace: dict[str, str]) -> requests.Response:
    """The 200 of a service. Raises one of FAILURES."""
    response = session.get(url, headers=trace, timeout=TIMEOUT, allow_redirects=False)
    if response.status_code != 200:
        raise ValueError(f"{url} answered {response.status_code}")
    return response


def part(call: Future[Any], failure: str) -> Any:
    """What a call brought. Raises PartFailed where that is nothing yet, or a failure."""
    try:
        return call.result(timeout=0)
    except FAILURES as problem:
        raise PartFailed(failure) from problem


@app.errorhandler(PartFailed)
def failed(part: PartFailed) -> ResponseReturnValue:
    """The caller is told what is missing; why, only the log."""
    app.logger.warning("%s: %r", part, part.__cause__)
    return {"error": str(part)}, 500


@app.errorhandler(HTTPException)
def refused(problem: HTTPException) -> Answer:
    """Whatever else is wrong is told in JSON too, and nothing of the inside with it."""
    answer = problem.get_response()
    answer.data = json.dumps({"error": problem.name})
    answer.content_type = "application/json"
    return answer


if __name__ == "__main__":
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "5004"))
    app.run(host, port, debug=False)  # a debugger would run what its visitors type
