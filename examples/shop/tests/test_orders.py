"""Orders: placed, changed, deleted, and the stock always right."""

import asyncio
from typing import Any

import pytest

from shop_web import DATE, Customer, Web, in_coterie

# The tests of this file share their shops, and so one event loop.
pytestmark = pytest.mark.asyncio(loop_scope="module")

AGREED = {
    ("POST", "/api/orders"): "Adds a new order",
    ("DELETE", "/api/order/{order_id}"): "Deletes an order",
    ("PUT", "/api/order/{order_id}"): "Modifies an order",
    ("GET", "/api/order/{order_id}"): "Returns the order with specified id",
    ("GET", "/api/userorders/{user_id}"): "Returns all the order placed by a specified user",
}


@pytest.mark.promise("S2-24", "S2-25", "S2-28", "S2-54")
async def test_an_order_is_placed_with_the_words_of_the_row(customer: Customer) -> None:
    """User, product, quantity and date make an order, answered literally."""
    answer = await customer.order(1, 2)
    assert (answer.status, answer.json) == (200, {"response": "Order placed successfully"})
    order = (await customer.ask("GET", answer.headers["location"])).json
    assert (order["user_id"], order["product_id"]) == (customer.id, 1)
    assert (order["quantity"], order["date"]) == (2, DATE)


@pytest.mark.promise("P2.13-7", "S2-52")
async def test_what_can_be_done_with_orders_is_documented_in_the_agreed_words(web: Web) -> None:
    """Summaries as agreed, success as Success."""
    operations = await web.operations()
    for operation, summary in AGREED.items():
        assert operations[operation] == (summary, "Success")


@pytest.mark.promise("S2-26", "S2-27", "S2-29", "W2-07", "P2.10-5")
async def test_more_than_there_is_cannot_be_ordered(customer: Customer) -> None:
    """409 says how many are left, and takes none of them."""
    left = await customer.web.stock(3)
    answer = await customer.order(3, left + 1)
    assert (answer.status, answer.json["available"]) == (409, left)
    assert await customer.web.stock(3) == left


@pytest.mark.promise("S2-29", "W2-07")
async def test_an_order_takes_its_quantity_out_of_stock(customer: Customer) -> None:
    """At once, and exactly as much."""
    before = await customer.web.stock(1)
    await customer.ordered(1, 2)
    assert await customer.web.stock(1) == before - 2


@in_coterie
async def test_an_order_that_is_sent_again_with_its_key_is_one_order(customer: Customer) -> None:
    """Whoever got no answer sends it again, and hears what became of the first. Control: no key."""
    before = await customer.web.stock(1)
    first = await customer.order(1, 2, key="order 1")
    again = await customer.order(1, 2, key="order 1")
    assert (first.status, again.status) == (200, 200)
    assert (again.body, again.headers["location"]) == (first.body, first.headers["location"])
    assert again.headers["idempotency-replayed"] == "true"
    assert await customer.web.stock(1) == before - 2
    other = await customer.order(1, 1, key="order 1")
    assert other.status == 422
    await customer.order(1, 2)
    await customer.order(1, 2)
    assert await customer.web.stock(1) == before - 6


@pytest.mark.promise("S2-30", "W2-08")
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"quantity": 0}, "#/quantity"),
        ({"quantity": -3}, "#/quantity"),
        ({"quantity": 1.5}, "#/quantity"),
        ({"quantity": "2"}, "#/quantity"),
        ({"date": "2023-02-30"}, "#/date"),
        ({"date": "yesterday"}, "#/date"),
        ({"product_id": None}, "#/product_id"),
        ({"product_id": 2**70}, "#/product_id"),
    ],
)
async def test_an_invalid_order_is_refused_by_field(
    customer: Customer, changes: dict[str, Any], pointer: str
) -> None:
    """400 names the field, and the stock stays."""
    before = await customer.web.stock(1)
    order = {"user_id": customer.id, "product_id": 1, "quantity": 1, "date": DATE, **changes}
    answer = await customer.ask("POST", "/api/orders", order)
    assert answer.status == 400
    assert answer.blamed == [pointer]
    assert await customer.web.stock(1) == before


@pytest.mark.promise("S2-30")
async def test_unknown_user_and_product_are_404(customer: Customer, admin: Customer) -> None:
    """An order for a user or of a product that does not exist takes nothing, nor does a change."""
    order = {"user_id": 999999, "product_id": 1, "quantity": 1, "date": DATE}
    nobody = await admin.ask("POST", "/api/orders", order)
    assert (nobody.status, nobody.json["user_id"]) == (404, 999999)
    nothing = await customer.order(999999, 1)
    assert (nothing.status, nothing.json["product_id"]) == (404, 999999)
    before = await customer.web.stock(1)
    where = await customer.ordered(1, 2)
    changed = await customer.ask("PUT", where, {"product_id": 999999})
    assert (changed.status, changed.json["product_id"]) == (404, 999999)
    assert await customer.web.stock(1) == before - 2


@pytest.mark.promise("S2-31")
async def test_there_are_products_to_order_from_the_first_day(web: Web) -> None:
    """Twelve of them, each with a price and a stock."""
    products = await web.products()
    assert len(products) == 12
    assert all(p["available"] > 0 and p["price"] > 0 and p["name"] for p in products)


@pytest.mark.promise("S2-32")
async def test_an_order_is_returned_by_its_id(customer: Customer) -> None:
    """With everything that was ordered."""
    where = await customer.ordered(2, 3)
    answer = await customer.ask("GET", where)
    assert answer.status == 200
    assert set(answer.json) == {"id", "user_id", "product_id", "quantity", "date", "unit_price"}


@pytest.mark.promise("S2-33", "S2-34", "W2-07")
@pytest.mark.parametrize("quantity", [1, 2, 9])
async def test_changing_the_quantity_books_the_difference(
    customer: Customer, quantity: int
) -> None:
    """Up, down, or not at all."""
    before = await customer.web.stock(1)
    where = await customer.ordered(1, 2)
    answer = await customer.ask("PUT", where, {"quantity": quantity})
    assert (answer.status, set(answer.json)) == (200, {"response"})
    assert await customer.web.stock(1) == before - quantity
    assert (await customer.ask("GET", where)).json["quantity"] == quantity


@pytest.mark.promise("S2-34", "W2-07")
async def test_a_change_cannot_take_more_than_there_is(customer: Customer) -> None:
    """409, and both order and stock stay as they were."""
    where = await customer.ordered(3, 2)
    left = await customer.web.stock(3)
    answer = await customer.ask("PUT", where, {"quantity": left + 3})
    assert (answer.status, answer.json["available"]) == (409, left)
    assert await customer.web.stock(3) == left
    assert (await customer.ask("GET", where)).json["quantity"] == 2


@pytest.mark.promise("S2-34")
async def test_another_product_returns_the_old_and_takes_the_new(customer: Customer) -> None:
    """Both stocks are right afterwards."""
    first, second = await customer.web.stock(1), await customer.web.stock(2)
    where = await customer.ordered(1, 4)
    changed = await customer.ask("PUT", where, {"product_id": 2, "quantity": 3})
    assert changed.status == 200
    assert await customer.web.stock(1) == first
    assert await customer.web.stock(2) == second - 3
    order = (await customer.ask("GET", where)).json
    assert order["unit_price"] == (await customer.web.product(2))["price"]


@pytest.mark.promise("S2-35", "S2-36", "P2.13-3")
async def test_deleting_an_order_restores_the_stock(customer: Customer) -> None:
    """Then it is gone, and a second delete is a 404 that restores nothing."""
    before = await customer.web.stock(1)
    where = await customer.ordered(1, 5)
    answer = await customer.ask("DELETE", where)
    assert (answer.status, set(answer.json)) == (200, {"response"})
    assert await customer.web.stock(1) == before
    assert (await customer.ask("DELETE", where)).status == 404
    assert (await customer.ask("GET", where)).status == 404
    assert await customer.web.stock(1) == before


@pytest.mark.promise("S2-37", "S2-38")
async def test_a_users_orders_are_listed(customer: Customer) -> None:
    """None at first, then all of them in their order, and nobody else's."""
    path = f"/api/userorders/{customer.id}"
    empty = await customer.ask("GET", path)
    assert (empty.status, empty.json) == (200, [])
    await customer.ordered(1, 1)
    await customer.ordered(2, 2)
    stranger = await customer.web.customer()
    await stranger.ordered(3, 1)
    listed = (await customer.ask("GET", path)).json
    assert [(order["product_id"], order["quantity"]) for order in listed] == [(1, 1), (2, 2)]


@pytest.mark.promise("S2-38")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_order_is_a_404(customer: Customer, method: str) -> None:
    """Whatever is asked of it."""
    body = {"quantity": 1} if method == "PUT" else None
    answer = await customer.ask(method, "/api/order/999999", body)
    assert (answer.status, answer.json["order_id"]) == (404, 999999)


@in_coterie
@pytest.mark.promise("W2-02")
async def test_orders_belong_to_their_user(web: Web, customer: Customer, admin: Customer) -> None:
    """Others get 403, the nameless 401, the administrator what was asked."""
    where = await customer.ordered(1, 1)
    stranger = await web.customer()
    for method, body in (("GET", None), ("PUT", {"quantity": 2}), ("DELETE", None)):
        assert (await stranger.ask(method, where, body)).status == 403
        assert (await web.ask(method, where, body)).status == 401
        assert (await admin.ask(method, where, body)).status == 200
    foreign = {"user_id": customer.id, "product_id": 1, "quantity": 1, "date": DATE}
    assert (await stranger.ask("POST", "/api/orders", foreign)).status == 403
    assert (await stranger.ask("GET", f"/api/userorders/{customer.id}")).status == 403
    assert (await web.ask("POST", "/api/orders", foreign)).status == 401


@pytest.mark.promise("S2-29", "W2-07", "P2.10-8")
async def test_a_hundred_orders_for_the_last_ten_sell_ten(customer: Customer) -> None:
    """Ten succeed, ninety are refused, nothing is left and nothing below zero."""
    await customer.web.restock(5, 10)
    answers = await asyncio.gather(*(customer.order(5, 1) for _ in range(100)))
    statuses = [answer.status for answer in answers]
    assert (statuses.count(200), statuses.count(409)) == (10, 90)
    assert await customer.web.stock(5) == 0


@in_coterie
@pytest.mark.promise("P2.10-1")
async def test_only_the_administrator_lists_orders(customer: Customer, admin: Customer) -> None:
    """All of them, in pages."""
    where = await customer.ordered(1, 1)
    assert (await customer.ask("GET", "/api/orders")).status == 403
    listed = (await admin.ask("GET", "/api/orders?limit=500")).json
    assert where.rsplit("/", 1)[1] in [str(order["id"]) for order in listed["items"]]


@pytest.mark.promise("S2-36", "W2-07")
async def test_twenty_deletes_at_once_restore_once(customer: Customer) -> None:
    """One succeeds, the others find nothing, the stock is what it was."""
    before = await customer.web.stock(6)
    where = await customer.ordered(6, 3)
    answers = await asyncio.gather(*(customer.ask("DELETE", where) for _ in range(20)))
    statuses = [answer.status for answer in answers]
    assert (statuses.count(200), statuses.count(404)) == (1, 19)
    assert await customer.web.stock(6) == before


@pytest.mark.promise("W2-07")
async def test_changes_at_once_leave_order_and_stock_agreeing(customer: Customer) -> None:
    """Whoever wins, what the order says is what was taken."""
    before = await customer.web.stock(7)
    where = await customer.ordered(7, 1)
    wanted = [2, 3, 4, 5, 6, 7, 8, 9]
    answers = await asyncio.gather(
        *(customer.ask("PUT", where, {"quantity": quantity}) for quantity in wanted)
    )
    assert {answer.status for answer in answers} <= {200, 409}
    assert any(answer.status == 200 for answer in answers)
    order = (await customer.ask("GET", where)).json
    assert await customer.web.stock(7) == before - order["quantity"]


async def left(web: Web, product: int, expected: int) -> None:
    """Wait until so many are left: what is taken back may come after the answer."""
    for _ in range(200):
        if await web.stock(product) == expected:
            return
        await asyncio.sleep(0.02)
    assert await web.stock(product) == expected


@in_coterie
async def test_an_order_that_runs_out_of_time_takes_nothing(customer: Customer) -> None:
    """Wherever the caller's deadline falls, what was taken for no order is put back."""
    before = await customer.web.stock(9)
    order = {"user_id": customer.id, "product_id": 9, "quantity": 1, "date": DATE}
    for milliseconds in [*range(1, 16)] * 3:
        headers = {"coterie-timeout-ms": str(milliseconds)}
        await customer.ask("POST", "/api/orders", order, headers=headers)
    kept = (await customer.ask("GET", f"/api/userorders/{customer.id}?limit=500")).json
    await left(customer.web, 9, before - len(kept))


@in_coterie
async def test_a_change_that_runs_out_of_time_leaves_order_and_stock_agreeing(
    customer: Customer,
) -> None:
    """Wherever the deadline falls, the goods taken are those that the order says."""
    before = await customer.web.stock(10)
    where = await customer.ordered(10, 1)
    for number in range(45):
        headers = {"coterie-timeout-ms": str(number % 15 + 1)}
        await customer.ask("PUT", where, {"quantity": number % 7 + 1}, headers=headers)
    quantity = (await customer.ask("GET", where)).json["quantity"]
    await left(customer.web, 10, before - quantity)


@in_coterie
async def test_a_change_may_be_bound_to_what_was_read(customer: Customer) -> None:
    """If-Match with the tag of the present state is 200, with an older one 412."""
    where = await customer.ordered(1, 1)
    seen = {"if-match": (await customer.ask("GET", where)).headers["etag"]}
    assert (await customer.ask("PUT", where, {"quantity": 2}, headers=seen)).status == 200
    assert (await customer.ask("PUT", where, {"quantity": 3}, headers=seen)).status == 412
    assert (await customer.ask("GET", where)).json["quantity"] == 2


@in_coterie
async def test_a_user_who_is_deleted_while_ordering_leaves_no_order(
    web: Web, admin: Customer
) -> None:
    """Either the order is placed and the user stays, or the user goes and takes no goods along."""
    before = await web.stock(12)
    kept = 0
    for delay in range(12):
        customer = await web.customer()

        async def leave(customer: Customer = customer, delay: int = delay) -> Any:
            await asyncio.sleep(delay / 1000)  # not to wait for anything: to meet in other places
            return await customer.ask("DELETE", f"/api/user/{customer.id}")

        placed, left = await asyncio.gather(customer.order(12, 1), leave())
        orders = (await admin.ask("GET", f"/api/userorders/{customer.id}")).json
        assert (placed.status, left.status, len(orders)) in [(200, 409, 1), (404, 200, 0)]
        kept += len(orders)
    assert await web.stock(12) == before - kept


async def test_an_order_of_a_withdrawn_product_can_be_reduced(
    customer: Customer, admin: Customer
) -> None:
    """Less of it goes back; more of it is not to be had."""
    lamp = {"sku": "LAMP-GONE", "name": "Desk lamp", "price": 4900, "available": 7}
    product = (await admin.ask("POST", "/api/products", lamp)).headers["location"]
    where = await customer.ordered(int(product.rsplit("/", 1)[1]), 3)
    assert (await admin.ask("DELETE", product)).status == 200
    assert (await customer.ask("PUT", where, {"quantity": 1})).status == 200
    assert (await customer.ask("PUT", where, {"quantity": 2})).status == 404
    assert (await customer.ask("GET", where)).json["quantity"] == 1
