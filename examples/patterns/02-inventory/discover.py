"""Asks the inventory where ServiceA is."""

import os
from urllib.parse import quote

import requests

INVENTORY_URL = os.environ.get("INVENTORY_URL", "http://localhost:5001")
TIMEOUT = float(os.environ.get("TIMEOUT", "2"))  # seconds


def discover_service(name: str) -> str | None:
    """The URL of the service; None where the inventory has none, or gives no answer."""
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
        case {"service_url": str(url)}:
            return url
        case _:
            return None


if __name__ == "__main__":
    url = discover_service("ServiceA")
    if url is not None:
        print(f"Service ServiceA found at {url}.")
    else:
        print("Service ServiceA not found.")
