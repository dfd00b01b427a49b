"""The files themselves: the same for the same system, as Envoy wants them, and as people read them.

Files that are meant to change are written anew by

    RENEW=1 .venv/bin/python -m pytest tests/deploy/test_files.py

and then read before they are committed.
"""

import json
import os
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from coterie.binding.rest import Router
from coterie.call import Failure
from coterie.deploy.envoy import Edge, Endpoint, Tls, endpoints, files
from coterie.deploy.envoy.places import places
from coterie.members.gateway import Route
from coterie.registry import Instance, InstanceState
from coterie.system import Inventory, inventory_of, load, resolve
from tests.cli.conftest import Coterie, coterie
from tests.deploy.programs import INVENTORY
from tests.deploy.running import BINARY
from tests.deploy.three import bazaar

__all__ = ["coterie"]

GOLDEN = Path(__file__).parent / "golden"
SHOP = Path(__file__).parents[2] / "examples" / "shop"


def shop() -> Inventory:
    system = load(SHOP, environment={})
    return inventory_of(system, tuple(resolve(system)))


def full(folder: str, inventory: Inventory) -> dict[str, bytes]:
    """With all that an edge may have."""
    edge = Edge(
        folder=folder,
        tls=Tls("/etc/tls/cert.pem", "/etc/tls/key.pem"),
        cors=("https://shop.example", "https://other.example:8443"),
        console=Endpoint("127.0.0.1", 9000),
        admin=f"{folder}/admin.sock",
    )
    return files(inventory, edge)


def plain(folder: str, inventory: Inventory) -> dict[str, bytes]:
    """As `coterie deploy envoy` writes them."""
    known = {service.name: [Endpoint(service.name, 8000)] for service in inventory.services}
    return files(inventory, Edge(folder=folder), known)


def joined(folder: str) -> dict[str, bytes]:
    """Programs that join as they are, and find each other inside."""
    ports = {"native": 9001, "legacy": 9002, "private": 9003}
    console = Endpoint("127.0.0.1", 9000)
    return files(INVENTORY, Edge(folder=folder, console=console, inside=ports))


@pytest.mark.parametrize("name", ["bazaar", "shop", "programs"])
def test_the_files_are_those_that_were_read_last(name: str, tmp_path: Path) -> None:
    """Whoever changes one reads what changes for Envoy."""
    if name == "programs":
        made = joined("/etc/envoy")
    elif name == "bazaar":
        made = full("/etc/envoy", bazaar(tmp_path)[1])
    else:
        made = plain("/etc/envoy", shop())
    if os.environ.get("RENEW"):
        for path, content in made.items():
            place = GOLDEN / name / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    known = {
        str(path.relative_to(GOLDEN / name)): path.read_text()
        for path in (GOLDEN / name).rglob("*.json")
    }
    assert {path: content.decode() for path, content in made.items()} == known


def test_the_same_system_gives_the_same_octets(tmp_path: Path) -> None:
    """So nothing is swapped where nothing changed."""
    inventory = bazaar(tmp_path)[1]
    assert full("/x", inventory) == full("/x", inventory)


def whole(made: dict[str, bytes]) -> dict[str, Any]:
    """All files as one without discovery: Envoy checks nothing else before it runs."""
    found = {name: json.loads(content) for name, content in made.items()}
    bootstrap: dict[str, Any] = found["bootstrap.json"]
    del bootstrap["dynamic_resources"]
    listener, *inside = found["lds.json"]["resources"]
    http = listener["filter_chains"][0]["filters"][0]["typed_config"]
    del http["rds"]
    (http["route_config"],) = found["rds.json"]["resources"]
    clusters = found["cds.json"]["resources"]
    for message in (listener, *inside, http["route_config"], *clusters):
        del message["@type"]
    bootstrap["static_resources"] = {"listeners": [listener, *inside], "clusters": clusters}
    return bootstrap


def verdict(folder: Path, made: dict[str, bytes]) -> str:
    """What Envoy says to ``made``."""
    for name, content in made.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "whole.json").write_text(json.dumps(whole(made)))
    command = [
        str(BINARY),
        "--mode",
        "validate",
        "--log-level",
        "warning",
        "-c",
        f"{folder}/whole.json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr


@pytest.mark.parametrize("how", [full, plain])
@pytest.mark.parametrize("name", ["bazaar", "shop"])
def test_envoy_takes_them(how: Any, name: str, tmp_path: Path) -> None:
    """All of them, by its own check."""
    inventory = bazaar(tmp_path)[1] if name == "bazaar" else shop()
    made = how(str(tmp_path), inventory)
    made["lds.json"] = _without_tls(made["lds.json"])
    assert verdict(tmp_path, made) == ""


def test_envoy_takes_programs(tmp_path: Path) -> None:
    """With their paths, and with a listener for each service that is found inside."""
    assert verdict(tmp_path, joined(str(tmp_path))) == ""


def test_who_is_neither_public_nor_found_inside_is_no_cluster() -> None:
    """Envoy knows nobody else. Of a program it asks the process that stands for it."""

    def clusters(edge: Edge) -> dict[str, str]:
        told = json.loads(files(INVENTORY, edge)["cds.json"])["resources"]
        return {one["name"]: one["health_checks"][0]["http_health_check"]["path"] for one in told}

    outside, inside = clusters(Edge()), clusters(Edge(inside={"private": 9003}))
    assert "private" not in outside
    assert inside == outside | {"private": "/.coterie/ready"}
    assert outside["legacy"] == "/.coterie/ready"
    assert outside["native"] == "/health/ready"


def test_control_envoy_refuses_others(tmp_path: Path) -> None:
    """Control: a misspelt field is noticed."""
    made = plain(str(tmp_path), shop())
    made["rds.json"] = made["rds.json"].replace(b"retry_back_off", b"retry_backoff", 1)
    assert "retry_backoff" in verdict(tmp_path, made)


def _without_tls(lds: bytes) -> bytes:
    """The check opens the certificate, and there is none."""
    made = json.loads(lds)
    made["resources"][0]["filter_chains"][0].pop("transport_socket", None)
    return json.dumps(made).encode()


def fits(shape: tuple[str, ...], path: str) -> bool:
    """As Envoy matches: text as it is, braces any segment that is not empty."""
    pieces = path.split("/")[1:]
    return len(pieces) == len(shape) and all(
        bool(piece) if part == "{}" else piece == part
        for part, piece in zip(shape, pieces, strict=True)
    )


@pytest.mark.parametrize("seed", range(40))
def test_the_first_place_that_fits_is_the_routers_choice(seed: int) -> None:
    """Whatever two services share, and however templates overlap: the same service, or the same Allow."""
    draw = Random(seed)  # noqa: S311  # the same dice every time
    words = ["a", "b", "{x}", "{y}", ""]
    routes: dict[tuple[str, str], Route] = {}
    for number in range(draw.randint(1, 12)):
        pieces = [draw.choice(words[:4]) for _ in range(draw.randint(1, 3))]
        path = "/" + "/".join(pieces) + draw.choice(["", "", "/"])
        method, service = draw.choice(["GET", "POST", "PUT"]), draw.choice(["one", "two"])
        shape = path.replace("{x}", "{}").replace("{y}", "{}")
        name = f"{service}.{number}"
        route = Route(service=service, operation=name, method=method, path=path)
        routes.setdefault((method, shape), route)
    table = list(routes.values())
    router = Router((route.method, route.path, route) for route in table)
    found = places(table)
    for _ in range(200):
        path = "/" + "/".join(draw.choice(["a", "b", "c", ""]) for _ in range(draw.randint(1, 4)))
        place = next((place for place in found if fits(place.shape, path)), None)
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
            chosen = choice(router, method, path)
            if isinstance(chosen, Route):
                assert place is not None
                asked = "GET" if method == "HEAD" else method
                (route,) = [route for route in place.routes if route.method == asked]
                assert route.service == chosen.service
            else:
                assert chosen == (None if place is None else place.allowed)


def choice(router: Router[Route], method: str, path: str) -> Route | tuple[str, ...] | None:
    """The route; or what else is allowed there; or nothing."""
    try:
        return router.find(method, path)[0]
    except Failure as refusal:
        allow = dict(refusal.headers).get("allow")
        return None if allow is None else tuple(allow.split(", "))


def test_nothing_private_is_routed(tmp_path: Path) -> None:
    """Neither operations for services alone, nor services that are not public."""
    made = plain("/x", bazaar(tmp_path)[1])["rds.json"].decode()
    assert "shelf.items" in made
    assert "shelf.inner" not in made
    assert "/metrics" not in made
    assert "/telemetry" not in made


def test_endpoints_are_weighed(tmp_path: Path) -> None:
    """In proportion; and sorted, so that the order of announcements changes nothing."""
    one, two, none = (
        Instance(service="s", id=f"s-{n}", url=f"http://127.0.0.{n}:80", weight=weight)
        for n, weight in ((1, 1.0), (2, 0.25), (3, 0.0))
    )
    made = endpoints("s", (two, none, one))
    assert made == endpoints("s", (one, two, none))
    (found,) = json.loads(made)["resources"]
    told = found["endpoints"][0]["lb_endpoints"]
    assert [one["load_balancing_weight"] for one in told] == [100, 25]
    late = Instance(service="s", id="s-4", url="http://127.0.0.4:80", state=InstanceState.STARTING)
    assert endpoints("s", (two, none, one, late)) == made


@pytest.mark.parametrize(
    "url", ["http://[half", "http://a:99999", "nowhere", "http://host.example"]
)
def test_an_endpoint_that_envoy_cannot_take_is_left_out(url: str) -> None:
    """It refuses the whole file for one: an address is a number, not a name to look up."""
    good = Instance(service="s", id="s-1", url="http://[::1]:80", weight=1e300)
    bad = Instance(service="s", id="s-2", url=url)
    (found,) = json.loads(endpoints("s", (good, bad)))["resources"]
    (told,) = found["endpoints"][0]["lb_endpoints"]
    assert told["endpoint"]["hostname"] == "s-1"
    assert told["load_balancing_weight"] < 2**24


def test_the_verb_writes_them(coterie: Coterie, tmp_path: Path) -> None:
    """Into a folder, only where something changed; or to the screen; or as one JSON object."""
    out = tmp_path / "out"
    options = ("--endpoint", "orders=10.0.0.7:9000", "--endpoint", "orders=[::1]:9001")
    done = coterie("deploy", "envoy", SHOP, "--out", out, *options)
    assert done.code == 0
    names = ["bootstrap.json", "lds.json", "rds.json", "cds.json"]
    assert done.out.split() == [str(out / name) for name in names]
    clusters = json.loads((out / "cds.json").read_bytes())["resources"]
    where = {
        cluster["name"]: [
            one["endpoint"]["address"]["socket_address"]
            for one in cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
        ]
        for cluster in clusters
    }
    assert where["users"] == [{"address": "users", "port_value": 8000}]
    assert [one["address"] for one in where["orders"]] == ["10.0.0.7", "::1"]
    again = coterie("deploy", "envoy", SHOP, "--out", out, *options)
    assert again.out.count("(as it was)") == 4
    shown = coterie("deploy", "envoy", SHOP, *options)
    assert [line for line in shown.out.splitlines() if line.startswith("# file: ")] == [
        f"# file: {name}" for name in names
    ]
    told = coterie("deploy", "envoy", SHOP, *options, "--json").json()
    assert told["cds.json"]["resources"] == clusters


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--endpoint", "orders"), "--endpoint 'orders' names no service"),
        (("--endpoint", "orderz=a:1"), "Did you mean orders?"),
        (("--endpoint", "orders=a"), "'a' is no address"),
        (("--endpoint", "orders=a:70000"), "write host:port"),
        (("--console", "nowhere"), "--console: 'nowhere' is no address"),
    ],
)
def test_the_verb_says_what_is_wrong(coterie: Coterie, options: tuple[str, str], told: str) -> None:
    """And how it is written."""
    done = coterie("deploy", "envoy", SHOP, *options)
    assert done.code == 2
    assert told in done.err
