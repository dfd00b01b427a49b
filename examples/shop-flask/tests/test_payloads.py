"""A payload that is not there, or is called something else than JSON, at every operation that takes one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1]

# Asks every operation in turn; prints path, status and kind of message of each answer.
ASKING = """
import json, sys
import inventory.wsgi, orders.wsgi, users.wsgi

sent = json.loads(sys.argv[1])
for service in (users, orders, inventory):
    client = service.wsgi.app.test_client()
    document = client.get("/swagger.json").json
    for path, operations in document["paths"].items():
        for method in operations.keys() & {"post", "put"}:
            url = path.replace("{id}", "1").replace("{order_id}", "1")
            answer = client.open(url, method=method, **sent)
            print(json.dumps([method, path, answer.status_code, list(answer.json)]))
"""

TAKES_A_PAYLOAD = {
    ("post", "/api/users"),
    ("post", "/api/login"),
    ("put", "/api/user/{id}"),
    ("post", "/api/orders"),
    ("put", "/api/order/{order_id}"),
    ("post", "/api/products"),
    ("put", "/api/products/{id}"),
    ("put", "/api/products/{id}/stock"),
}


def answers(sent: dict[str, str], folder: Path) -> dict[tuple[str, str], tuple[int, list[str]]]:
    """What each operation answers: the status, and the names in the JSON."""
    done = subprocess.run(
        [sys.executable, "-c", ASKING, json.dumps(sent)],
        cwd=FOLDER,
        env={
            "DATABASE_URL": f"sqlite:///{folder / 'shop.sqlite3'}",
            "PASSWORD_METHOD": "scrypt:1024:8:1",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {(method, path): (status, names) for method, path, status, names in told}


@pytest.mark.promise("S2-10", "S2-13", "S2-30")
@pytest.mark.parametrize("sent", [{}, {"content_type": "text/plain"}, {"data": ""}])
def test_a_payload_that_is_missing_is_a_400(sent: dict[str, str], tmp_path: Path) -> None:
    """It is required; whatever it would have been called."""
    assert answers(sent, tmp_path) == dict.fromkeys(TAKES_A_PAYLOAD, (400, ["message"]))


def test_a_payload_that_is_called_something_else_is_a_415(tmp_path: Path) -> None:
    """So no form in a page of a foreign site can send one."""
    for called in ("text/plain", "application/x-www-form-urlencoded"):
        sent = {"data": '{"address": "x"}', "content_type": called}
        assert answers(sent, tmp_path) == dict.fromkeys(TAKES_A_PAYLOAD, (415, ["message"]))
