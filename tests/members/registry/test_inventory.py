"""The inventory: services are described, listed, found by tag, and removed, in one place."""

from pathlib import Path
from typing import Any

import pytest

from coterie.members.registry.server import Described
from coterie.registry import Instance, InstanceState
from tests.members.registry.kit import SHIPPING, SYSTEM, live

ABOUT = {
    "description": "Sends invoices.",
    "owner": "finance@shop.example",
    "version": "2.1",
    "contract": "https://billing.example/openapi.json?v=2",
    "tags": ["money", "eu"],
    "metadata": {"language": "go"},
}


@pytest.mark.promise("S0-09", "S0-10")
async def test_a_service_is_described_and_found_by_its_tags(tmp_path: Path) -> None:
    """A name may be described before it has instances; the list is narrowed by tags."""
    async with live(tmp_path) as here:
        made = await here.ask("PUT", "/services/billing", ABOUT)
        assert made.status == 201
        told = {"name": "billing", **ABOUT, "registered_by": "billing", "read_only": False}
        assert made.json == {**told, "instances": []}
        assert (await here.ask("PUT", "/services/stock", {"tags": ["eu"]})).status == 201

        async def named(query: str) -> list[str]:
            answer = await here.ask("GET", f"/services{query}", token=None)
            return [service["name"] for service in answer.json["services"]]

        assert await named("") == ["billing", "stock"]
        assert await named("?tag=eu") == ["billing", "stock"]
        assert await named("?tag=eu&tag=money") == ["billing"]
        assert await named("?tag=us") == []
        assert (await here.ask("GET", "/services/billing")).json == made.json
        assert (await here.ask("GET", "/services/nobody")).status == 404


@pytest.mark.promise("S0-10")
async def test_a_description_is_changed_in_part_or_replaced(tmp_path: Path) -> None:
    """PATCH leaves alone what it does not name, and null empties; PUT is all there is."""
    async with live(tmp_path) as here:
        assert (await here.ask("PATCH", "/services/billing", ABOUT)).status == 404
        await here.ask("PUT", "/services/billing", ABOUT)
        some = {"owner": None, "version": "3", "metadata": {"language": None, "since": "2024"}}
        patched = (await here.ask("PATCH", "/services/billing", some)).json
        want = {**ABOUT, "owner": "", "version": "3", "metadata": {"since": "2024"}}
        assert {key: patched[key] for key in ABOUT} == want
        replaced = await here.ask("PUT", "/services/billing", {"owner": "ops"})
        assert replaced.status == 200
        empty: dict[str, Any] = {
            "description": "",
            "version": "",
            "contract": None,
            "tags": [],
            "metadata": {},
        }
        assert {key: replaced.json[key] for key in ABOUT} == {**empty, "owner": "ops"}


@pytest.mark.promise("S0-10", "S0-84")
async def test_a_service_has_several_instances(tmp_path: Path) -> None:
    """Each is handed out in its turn, as often as its weight says, and can be looked at and removed."""
    async with live(tmp_path) as here:
        instances = "/services/billing/instances"
        one = await here.ask("POST", instances, {"url": "http://10.0.0.1:80", "zone": "a"})
        assert one.status == 201
        assert one.headers["location"] == f"/registry{instances}/{one.json['id']}"
        sent = {"id": "b-2", "url": "http://10.0.0.2:80", "ttl": 60, "weight": 2}
        two = await here.ask("POST", instances, {**sent, "metadata": {"rack": "7"}})
        shown = two.json
        assert shown.pop("last_heartbeat")
        assert shown == {
            "id": "b-2",
            "url": "http://10.0.0.2:80",
            "zone": "",
            "weight": 2.0,
            "status": "UP",
            "lease_ttl": 60.0,
            "registered_by": "billing",
            "metadata": {"rack": "7"},
        }
        assert (await here.ask("GET", f"{instances}/b-2")).json == two.json
        turns = [(await here.ask("GET", "/discover/billing")).json["service_url"] for _ in range(6)]
        assert sorted(turns) == ["http://10.0.0.1:80"] * 2 + ["http://10.0.0.2:80"] * 4
        assert len(set(turns[:3])) == 2
        assert (await here.ask("GET", "/discover/billing?zone=a")).json == {
            "service_url": "http://10.0.0.1:80"
        }
        again = await here.ask("POST", instances, {"id": "b-2", "url": "http://10.0.0.3:80"})
        assert again.status == 200
        assert await here.found("billing") == {"http://10.0.0.1:80", "http://10.0.0.3:80"}
        assert (await here.ask("DELETE", f"{instances}/b-2")).status == 204
        assert (await here.ask("DELETE", f"{instances}/b-2")).status == 404
        assert await here.found("billing") == {"http://10.0.0.1:80"}


@pytest.mark.promise("S0-10")
async def test_a_service_that_is_removed_leaves_its_name_to_others(tmp_path: Path) -> None:
    """Its instances go with it; until then the name is its registrant's, also without any."""
    async with live(tmp_path) as here:
        sent = {"name": "billing", "url": "http://localhost:5000"}
        await here.ask("POST", "/register", sent)
        await here.ask("DELETE", "/services/billing/instances/billing-default")
        assert (await here.ask("GET", "/discover/billing")).status == 404
        assert (await here.ask("POST", "/register", sent, token=SHIPPING)).status == 403
        assert (await here.ask("DELETE", "/services/billing")).status == 204
        assert (await here.ask("GET", "/services/billing")).status == 404
        assert (await here.ask("DELETE", "/services/billing")).status == 404
        assert (await here.ask("POST", "/register", sent, token=SHIPPING)).status == 201


async def test_who_is_draining_is_called_no_more(tmp_path: Path) -> None:
    """It is shown, and not handed out, until it says otherwise."""
    async with live(tmp_path) as here:
        await here.ask("POST", "/register", {"name": "billing", "url": "http://localhost:5000"})
        beat = "/services/billing/instances/billing-default/heartbeat"
        for status, found in (("DRAINING", 404), ("UP", 200), ("DOWN", 404), ("UP", 200)):
            answer = await here.ask("PUT", beat, {"status": status})
            assert (answer.status, answer.json["status"]) == (200, status)
            assert (await here.ask("GET", "/discover/billing")).status == found


@pytest.mark.promise("S0-09", "S0-78")
async def test_the_system_and_what_joined_stand_in_one_list(tmp_path: Path) -> None:
    """The system's own are described by it, found like all others, and changed by nobody here."""
    orders = Described(
        name="orders", description="Orders.", owner="shop", version="1.0",
        contract="/openapi/orders.json", tags=("core",),
    )  # fmt: skip
    async with live(tmp_path, catalogue=[orders]) as here:
        up = Instance(service="orders", id="orders-1", url="http://127.0.0.1:4001", zone="a")
        busy = Instance(
            service="orders", id="orders-2", url="http://127.0.0.1:4002",
            state=InstanceState.DRAINING,
        )  # fmt: skip
        other = Instance(service="stock", id="stock-1", url="http://127.0.0.1:4003", version="4")
        for each in (up, busy, other):
            await here.registry.announce(each)
        await here.ask("POST", "/register", {"name": "billing", "url": "http://localhost:5000"})
        billing, shown, stock = await here.state()
        assert billing["read_only"] is False
        assert {key: shown[key] for key in ("owner", "version", "contract", "tags")} == {
            "owner": "shop",
            "version": "1.0",
            "contract": "/openapi/orders.json",
            "tags": ["core"],
        }
        assert shown["read_only"]
        assert shown["registered_by"] == "system"
        assert [(one["id"], one["status"]) for one in shown["instances"]] == [
            ("orders-1", "UP"),
            ("orders-2", "DRAINING"),
        ]
        assert (stock["name"], stock["version"], stock["owner"]) == ("stock", "4", "system")
        assert await here.found("orders") == {"http://127.0.0.1:4001"}
        for token in (SYSTEM, SHIPPING):
            for method, path, body in (
                ("POST", "/register", {"name": "orders", "url": "http://evil.example"}),
                ("POST", "/register", {"name": "stock", "url": "http://evil.example"}),
                ("POST", "/services/orders/instances", {"url": "http://evil.example"}),
                ("PUT", "/services/orders", {}),
                ("PATCH", "/services/orders", {}),
                ("DELETE", "/services/orders", None),
                ("DELETE", "/services/orders/instances/orders-1", None),
                ("PUT", "/services/orders/instances/orders-1/heartbeat", None),
            ):
                answer = await here.ask(method, path, body, token=token)
                assert answer.status == 403
                assert "system" in answer.error
        assert await here.state() == [billing, shown, stock]


async def test_health_says_how_much_there_is(tmp_path: Path) -> None:
    """For whoever looks whether the registry answers."""
    async with live(tmp_path) as here:
        await here.ask("POST", "/register", {"name": "billing", "url": "http://localhost:5000"})
        answer = await here.ask("GET", "/health", token=None)
        assert answer.json == {"status": "UP", "services": 1, "instances": 1}
