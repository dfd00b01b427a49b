"""Asks the inventory where ServiceA is."""

import os
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import quote

import requests

INVENTORY_URL = os.environ.get("INVENTORY_URL", "http://localhost:5001")
TIMEOUT = float(os.environ.get("TIMEOUT", "2"))  # seconds


def discover_service(name: str) -> str | None:
    """The URL of the service; None where the inventory has none, or gives no answer."""
    answers: SimpleQueue[str | None] = SimpleQueue()
    # To requests, a timeout is for each wait for the next bytes: a thread may be left waiting.
    Thread(target=lambda: answers.put(ask(name)), daemon=True).start()
    try:
        return answers.get(timeout=TIMEOUT)
    except Empty:
        return None


def ask(name: str) -> str | None:
    """The same, however long it takes."""
    try:
        response = requests.get(
            f"{INVENTORY_URL}/discover/{quote(name, safe='')}",
            timeout=TIMEOUT,
            allow_redirects=False,
        )
        found = response.json() if response.status_code == 200 else None
    except (requests.RequestException, ValueError, RecursionError):
        return None
    match found:
        case {"service_url": str(url)} if url.isprintable():
            return url
        case _:
            return None


if __name__ == "__main__":
    url = discover_service("ServiceA")
    if url is not None:
        print(f"Service ServiceA found at {url}.")
    else:
        print("Service ServiceA not found.")
