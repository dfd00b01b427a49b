"""Tells the inventory where ServiceA is."""

import os

import requests

INVENTORY_URL = os.environ.get("INVENTORY_URL", "http://localhost:5001")
SERVICE_A_URL = os.environ.get("SOA_SERVICE_A_URL", "http://localhost:5000")
TIMEOUT = float(os.environ.get("TIMEOUT", "2"))  # seconds


def register_service(name: str, url: str) -> bool:
    """Whether the inventory took the service in."""
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
