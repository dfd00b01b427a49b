"""Tells the inventory where ServiceA is."""

import os
from queue import Empty, SimpleQueue
from threading import Thread

import requests

INVENTORY_URL = os.environ.get("INVENTORY_URL", "http://localhost:5001")
SERVICE_A_URL = os.environ.get("SOA_SERVICE_A_URL", "http://localhost:5000")
TIMEOUT = float(os.environ.get("TIMEOUT", "2"))  # seconds


def register_service(name: str, url: str) -> bool:
    """Whether the inventory took the service in, as far as is known after TIMEOUT."""
    answers: SimpleQueue[bool] = SimpleQueue()
    # To requests, a timeout is for each wait for the next bytes: a thread may be left waiting.
    Thread(target=lambda: answers.put(post(name, url)), daemon=True).start()
    try:
        return answers.get(timeout=TIMEOUT)
    except Empty:
        return False


def post(name: str, url: str) -> bool:
    """The same, however long it takes."""
    try:
        response = requests.post(
            f"{INVENTORY_URL}/register",
            json={"name": name, "url": url},
            timeout=TIMEOUT,
            allow_redirects=False,
        )
    except requests.RequestException:
        return False
    return response.status_code == 201


if __name__ == "__main__":
    if register_service("ServiceA", SERVICE_A_URL):
        print("Service ServiceA registered successfully.")
    else:
        print("Failed to register Service ServiceA.")
