"""Inventory: products, their prices and their stock."""

from typing import Any

import pytest

from shop_web import Customer, Web, in_coterie

# The tests of this file share their shops, and so one event loop.
pytestmark = pytest.mark.asyncio(loop_scope="module")

LAMP = {"sku": "LAMP-2", "name": "Desk lamp", "price": 4900, "available": 7}


@pytest.mark.promise("P2.10-2", "S2-56", "W2-09")
async def test_a_product_lives_from_adding_to_withdrawing(web: Web, admin: Customer) -> None:
    """Added, read, changed, restocked, ordered, withdrawn."""
    added = await admin.ask("POST", "/api/products", LAMP)
    assert added.status == 200
    where = added.headers["location"]
    product = (await web.ask("GET", where)).json
    assert (product["name"], product["price"], product["currency"]) == ("Desk lamp", 4900, "EUR")
    assert (await admin.ask("PUT", where, {"price": 3900})).status == 200
    assert (await web.ask("GET", where)).json["price"] == 3900
    assert (await admin.ask("PUT", f"{where}/stock", {"available": 3})).status == 200
    assert (await web.ask("GET", f"{where}/stock")).json == {"available": 3}
    assert (await admin.ask("DELETE", where)).status == 200
    assert (await web.ask("GET", where)).status == 404
    customer = await web.customer()
    assert (await customer.order(product["id"], 1)).status == 404


@pytest.mark.promise("P2.10-10")
async def test_an_order_keeps_the_price_it_was_placed_at(web: Web, admin: Customer) -> None:
    """A whole number of cents, whatever the product costs later."""
    customer = await web.customer()
    where = await customer.ordered(8, 1)
    before = (await customer.ask("GET", where)).json["unit_price"]
    assert (await admin.ask("PUT", "/api/products/8", {"price": before + 1})).status == 200
    assert (await customer.ask("GET", where)).json["unit_price"] == before


@pytest.mark.promise("W2-08")
async def test_a_stock_keeping_unit_is_one_products(admin: Customer) -> None:
    """A second product of the same one is a 409."""
    lamp = {**LAMP, "sku": "LAMP-3"}
    assert (await admin.ask("POST", "/api/products", lamp)).status == 200
    again = await admin.ask("POST", "/api/products", lamp)
    assert (again.status, again.json["sku"]) == (409, "LAMP-3")


@pytest.mark.promise("P2.10-6")
@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"price": -1, "sku": "no spaces"}, ["#/sku", "#/price"]),
        ({"price": 1.5}, ["#/price"]),
        ({"available": -1, "currency": "euro"}, ["#/available", "#/currency"]),
    ],
)
async def test_an_invalid_product_is_refused_by_field(
    admin: Customer, changes: dict[str, Any], pointers: list[str]
) -> None:
    """Every wrong field is named."""
    answer = await admin.ask("POST", "/api/products", {**LAMP, **changes})
    assert answer.status == 400
    assert answer.blamed == pointers


@in_coterie
@pytest.mark.promise("P2.10-4")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/products", LAMP),
        ("PUT", "/api/products/1", {"price": 1}),
        ("DELETE", "/api/products/1", None),
        ("PUT", "/api/products/1/stock", {"available": 1}),
    ],
)
async def test_only_the_administrator_changes_products(
    web: Web, method: str, path: str, body: Any
) -> None:
    """401 without a token, 403 with somebody else's."""
    assert (await web.ask(method, path, body)).status == 401
    assert (await (await web.customer()).ask(method, path, body)).status == 403


@pytest.mark.promise("W2-08")
async def test_products_come_in_pages(web: Web) -> None:
    """Each with the way to the next, none twice, the last without."""
    seen: list[int] = []
    path = "/api/products?limit=5"
    while True:
        page = (await web.ask("GET", path)).json
        seen += [product["id"] for product in page["items"]]
        if page["next"] is None:
            break
        path = f"/api/products?limit=5&cursor={page['next']}"
    assert len(seen) == len(set(seen)) >= 12


async def test_what_is_about_to_run_out_is_told(web: Web, admin: Customer) -> None:
    """The last pieces can be ordered, and the stock is never below zero."""
    assert (await admin.ask("PUT", "/api/products/9/stock", {"available": 2})).status == 200
    customer = await web.customer()
    assert (await customer.order(9, 2)).status == 200
    assert (await customer.order(9, 1)).status == 409
    assert await web.stock(9) == 0
