"""The shop in Flask: what is true of it, beyond what both shops promise."""

import asyncio
import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator

from flask_shop import FlaskWeb
from shop_web import DATE, Customer, in_flask

# The tests of this file share their shops, and so one event loop.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), in_flask]

NEW = {"name": "newUser", "password": "newPassword", "address": "new address"}
ORDER = {"user_id": 4, "product_id": 1, "quantity": 2, "date": DATE}


@pytest.mark.promise("S2-06", "S2-50", "S2-51", "S2-52")
async def test_each_service_has_a_page_to_try_it(web: FlaskWeb) -> None:
    """Swagger UI from the service itself, over a document that an outside judge finds valid."""
    for pool in web.services.values():
        page = (await pool.request("GET", "/")).body.decode()
        assert '"/swagger.json"' in page
        assert (await pool.request("GET", "/swaggerui/swagger-ui-bundle.js")).status == 200
    for document in await web.documents():
        OpenAPIV2SpecValidator(document).validate()


@pytest.mark.promise("S2-10", "S2-25", "S2-52")
@pytest.mark.parametrize(
    ("path", "example"), [("/api/users", {**NEW, "username": "newUser"}), ("/api/orders", ORDER)]
)
async def test_a_payload_is_documented_by_an_example(
    web: FlaskWeb, path: str, example: dict[str, Any]
) -> None:
    """The one of the row, field by field; sent as it is, it is taken."""
    document = next(found for found in await web.documents() if path in found["paths"])
    (payload,) = document["paths"][path]["post"]["parameters"]
    model = document["definitions"][payload["schema"]["$ref"].rpartition("/")[2]]
    shown = {name: field["example"] for name, field in model["properties"].items()}
    assert (payload["name"], payload["required"], shown) == ("payload", True, example)


@pytest.mark.promise("S2-12", "S2-28", "S2-53", "S2-54")
async def test_the_two_literal_answers_are_right_to_the_byte(web: FlaskWeb) -> None:
    """Each is 42 bytes of JSON, as these libraries have always written it."""
    added = await web.ask("POST", "/api/users", NEW)
    order = {**ORDER, "user_id": int(added.headers["location"].rpartition("/")[2])}
    placed = await web.ask("POST", "/api/orders", order)
    assert added.body == b'{"response": "User added to the system."}\n'
    assert placed.body == b'{"response": "Order placed successfully"}\n'
    for answer in (added, placed):
        told = (answer.headers["content-type"], answer.headers["content-length"])
        assert told == ("application/json", "42")


@pytest.mark.promise("S2-07")
async def test_one_central_database_holds_what_all_services_write(
    web: FlaskWeb, customer: Customer
) -> None:
    """DATABASE_URL is all they were told; user and order, written by one each, are in that file."""
    where = await customer.ordered(1, 2)
    rows = web.rows(
        "SELECT orders.id, username FROM orders JOIN users ON users.id = user_id"
        " WHERE username = ?",
        customer.name,
    )
    assert [f"/api/order/{row['id']}" for row in rows] == [where]
    assert [path.name for path in web.file.parent.iterdir()] == [web.file.name]


async def test_a_password_is_kept_as_a_salted_hash(web: FlaskWeb, customer: Customer) -> None:
    """Two users with one password have different hashes, and none holds the password."""
    other = await web.customer()
    names = (customer.name, other.name)
    rows = web.rows("SELECT * FROM users WHERE username IN (?, ?)", *names)
    hashes = {row["password_hash"] for row in rows}
    assert len(hashes) == 2
    assert all(kept.startswith("scrypt:") for kept in hashes)
    assert "newPassword" not in str(rows)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"null", 400),
        (b"[" * 10_000, 400),
        (b'{"name": "\\ud800", "password": "newPassword", "address": "x"}', 400),
        (b'{"name": "x", "password": "newPassword\\ud800", "address": "x"}', 400),
        (b'{"name": NaN, "password": "newPassword", "address": "x"}', 400),
        (json.dumps({**NEW, "name": "x" * 20_000}).encode(), 413),
    ],
)
async def test_what_cannot_be_read_is_refused(web: FlaskWeb, body: bytes, status: int) -> None:
    """With a status that says whose fault it is, and a message in JSON."""
    headers = {"content-type": "application/json"}
    answer = await web.ask("POST", "/api/users", body, headers=headers)
    assert (answer.status, "message" in answer.json) == (status, True)


@pytest.mark.parametrize("path", ["/api/user/0", f"/api/user/{2**70}", "/api/user/x", "/nowhere"])
async def test_a_path_that_leads_nowhere_is_a_404(web: FlaskWeb, path: str) -> None:
    """In JSON like every answer, and never an error inside."""
    answer = await web.ask("GET", path)
    assert (answer.status, bool(answer.reason)) == (404, True)


async def test_numbers_may_be_written_with_a_point(web: FlaskWeb, customer: Customer) -> None:
    """In JSON 2.0 is 2; a change of what is no one's to change is ignored."""
    order = {"user_id": float(customer.id), "product_id": 1.0, "quantity": 2.0, "date": DATE}
    where = (await web.ask("POST", "/api/orders", order)).headers["location"]
    assert (await web.ask("PUT", where, {"user_id": "another's"})).status == 200
    found = await web.ask("GET", where)
    assert f'"user_id": {customer.id}, "product_id": 1, "quantity": 2,' in found.body.decode()


async def test_orders_are_listed_a_page_at_a_time(web: FlaskWeb, customer: Customer) -> None:
    """``limit`` says how many, ``after`` where to go on."""
    path = f"/api/userorders/{customer.id}"
    made = [await customer.ordered(2, 1) for _ in range(3)]
    first = (await web.ask("GET", f"{path}?limit=2")).json
    rest = (await web.ask("GET", f"{path}?limit=2&after={first[-1]['id']}")).json
    assert [f"/api/order/{order['id']}" for order in first + rest] == made
    assert (await web.ask("GET", f"{path}?limit=0")).status == 400
    assert (await web.ask("GET", f"{path}?after={2**70}")).status == 400


@pytest.mark.promise("S2-23")
async def test_no_order_outlives_its_user(web: FlaskWeb) -> None:
    """Of an order and the deletion of its user at the same moment, one comes too late."""
    customers = [await web.customer() for _ in range(10)]
    answers = await asyncio.gather(
        *(customer.order(4, 1) for customer in customers),
        *(customer.ask("DELETE", f"/api/user/{customer.id}") for customer in customers),
    )
    statuses = [answer.status for answer in answers]
    assert set(zip(statuses[:10], statuses[10:], strict=True)) <= {(200, 409), (404, 200)}


async def test_a_database_that_does_not_answer_is_a_503(web: FlaskWeb, customer: Customer) -> None:
    """One may try again, and then it works."""
    path = f"/api/user/{customer.id}"
    web.rows("ALTER TABLE users RENAME TO away")
    away = await web.ask("GET", path)
    web.rows("ALTER TABLE away RENAME TO users")
    assert (away.status, away.headers["retry-after"]) == (503, "1")
    assert (await web.ask("GET", path)).status == 200
