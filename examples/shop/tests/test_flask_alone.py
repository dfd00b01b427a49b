"""The shop's services in Flask by themselves: the programs that they are, and how they are started."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from flask_shop import FOLDER
from shop_ways import LAUNCH

CHEAP = {"PASSWORD_METHOD": "scrypt:1024:8:1"}
"""Hashes that cost next to nothing."""


def run(program: str, database_url: str) -> "subprocess.CompletedProcess[str]":
    """A Python program inside the shop's folder."""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=FOLDER,
        env={"DATABASE_URL": database_url, **CHEAP},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


STACK = """
import sys, flask, flask_restx
import inventory.wsgi, orders.wsgi, users.wsgi
for service in (users, orders, inventory):
    assert isinstance(service.wsgi.app, flask.Flask)
    assert isinstance(sys.modules[f"{service.__name__}.api"].api, flask_restx.Namespace)
    assert "sqlalchemy" in service.wsgi.app.extensions
print(sorted(name for name in sys.modules if name.partition(".")[0] == "coterie"))
"""


@pytest.mark.promise("S2-05", "S2-06")
def test_every_service_is_flask_and_knows_nothing_of_coterie(tmp_path: Path) -> None:
    """Three Flask applications, in whose processes no module of Coterie is ever loaded."""
    done = run(STACK, f"sqlite:///{tmp_path / 'shop.sqlite3'}")
    assert (done.stdout, done.stderr) == ("[]\n", "")
    for path in FOLDER.rglob("*.py"):
        assert "coterie" not in path.read_text().lower(), path


@pytest.mark.promise("S2-05")
@pytest.mark.parametrize("name", ["users", "orders", "inventory"])
def test_a_service_is_started_by_flask_run(name: str, tmp_path: Path) -> None:
    """As the README says, but on a port that is free."""
    commands = re.findall(r"\.venv/bin/(flask .+) --port \d+\n", (FOLDER / "README.md").read_text())
    (words,) = [found.split() for found in commands if f" {name} " in found]
    with subprocess.Popen(
        [*LAUNCH, sys.executable, "-m", *words, "--port", "0"],
        cwd=FOLDER,
        env={"DATABASE_URL": f"sqlite:///{tmp_path / 'shop.sqlite3'}", **CHEAP},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            lines = iter(process.stderr or ())
            address = next(
                found[0] for line in lines if (found := re.search("http://.*[0-9]", line))
            )
            with urlopen(f"{address}/swagger.json", timeout=20) as answer:
                assert answer.status == 200
        finally:
            process.kill()


SELLING = """
import sys
import orders.wsgi, users.wsgi
new = {"name": "somebody", "password": "newPassword", "address": "x"}
assert users.wsgi.app.test_client().post("/api/users", json=new).status_code == 200
order = {"user_id": 1, "product_id": 1, "quantity": 2, "date": "2023-11-28"}
print(orders.wsgi.app.test_client().post("/api/orders", json=order).json["response"])
print("inventory" in sys.modules)
"""


@pytest.mark.promise("S2-55", "S2-57")
def test_inventory_was_added_without_a_word_to_the_others(tmp_path: Path) -> None:
    """Users and orders sell without it, and name it neither in code nor in configuration."""
    done = run(SELLING, f"sqlite:///{tmp_path / 'shop.sqlite3'}")
    assert (done.stdout, done.stderr) == ("Order placed successfully\nFalse\n", "")
    for name in ("users", "orders"):
        for path in (FOLDER / name).glob("*.py"):
            assert "inventory" not in path.read_text().lower(), path
    tables = (FOLDER / "coterie.toml").read_text().split("\n\n")
    (named,) = [table for table in tables if "inventory" in table]
    assert named.startswith("[service.inventory]\n")


@pytest.mark.promise("S2-42", "W2-04")
@pytest.mark.parametrize(
    "address", ["sqlite:///app/database/centraldb.sqlite3", "sqlite://", "postgresql://db/shop"]
)
def test_an_address_that_two_services_would_read_differently_is_refused(address: str) -> None:
    """Three slashes would be a file in whatever folder the service was started from."""
    done = run("import users.wsgi", address)
    assert done.returncode != 0
    assert "four slashes" in done.stderr.splitlines()[-1]


WORK = """
import users.api
from users.wsgi import app
costs = []
check = users.api.check_password_hash
users.api.check_password_hash = lambda kept, given: costs.append(kept[:15]) or check(kept, given)
ask = app.test_client().post
new = {"name": "somebody", "password": "newPassword", "address": "x"}
assert ask("/api/users", json=new).status_code == 200
for name in ("somebody", "nobody"):
    assert ask("/api/login", json={"name": name, "password": "wrong"}).status_code == 401
print(costs)
"""


@pytest.mark.promise("S2-17")
def test_an_unknown_user_costs_as_much_as_a_wrong_password(tmp_path: Path) -> None:
    """Either is one hash of the same price, so the time tells nobody who has an account."""
    done = run(WORK, f"sqlite:///{tmp_path / 'shop.sqlite3'}")
    assert (done.stdout, done.stderr) == ("['scrypt:1024:8:1', 'scrypt:1024:8:1']\n", "")
