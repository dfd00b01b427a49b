"""The consumer over WebSocket: the same question, on a connection that could stay open."""

import os

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

SERVICE_A_URL = os.environ.get("SOA_SERVICE_A_WS_URL", "ws://localhost:5005")
TIMEOUT = float(os.environ.get("TIMEOUT", "2"))  # seconds

FAILED = "Failed to get greeting from Service A"


def ask() -> str | bytes:
    """ServiceA's answer to one message."""
    with connect(
        f"{SERVICE_A_URL}/greet", open_timeout=TIMEOUT, close_timeout=TIMEOUT, proxy=None
    ) as connection:
        connection.send("greet")
        return connection.recv(timeout=TIMEOUT)


def consume_greeting() -> str:
    """ServiceA's greeting; where there is none, for whatever reason, a text that says so."""
    try:
        greeting = ask()
    except (WebSocketException, OSError, ValueError):  # a TimeoutError is an OSError
        return FAILED
    return greeting if isinstance(greeting, str) else FAILED


if __name__ == "__main__":
    print(f"Received greeting: {consume_greeting()}")
