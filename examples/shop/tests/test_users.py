"""Users: registration, login, and who may see and change whom."""

import asyncio
import secrets
from typing import Any

import pytest

from shop_web import Customer, Web, in_coterie

# The tests of this file share their shops, and so one event loop.
pytestmark = pytest.mark.asyncio(loop_scope="module")

NEW = {"name": "newUser", "password": "newPassword", "address": "new address"}

AGREED = {
    ("POST", "/api/users"): "Adds a new user to the system",
    ("POST", "/api/login"): "Logs in a user",
    ("DELETE", "/api/user/{id}"): "Deletes a user",
    ("GET", "/api/user/{id}"): "Gets info of a user given its id",
    ("PUT", "/api/user/{id}"): "Changes password and address of a user",
}


def somebody() -> dict[str, str]:
    """A user nobody has been before."""
    return {**NEW, "name": f"user-{secrets.token_hex(6)}"}


@pytest.mark.promise("S2-09", "S2-10", "S2-12", "S2-53")
async def test_a_new_user_is_added_with_the_words_of_the_row(web: Web) -> None:
    """The example payload registers a user, answered literally and as JSON."""
    answer = await web.ask("POST", "/api/users", NEW)
    assert (answer.status, answer.json) == (200, {"response": "User added to the system."})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["location"].startswith("/api/user/")


@pytest.mark.promise("P2.13-7", "S2-52")
async def test_what_users_can_do_is_documented_in_the_agreed_words(web: Web) -> None:
    """Summaries as agreed, success as Success."""
    operations = await web.operations()
    for operation, summary in AGREED.items():
        assert operations[operation] == (summary, "Success")


@pytest.mark.promise("S2-11")
async def test_username_means_the_same_as_name(web: Web) -> None:
    """`username` registers and logs in as `name` does; both, if they differ, are refused."""
    name = somebody()["name"]
    other = {"username": name, "password": "newPassword", "address": "there"}
    assert (await web.ask("POST", "/api/users", other)).status == 200
    for key in ("name", "username"):
        login = {key: name, "password": "newPassword"}
        assert (await web.ask("POST", "/api/login", login)).status == 200
    both = {**somebody(), "username": "somebody else"}
    assert (await web.ask("POST", "/api/users", both)).status == 400


@pytest.mark.promise("S2-13", "W2-08", "P2.10-6", "P2.12-6")
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"password": "newPassword", "address": "x"}, "#"),
        ({"name": "a", "address": "x"}, "#/password"),
        ({"name": "a", "password": "newPassword"}, "#/address"),
        ({"name": "a", "password": "short", "address": "x"}, "#/password"),
        ({"name": "", "password": "newPassword", "address": "x"}, "#/name"),
        ({"name": 7, "password": "newPassword", "address": "x"}, "#/name"),
        ({"name": "a", "password": "newPassword", "address": "two\nlines"}, "#/address"),
        ([], "#"),
    ],
)
async def test_an_invalid_user_is_refused_by_field(web: Web, body: Any, pointer: str) -> None:
    """400 names the field, and nobody is added."""
    answer = await web.ask("POST", "/api/users", body)
    assert answer.status == 400
    assert answer.headers["content-type"] == web.refusals
    assert answer.blamed == [pointer]
    login = {"name": "a", "password": "newPassword"}
    assert (await web.ask("POST", "/api/login", login)).status == 401


@pytest.mark.promise("S2-20")
@pytest.mark.parametrize("password", ["tooFew", "tooMany" * 100, ["inAList"]])
async def test_a_refused_password_is_not_repeated(web: Web, password: Any) -> None:
    """Not even to whoever sent it: answers end in logs."""
    answer = await web.ask("POST", "/api/users", {**somebody(), "password": password})
    assert answer.status == 400
    assert not any(word in answer.body for word in (b"tooFew", b"tooMany", b"inAList"))


@pytest.mark.promise("S2-13", "W2-08")
async def test_a_name_belongs_to_one_user(web: Web) -> None:
    """A second user of one name is a 409, and the first keeps the password."""
    user = somebody()
    assert (await web.ask("POST", "/api/users", user)).status == 200
    again = await web.ask("POST", "/api/users", {**user, "password": "otherPassword"})
    assert (again.status, again.json["username"]) == (409, user["name"])
    await web.login(user["name"], "newPassword")


@pytest.mark.promise("S2-14", "S2-15")
async def test_login_says_who_one_is(web: Web) -> None:
    """A right name and password are answered 200, with the number that the user was given."""
    user = somebody()
    where = (await web.ask("POST", "/api/users", user)).headers["location"]
    answer = await web.ask("POST", "/api/login", user)
    assert answer.status == 200
    assert f"/api/user/{answer.json['user_id']}" == where


@in_coterie
@pytest.mark.promise("S2-14", "S2-15", "S2-17", "W2-02")
async def test_login_gives_a_token_that_opens_what_is_ones_own(web: Web) -> None:
    """A right password is answered 200 with a bearer token that the shop then believes."""
    user = somebody()
    await web.ask("POST", "/api/users", user)
    login = {"username": user["name"], "password": "newPassword"}
    answer = await web.ask("POST", "/api/login", login)
    assert answer.status == 200
    assert set(answer.json) == {"user_id", "access_token", "token_type", "expires_in"}
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 900)
    path = f"/api/user/{answer.json['user_id']}"
    assert (await web.ask("GET", path)).status == 401
    assert (await web.ask("GET", path, token=answer.json["access_token"])).status == 200


@pytest.mark.promise("S2-16", "S2-17")
async def test_wrong_password_and_unknown_user_are_answered_alike(web: Web) -> None:
    """401 either way, word for word, so nobody learns who has an account."""
    user = somebody()
    await web.ask("POST", "/api/users", user)
    guess = {"name": user["name"], "password": "notThisOne"}
    wrong = await web.ask("POST", "/api/login", guess)
    unknown = await web.ask("POST", "/api/login", {"name": "nobody", "password": "notThisOne"})
    assert (wrong.status, unknown.status) == (401, 401)
    own = {"trace_id"}  # every request has another
    assert {**wrong.json, **dict.fromkeys(own)} == {**unknown.json, **dict.fromkeys(own)}


@in_coterie
@pytest.mark.promise("W2-02")
async def test_guessing_passwords_is_stopped(web: Web) -> None:
    """After ten wrong passwords in a row even the right one is refused for a while: 429."""
    user = somebody()
    await web.ask("POST", "/api/users", user)
    right = {"name": user["name"], "password": "newPassword"}
    wrong = {**right, "password": "wrong one"}
    guesses = await asyncio.gather(*(web.ask("POST", "/api/login", wrong) for _ in range(30)))
    statuses = [guess.status for guess in guesses]
    assert (statuses.count(401), statuses.count(429)) == (10, 20)
    assert (await web.ask("POST", "/api/login", right)).status == 429


@pytest.mark.promise("S2-19", "S2-20", "P2.13-2")
async def test_a_user_is_shown_without_the_password(customer: Customer) -> None:
    """GET gives id, username and address; no password, not even hashed."""
    answer = await customer.ask("GET", f"/api/user/{customer.id}")
    assert answer.status == 200
    assert answer.json == {
        "id": customer.id,
        "username": customer.name,
        "address": "new address",
    }


@pytest.mark.promise("S2-21", "P2.13-3", "P2.13-4", "P2.13-5")
@pytest.mark.parametrize(
    ("changes", "address", "password"),
    [
        ({"address": "elsewhere"}, "elsewhere", "newPassword"),
        ({"password": "evenNewer"}, "new address", "evenNewer"),
        ({"address": "elsewhere", "password": "evenNewer"}, "elsewhere", "evenNewer"),
        ({}, "new address", "newPassword"),
    ],
)
async def test_put_changes_password_and_or_address(
    customer: Customer, changes: dict[str, str], address: str, password: str
) -> None:
    """Each field is optional; what is left out stays."""
    answer = await customer.ask("PUT", f"/api/user/{customer.id}", changes)
    assert answer.status == 200
    assert set(answer.json) == {"response"}
    again = await customer.web.login(customer.name, password)
    assert (await again.ask("GET", f"/api/user/{customer.id}")).json["address"] == address


@pytest.mark.promise("S2-21", "W2-02", "P2.13-4")
async def test_a_wrong_current_password_changes_nothing(customer: Customer) -> None:
    """Where the current password is given, it must be right."""
    changes = {"password": "evenNewer", "current_password": "notThisOne"}
    answer = await customer.ask("PUT", f"/api/user/{customer.id}", changes)
    assert answer.status == 403
    await customer.web.login(customer.name, "newPassword")


@pytest.mark.promise("S2-18", "P2.13-3")
async def test_a_user_can_be_deleted(customer: Customer, admin: Customer) -> None:
    """DELETE answers 200; afterwards the user is gone and cannot log in."""
    answer = await customer.ask("DELETE", f"/api/user/{customer.id}")
    assert (answer.status, set(answer.json)) == (200, {"response"})
    assert (await admin.ask("GET", f"/api/user/{customer.id}")).status == 404
    login = {"name": customer.name, "password": "newPassword"}
    assert (await customer.web.ask("POST", "/api/login", login)).status == 401


@pytest.mark.promise("S2-22")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_user_is_a_404(admin: Customer, method: str) -> None:
    """Whatever is asked of a user who does not exist."""
    body = {"address": "x"} if method == "PUT" else None
    answer = await admin.ask(method, "/api/user/999999", body)
    assert (answer.status, answer.json["user_id"]) == (404, 999999)


@pytest.mark.promise("S2-23")
async def test_a_user_with_orders_stays(customer: Customer) -> None:
    """Deleting them is a 409 that says why, until the orders are gone."""
    order = await customer.ordered(1, 1)
    answer = await customer.ask("DELETE", f"/api/user/{customer.id}")
    assert (answer.status, "orders" in answer.reason) == (409, True)
    assert (await customer.ask("DELETE", order)).status == 200
    assert (await customer.ask("DELETE", f"/api/user/{customer.id}")).status == 200


@in_coterie
@pytest.mark.promise("W2-02", "P2.10-4")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_others_may_not(web: Web, customer: Customer, method: str) -> None:
    """Another user's token is a 403, none a 401; the administrator may."""
    path = f"/api/user/{customer.id}"
    body = {"address": "x"} if method == "PUT" else None
    stranger = await web.customer()
    assert (await stranger.ask(method, path, body)).status == 403
    assert (await web.ask(method, path, body)).status == 401
    admin = await web.login("admin", "administrator")
    assert (await admin.ask(method, path, body)).status == 200


@in_coterie
@pytest.mark.promise("P2.10-1")
async def test_only_the_administrator_lists_users(customer: Customer, admin: Customer) -> None:
    """A page at a time, with the way to the next."""
    assert (await customer.ask("GET", "/api/users")).status == 403
    first = await admin.ask("GET", "/api/users?limit=1")
    assert [user["username"] for user in first.json["items"]] == ["admin"]
    assert 'rel="next"' in first.headers["link"]
    rest = await admin.ask("GET", f"/api/users?limit=500&cursor={first.json['next']}")
    assert customer.name in [user["username"] for user in rest.json["items"]]
    assert "admin" not in [user["username"] for user in rest.json["items"]]


@in_coterie
async def test_a_change_based_on_an_old_state_is_refused(customer: Customer) -> None:
    """If-Match with the tag of what one has read guards against overwriting others."""
    path = f"/api/user/{customer.id}"
    seen = (await customer.ask("GET", path)).headers["etag"]
    unchanged = await customer.ask("GET", path, headers={"if-none-match": seen})
    assert (unchanged.status, unchanged.body) == (304, b"")
    first = await customer.ask("PUT", path, {"address": "one"}, headers={"if-match": seen})
    second = await customer.ask("PUT", path, {"address": "two"}, headers={"if-match": seen})
    assert (first.status, second.status) == (200, 412)
    assert (await customer.ask("GET", path)).json["address"] == "one"


@in_coterie
@pytest.mark.parametrize("path", ["/api/users", "/api/orders", "/api/products"])
@pytest.mark.parametrize("cursor", ["", "garbage", "-1", "1.5", "1%0A", "9" * 17])
async def test_a_cursor_that_is_none_is_refused(admin: Customer, path: str, cursor: str) -> None:
    """400, rather than the first page again and again."""
    assert (await admin.ask("GET", f"{path}?cursor={cursor}")).status == 400


@in_coterie
async def test_a_name_ends_with_its_line(web: Web) -> None:
    """A last newline makes no second user who looks like the first."""
    answer = await web.ask("POST", "/api/users", {**NEW, "name": "admin\n"})
    assert (answer.status, answer.blamed) == (400, ["#/name"])
    answer = await web.ask("POST", "/api/users", {**somebody(), "address": "there\n"})
    assert (answer.status, answer.blamed) == (400, ["#/address"])
