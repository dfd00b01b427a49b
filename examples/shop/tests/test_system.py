"""The shop as a system: what it is made of, how it grows, where its data lives."""

import contextlib
import datetime
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from coterie import Code, Failure, Principal, calling, describe
from coterie.client.http1 import Pool
from coterie.system import load, resolve
from coterie.testing import running
from shop.contracts.inventory import Inventory
from shop.contracts.orders import NewOrder, Orders
from shop.contracts.stock import Goods, NoSuchProduct, OutOfStock, Reserved, Stock
from shop.contracts.users import NoSuchUser, User, Users
from shop_web import DATE, Answer, Web

SHOP = Path(__file__).parent.parent
SERVICES = SHOP / "shop" / "services"


def of_system() -> dict[str, set[str]]:
    """The contracts of each service, as the configuration says."""
    found = resolve(load(SHOP, environment={}))
    return {service.name: {d.name for d in service.descriptions} for service in found}


@pytest.mark.promise("S2-02", "S2-03", "S2-04", "S2-56", "S3-40")
def test_users_orders_and_inventory_are_services_of_their_own() -> None:
    """Each with its contract; inventory also keeps the stock for whoever sells it."""
    assert of_system() == {
        "users": {"users"},
        "orders": {"orders"},
        "inventory": {"inventory", "stock"},
    }


@pytest.mark.promise("S3-03")
@pytest.mark.parametrize("name", ["users", "orders", "inventory"])
def test_every_service_has_the_same_anatomy(name: str) -> None:
    """A class, a store, its tables, its migrations; and it imports no other service."""
    folder = SERVICES / name
    files = {path.name for path in folder.iterdir()}
    assert {"__init__.py", "service.py", "store.py", "tables.py", "migrations"} <= files
    others = {"users", "orders", "inventory"} - {name}
    for path in folder.glob("*.py"):
        text = path.read_text()
        assert not any(f"shop.services.{other}" in text for other in others), path


@pytest.mark.promise("S2-01")
async def test_the_shop_sells_from_registration_to_order(tmp_path: Path) -> None:
    """Over HTTP, as a customer would."""
    async with running(SHOP, profile="test") as system, Pool(system.url) as pool:
        customer = await Web(pool).customer()
        assert (await customer.order(1, 1)).status == 200
        listed = await customer.ask("GET", f"/api/userorders/{customer.id}")
        assert len(listed.json) == 1


class Shelf(Stock):
    """The goods of a shop that has no inventory service yet: one product, ten pieces."""

    def __init__(self) -> None:
        self.left = 10
        self.held: dict[str, int] = {}

    async def reserve(self, reservation: str, product_id: int, quantity: int) -> Reserved:
        if product_id != 1:
            raise NoSuchProduct(product_id)
        if quantity > self.left:
            raise OutOfStock(product_id, self.left)
        self.left -= quantity
        self.held[reservation] = quantity
        return Reserved(100, "EUR")

    async def rebook(self, reservation: str, change: str, held: Goods, wanted: Goods) -> Reserved:
        self.left += held.quantity - wanted.quantity
        return Reserved(100, "EUR")

    async def unbook(self, reservation: str, change: str, held: Goods) -> None:
        """Nothing fails on this shelf."""

    async def release(self, reservation: str) -> None:
        self.left += self.held.pop(reservation, 0)


async def sell(toml: Path, replace: dict[type, Any]) -> Answer:
    """Register, log in, order."""
    async with running(toml, replace=replace) as system, Pool(system.url) as pool:
        customer = await Web(pool).customer()
        return await customer.order(1, 2)


@pytest.mark.promise("S2-55", "S2-57")
async def test_adding_inventory_changed_nothing_of_users_and_orders(tmp_path: Path) -> None:
    """One more table in the file, and a shop that sold from a shelf sells from inventory.

    The two other services know the word neither in code nor in configuration.
    """
    toml = (SHOP / "coterie.toml").read_text()
    table = '[service.inventory]\nimplements = "shop.services.inventory:InventoryService"\n'
    assert table in toml
    before = tmp_path / "coterie.toml"
    before.write_text(toml.replace(table, ""))
    assert (await sell(before, {Stock: Shelf()})).status == 200
    assert (await sell(SHOP, {})).status == 200
    for name in ("users", "orders"):
        for path in (SERVICES / name).rglob("*.py"):
            assert "inventory" not in path.read_text().lower(), path
        assert "inventory" not in str(load(SHOP, environment={}).service(name).settings)


@pytest.mark.promise("S2-07", "S2-58", "W2-03", "P2.13-1")
async def test_one_central_database_is_a_line_of_configuration(tmp_path: Path) -> None:
    """Each service has a file of its own; by profile all share one, each on its own tables.

    They are migrated and seeded apart, and an order is the same either way.
    """
    for profile, files in (
        (None, {"users.db", "orders.db", "inventory.db"}),
        ("central", {"centraldb.sqlite3"}),
    ):
        async with running(SHOP, profile=profile) as system, Pool(system.url) as pool:
            customer = await Web(pool).customer()
            assert (await customer.order(1, 2)).status == 200
            found = {
                p.name for p in system.system.state.iterdir() if p.suffix in (".db", ".sqlite3")
            }
            assert found == files
            tables: set[str] = set()
            for name in files:
                with contextlib.closing(sqlite3.connect(system.system.state / name)) as connection:
                    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                    tables |= {row[0] for row in rows}
        assert {"users", "orders", "products", "reservations"} <= tables
        assert {f"alembic_version_{name}" for name in ("users", "orders", "inventory")} <= tables


@pytest.mark.promise("S2-42", "W2-04")
async def test_database_url_moves_the_database(tmp_path: Path) -> None:
    """An absolute path has four slashes and stays where it is."""
    file = tmp_path / "database" / "centraldb.sqlite3"
    environment = {"DATABASE_URL": f"sqlite:///{file}"}
    assert environment["DATABASE_URL"].startswith("sqlite:////")
    async with running(SHOP, environment=environment) as system, Pool(system.url) as pool:
        await Web(pool).customer()
        with contextlib.closing(sqlite3.connect(file)) as connection:
            assert connection.execute("SELECT count(*) FROM users").fetchone() == (1,)


@pytest.mark.promise("P2.12-7")
async def test_seeds_are_sown_once(tmp_path: Path) -> None:
    """A second start finds the twelve products and adds none."""
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path / 'shop.db'}"}
    for _ in range(2):
        async with running(SHOP, environment=environment) as system:
            page = await system.client(Inventory).products()
            assert len(page.items) == 12


@pytest.mark.promise("W2-01")
async def test_passwords_are_kept_as_argon2_hashes(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """What is stored is an Argon2id hash; the password is nowhere, in no log either."""
    async with running(SHOP) as system, Pool(system.url) as pool:
        await Web(pool).customer()
        with contextlib.closing(sqlite3.connect(system.system.state / "users.db")) as connection:
            (stored,) = connection.execute("SELECT password_hash FROM users").fetchone()
        assert stored.startswith("$argon2id$")
        for file in system.system.state.rglob("*.db*"):
            assert b"newPassword" not in file.read_bytes()
    assert "newPassword" not in caplog.text + "".join(capfd.readouterr())


class Away(Users):
    """The users service on a bad day."""

    async def register(self, user: Any) -> Any: ...
    async def users(self, limit: int = 100, cursor: str | None = None) -> Any: ...
    async def login(self, credentials: Any) -> Any: ...
    async def change(self, id: int, changes: Any) -> Any: ...
    async def delete(self, id: int) -> Any: ...

    async def user(self, id: int) -> User:
        raise Failure(Code.UNAVAILABLE, "users is away")


ADMIN = Principal("1", roles=frozenset({"admin"}))


@pytest.mark.promise("P2.10-7")
async def test_an_order_is_a_503_while_users_is_away() -> None:
    """And nothing is taken out of stock."""
    async with running(SHOP, profile="test", replace={Users: Away()}) as system:
        inventory = system.client(Inventory)
        before = (await inventory.stock(1)).available
        with calling(principal=ADMIN), pytest.raises(Failure) as caught:
            await system.client(Orders).place(order_of(1))
        assert (caught.value.code, caught.value.status) == (Code.UNAVAILABLE, 503)
        assert (await inventory.stock(1)).available == before


def order_of(user_id: int) -> NewOrder:
    """An order for two of product 1."""
    return NewOrder(user_id, 1, 2, datetime.date.fromisoformat(DATE))


async def test_a_failed_order_gives_its_goods_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """When writing the order fails after the goods were reserved, they are released."""
    async with running(SHOP, profile="test") as system:
        orders, inventory = system.client(Orders), system.client(Inventory)
        before = (await inventory.stock(1)).available

        async def broken(*_: Any) -> int:
            raise RuntimeError("the disk is full")

        service: Any = system.assembly.host("orders").service
        with calling(principal=ADMIN):
            with monkeypatch.context() as patched:
                patched.setattr(service.store, "add", broken)
                with pytest.raises(Failure):
                    await orders.place(order_of(1))
            assert (await inventory.stock(1)).available == before
            await orders.place(order_of(1))
            assert (await inventory.stock(1)).available == before - 2


@pytest.mark.promise("P2.10-3")
async def test_reserving_and_releasing_twice_does_it_once() -> None:
    """By the reservation's name; the same name for other goods is refused."""
    async with running(SHOP, profile="test") as system:
        stock, inventory = system.client(Stock), system.client(Inventory)
        before = (await inventory.stock(1)).available
        with calling(principal=ADMIN):
            for _ in range(3):
                await stock.reserve("reservation-1", 1, 4)
            assert (await inventory.stock(1)).available == before - 4
            for _ in range(3):
                await stock.release("reservation-1")
            assert (await inventory.stock(1)).available == before


@pytest.mark.promise("P2.13-6")
async def test_an_administrators_order_for_nobody_is_the_users_own_fault() -> None:
    """The typed fault of one service passes through another, declared by both."""
    async with running(SHOP, profile="test") as system:
        with calling(principal=ADMIN), pytest.raises(NoSuchUser) as caught:
            await system.client(Orders).place(order_of(999))
        assert caught.value == NoSuchUser(999)


@pytest.mark.promise("P2.12-4", "S2-50", "S2-52", "S3-41")
async def test_every_service_is_documented() -> None:
    """A page to try its operations, and the document behind it, payloads among it."""
    async with running(SHOP, profile="test") as system, Pool(system.url) as pool:
        web = Web(pool)
        document = (await web.ask("GET", "/openapi.json")).json
        for name in ("users", "orders", "inventory"):
            assert (await web.ask("GET", f"/docs/{name}")).status == 200
            assert (await web.ask("GET", f"/openapi/{name}.json")).json["paths"]
        body = document["paths"]["/api/users"]["post"]["requestBody"]["content"]
        assert "application/json" in body


@pytest.mark.promise("P2.12-1", "P2.12-2", "W2-10")
async def test_health_and_metrics() -> None:
    """Alive, ready, and counted by operation."""
    async with running(SHOP, profile="test") as system, Pool(system.url) as pool:
        web = Web(pool)
        await (await web.customer()).order(1, 1)
        assert (await web.ask("GET", "/health/live")).status == 200
        assert (await web.ask("GET", "/health/ready")).json == {"status": "ready"}
        metrics = (await web.ask("GET", "/metrics")).body.decode()
        assert 'operation="orders.place",code="ok"} 1' in metrics


@pytest.mark.promise("S2-01", "S3-04", "P2.12-3", "W2-09")
def test_the_demo_runs_from_one_command() -> None:
    """Starts, drives every step, stops, and leaves nothing behind."""
    done = subprocess.run(
        [sys.executable, str(SHOP / "demo.py"), "--port", "0"],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "User added to the system." in done.stdout
    assert "Order placed successfully" in done.stdout


def test_no_operation_of_other_services_alone_is_reachable_from_outside() -> None:
    """What services ask each other has no path."""
    assert all(operation.path is None for operation in describe(Stock).operations)


async def test_the_administrator_comes_with_the_password(tmp_path: Path) -> None:
    """At the first start that has one, not at the very first; until then nobody takes the name."""
    variables = {"DATABASE_URL": f"sqlite:///{tmp_path}/shop.db"}
    administrator = {"name": "admin", "password": "administrator", "address": "mine"}
    async with running(SHOP, environment=variables) as system, Pool(system.url) as pool:
        assert (await Web(pool).ask("POST", "/api/users", administrator)).status == 409
    variables["SHOP_ADMIN_PASSWORD"] = "administrator"
    for _ in range(2):  # and starting again changes nothing
        async with running(SHOP, environment=variables) as system, Pool(system.url) as pool:
            admin = await Web(pool).admin()
            assert (await admin.ask("GET", "/api/users")).status == 200
