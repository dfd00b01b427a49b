"""What a system says of its calls reaches the gateway: how long, how often, and how gently."""

import json
from pathlib import Path
from typing import Any

from coterie.deploy import routes_of
from coterie.deploy.envoy import Edge, files
from coterie.members.gateway import Route
from coterie.system import Inventory, inventory_of, load, resolve
from tests.deploy.bazaar import TOML

PLAIN = TOML.replace("timeout = 5.0", "timeout = 5.0\nslow_start = 0")


def inventory(folder: Path, more: str = "", toml: str = PLAIN) -> Inventory:
    (folder / "coterie.toml").write_text(toml + more)
    system = load(folder, environment={})
    return inventory_of(system, tuple(resolve(system)))


def route(found: Inventory, operation: str) -> Route:
    return next(one for one in routes_of(found) if one.operation == operation)


def made(found: Inventory, name: str) -> Any:
    return json.loads(files(found, Edge())[name])["resources"]


def routed(found: Inventory, operation: str) -> Any:
    (routes,) = made(found, "rds.json")
    every = routes["virtual_hosts"][0]["routes"]
    return next(one["route"] for one in every if one["name"] == operation)


def test_what_may_be_sent_twice_is_and_nothing_else(tmp_path: Path) -> None:
    """Without a word in the file: reads and what is idempotent."""
    found = inventory(tmp_path)
    assert route(found, "shelf.items").attempts == 3
    assert route(found, "desk.letter").attempts == 3
    assert route(found, "shelf.keep").attempts == 1
    assert "reset" in routed(found, "shelf.items")["retry_policy"]["retry_on"].split(",")


def test_an_operation_that_is_not_to_be_retried_is_not(tmp_path: Path) -> None:
    """Nor more often than its table says, and never more often than the gateway would."""
    found = inventory(
        tmp_path,
        """
[service.shelf.operation.items]
retry = false

[service.shelf.operation.best]
retry = { attempts = 2 }

[service.shelf.operation.text]
retry = { attempts = 9 }
""",
    )
    assert route(found, "shelf.items").attempts == 1
    assert route(found, "shelf.best").attempts == 2
    assert route(found, "shelf.text").attempts == 3
    assert routed(found, "shelf.best")["retry_policy"]["num_retries"] == 1


def test_the_time_of_an_operation_is_that_of_its_route(tmp_path: Path) -> None:
    """A little longer, for the service to be the first to say that it is over."""
    found = inventory(tmp_path, "\n[service.shelf.operation.items]\ntimeout = 12\n")
    assert route(found, "shelf.items").timeout == 12
    assert routed(found, "shelf.items")["timeout"] == "12.5s"
    assert route(found, "shelf.best").timeout is None  # as [policy] says


def test_new_instances_begin_gently_where_they_are_to(tmp_path: Path) -> None:
    """For so many seconds as the service's table says, or `[policy]`."""
    toml = TOML.replace("tests.deploy.bazaar:DeskService\"", """tests.deploy.bazaar:DeskService"

[service.desk.policy]
slow_start = 20
""")  # fmt: skip
    found = made(
        inventory(tmp_path, toml=toml.replace("timeout = 5.0", "slow_start = 0")), "cds.json"
    )
    told = {one["name"]: one.get("least_request_lb_config") for one in found}
    assert told["desk"] == {"slow_start_config": {"slow_start_window": "20s"}}
    assert told["shelf"] is None
