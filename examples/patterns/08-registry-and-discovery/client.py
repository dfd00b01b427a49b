"""The registry's client: two functions that services and their callers share."""

import os
from typing import Any
from urllib.parse import quote

import requests

REGISTRY_URL = os.environ.get("DISCOVERY_REGISTRY_URL", "http://localhost:5000")
TIMEOUT = float(os.environ.get("TIMEOUT", "2"))  # seconds


def register_service(name: str, url: str) -> Any:
    """The JSON that the registry answers; an object with an ``error`` where it answers none."""
    try:
        response = requests.post(
            f"{REGISTRY_URL}/register",
            json={"name": name, "url": url},
            timeout=TIMEOUT,
            allow_redirects=False,
        )
        return response.json()
    except (requests.RequestException, ValueError, RecursionError):
        return {"error": "The registry does not answer"}


def discover_service(name: str) -> str | None:
    """The URL of the service; None where the registry knows none, or gives no answer."""
    try:
        response = requests.get(
            f"{REGISTRY_URL}/discover/{quote(name, safe='')}",
            timeout=TIMEOUT,
            allow_redirects=False,
        )
        found = response.json() if response.status_code == 200 else None
    except (requests.RequestException, ValueError, RecursionError):
        return None
    match found:
        case {"service_url": str(url)}:
            return url
        case _:
            return None


if __name__ == "__main__":
    service_url = discover_service("ServiceA")
    if service_url is not None:
        print(f"ServiceA discovered at: {service_url}")
    else:
        print("ServiceA not found in the registry")
