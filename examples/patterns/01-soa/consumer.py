"""The consumer: asks ServiceA for its greeting, and prints it."""

import os
from queue import Empty, SimpleQueue
from threading import Thread

import requests

SERVICE_A_URL = os.environ.get("SOA_SERVICE_A_URL", "http://localhost:5000")
TIMEOUT = float(os.environ.get("TIMEOUT", "2"))  # seconds

FAILED = "Failed to get greeting from Service A"


def consume_greeting() -> str:
    """ServiceA's greeting; where there is none, for whatever reason, a text that says so."""
    answers: SimpleQueue[str] = SimpleQueue()
    # To requests, a timeout is for each wait for the next bytes: a thread may be left waiting.
    Thread(target=lambda: answers.put(ask()), daemon=True).start()
    try:
        return answers.get(timeout=TIMEOUT)
    except Empty:
        return FAILED


def ask() -> str:
    """The same, however long it takes."""
    try:
        # A redirect is not a greeting, and following many would take many times the timeout.
        response = requests.get(f"{SERVICE_A_URL}/greet", timeout=TIMEOUT, allow_redirects=False)
        greeting = response.text
        greeting.encode()  # half a character is a ValueError here, and could not be printed
    except (requests.RequestException, ValueError):
        return FAILED
    return greeting if response.status_code == 200 else FAILED


if __name__ == "__main__":
    print(f"Received greeting: {consume_greeting()}")
