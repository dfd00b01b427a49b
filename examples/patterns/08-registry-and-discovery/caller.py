"""A caller of ServiceA: knows its name, and asks the registry for its address at each call."""

import requests

from client import TIMEOUT, discover_service

FAILED = "Failed to get greeting from ServiceA"


def greeting() -> str:
    """ServiceA's greeting, wherever it is now; where there is none, a text that says so."""
    url = discover_service("ServiceA")
    if url is None:
        return FAILED
    try:
        response = requests.get(f"{url}/greet", timeout=TIMEOUT, allow_redirects=False)
        text = response.text
    except (requests.RequestException, ValueError):
        return FAILED
    return text if response.status_code == 200 else FAILED


if __name__ == "__main__":
    print(greeting())
