"""The registry's client: what services and their callers share."""

import os
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import quote

import requests

REGISTRY_URL = os.environ.get("DISCOVERY_REGISTRY_URL", "http://localhost:5000")
TIMEOUT = float(os.environ.get("TIMEOUT", "2"))  # seconds


def register_service(name: str, url: str) -> Any:
    """The JSON that the registry answers; an object with an ``error`` where it answers none."""
    response = ask("POST", f"{REGISTRY_URL}/register", {"name": name, "url": url})
    with suppress(ValueError, RecursionError):
        if response is not None:
            return response.json()
    return {"error": "The registry does not answer"}


def discover_service(name: str) -> str | None:
    """The URL of the service; None where the registry knows none, or gives no answer."""
    response = ask("GET", f"{REGISTRY_URL}/discover/{quote(name, safe='')}")
    try:
        found = response.json() if response is not None and response.status_code == 200 else None
    except (ValueError, RecursionError):
        return None
    match found:
        case {"service_url": str(url)} if url.isprintable():
            return url
        case _:
            return None


def ask(method: str, url: str, body: Any = None) -> requests.Response | None:
    """Whatever is answered within TIMEOUT, all of it; None where that is nothing."""
    answers: SimpleQueue[requests.Response | None] = SimpleQueue()

    def wait() -> None:
        try:
            answers.put(
                requests.request(method, url, json=body, timeout=TIMEOUT, allow_redirects=False)
            )
        except (requests.RequestException, ValueError):
            answers.put(None)

    # To requests, a timeout is for each wait for the next bytes: a thread may be left waiting.
    Thread(target=wait, daemon=True).start()
    try:
        return answers.get(timeout=TIMEOUT)
    except Empty:
        return None


if __name__ == "__main__":
    service_url = discover_service("ServiceA")
    if service_url is not None:
        print(f"ServiceA discovered at: {service_url}")
    else:
        print("ServiceA not found in the registry")
