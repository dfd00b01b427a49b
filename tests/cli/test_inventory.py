"""`coterie inventory`: services, owners, contracts, dependencies; declared, and seen."""

import json

from tests.cli.conftest import Coterie
from tests.cli.test_ps import lab
from tests.console.pretend import Pretend, serving
from tests.console.process import system
from tests.system.folder import Folder

USERS = """
    from coterie import Contract, Service, get

    class Users(Contract, version="2.1"):
        '''People | accounts.'''
        @get("/users")
        async def users(self) -> None:
            '''Lists ``all`` users.'''

    class UserService(Users):
        async def users(self) -> None: ...
"""
ORDERS = """
    from coterie import Service, get
    from lab.users import Users

    class OrderService(Service, version="1.0"):
        def __init__(self, users: Users) -> None: ...
        @get("/orders")
        async def orders(self) -> None: ...
"""


def written(home: Folder) -> None:
    system(home.path, users=USERS, orders=ORDERS)
    toml = home.path / "coterie.toml"
    text = toml.read_text().replace('name = "lab"', 'name = "lab"\nversion = "3"\nowner = "us"')
    toml.write_text(text)


def test_of_a_system_that_is_not_running(coterie: Coterie, home: Folder) -> None:
    """What is written is told, and said to be just that."""
    written(home)
    title, header, users, orders = coterie("inventory").out.splitlines()
    assert title == "lab 3  (not running: as it is written)"
    assert header.split() == ["SERVICE", "OWNER", "CONTRACT", "OPERATIONS", "EVENTS", "CALLS"]
    assert users.split() == ["users", "us", "users", "2.1", "1", "-", "-"]
    assert orders.split() == ["orders", "us", "order-service", "1.0", "1", "-", "users", "2.1"]
    found = coterie("inventory", "--json").json()
    assert found["running"] is False
    assert found["inventory"]["services"][0]["contracts"][0]["version"] == "2.1"


def test_of_a_running_one(coterie: Coterie, home: Folder) -> None:
    """What runs, and who was seen to call whom; what nobody declared stands out."""
    with serving(lab(home.path), Pretend()):
        title, header, orders = coterie("inventory").out.splitlines()
        found = coterie("inventory", "--json").json()
    assert title == "lab 1.0"
    assert header.split()[-1] == "SEEN"
    assert orders.endswith("users 1.0, stock 1.0 (web)  mail (undeclared), users")
    assert found["running"] is True
    assert found["seen"] == [["orders", "users"], ["orders", "mail"]]


def test_markdown_for_a_wiki(coterie: Coterie, home: Folder) -> None:
    """Tables whose cells hold, whatever stands in them."""
    with serving(lab(home.path), Pretend()):
        lines = coterie("inventory", "--markdown").out.splitlines()
    assert lines[0] == "# lab 1.0"
    assert (
        "| orders | the order \\| team | orders 1.2 | users 1.0, stock 1.0 (web)"
        " | mail (undeclared), users |" in lines
    )
    assert "| `orders.place` | POST | `/orders` | Place an order |" in lines
    assert "| `orders.close` | POST | other services only |  |" in lines
    assert "Events: `Orders.placed`" in lines
    tables = [line.replace("\\|", "") for line in lines if line.startswith("|")]
    assert {line.count("|") for line in tables} == {6, 5}
    written(home)
    lines = coterie("inventory", "--markdown").out.splitlines()
    assert "| users | us | users 2.1 |  |" in lines
    assert "| `users.users` | GET | `/users` | Lists `all` users |" in lines


def test_one_form_at_a_time(coterie: Coterie, home: Folder) -> None:
    """Two at once are asked wrongly."""
    done = coterie("inventory", "--markdown", "--json")
    assert done.code == 2
    assert "choose one" in json.loads(done.err)["error"]
