"""03-integration: users and products, and a service that makes one answer of both."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from time import monotonic
from types import ModuleType

import pytest

from peers import BAD, NO_JSON, Hanging, away, http, patience, peer
from programs import PATIENCE, Program, load, started

NOTHING = {"error": "Failed to retrieve user or product data"}
ALICE, LAPTOP = '{"name": "Alice", "age": 30}', '{"name": "Laptop", "price": 1200}'


@pytest.fixture(scope="module")
def services() -> Generator[dict[str, Program]]:
    """All three, each a process."""
    with ExitStack() as stack:
        users = stack.enter_context(started("03-integration/users.py"))
        products = stack.enter_context(started("03-integration/products.py"))
        at = {"USERS_URL": users.url, "PRODUCTS_URL": products.url}
        integration = stack.enter_context(started("03-integration/integration.py", **at))
        yield {"users": users, "products": products, "integration": integration}


@pytest.mark.promise("S0-23", "S0-24", "S0-25", "S0-26", "S0-27", "S0-28")
@pytest.mark.parametrize(
    ("service", "path", "status", "wanted"),
    [
        ("users", "/users/1", 200, {"name": "Alice", "age": 30, "city": "New York"}),
        ("users", "/users/2", 200, {"name": "Bob", "age": 25, "city": "San Francisco"}),
        ("users", "/users/3", 404, {"error": "User not found"}),
        ("users", "/users/01", 404, {"error": "User not found"}),
        ("users", "/users/Alice", 404, {"error": "User not found"}),
        ("products", "/products/101", 200, {"name": "Laptop", "price": 1200}),
        ("products", "/products/102", 200, {"name": "Smartphone", "price": 800}),
        ("products", "/products/1", 404, {"error": "Product not found"}),
        ("products", "/products/x", 404, {"error": "Product not found"}),
    ],
)
def test_each_service_knows_its_own(
    services: dict[str, Program], service: str, path: str, status: int, wanted: object
) -> None:
    """And says so when it does not."""
    answer = services[service].get(path)
    assert (answer.status_code, answer.json()) == (status, wanted)


@pytest.mark.promise("S0-21", "S0-22", "S0-29", "S0-30", "S0-32")
@pytest.mark.parametrize(
    ("user_id", "wanted"),
    [("1", ("Alice", 30, "Laptop", 1200)), ("2", ("Bob", 25, "Smartphone", 800))],
)
def test_one_answer_is_made_of_both(
    services: dict[str, Program], user_id: str, wanted: tuple[object, ...]
) -> None:
    """The id is the text of the path, age and price are numbers, and nothing else is there."""
    answer = services["integration"].get(f"/user_product/{user_id}")
    keys = ("user_name", "user_age", "product_name", "product_price")
    assert answer.json() == {"user_id": user_id, **dict(zip(keys, wanted, strict=True))}
    assert (answer.status_code, b".0" in answer.content) == (200, False)


@pytest.mark.promise("S0-31")
@pytest.mark.parametrize("user_id", ["3", "01", "101", "x", "1%3Fx", "1%23", "1;x", "1%20"])
def test_a_user_that_is_not_there_has_nothing(services: dict[str, Program], user_id: str) -> None:
    """What stands in the path never becomes a part of another URL."""
    answer = services["integration"].get(f"/user_product/{user_id}")
    assert (answer.status_code, answer.json()) == (404, NOTHING)


# --- When one of the two fails. In this process, so that many ways take little time. ---------------


@pytest.fixture(scope="module")
def integration() -> Generator[ModuleType]:
    module = load("03-integration/integration.py")
    yield module
    module.session.close()
    module.pool.shutdown()


Ask = Callable[..., tuple[int, object]]


@pytest.fixture
def ask(integration: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """What it answers about user 1 when users and products are at these URLs."""

    def asked(users: str, products: str, timeout: float = PATIENCE) -> tuple[int, object]:
        monkeypatch.setattr(integration, "TIMEOUT", timeout)
        monkeypatch.setattr(integration, "service_a_url", users)
        monkeypatch.setattr(integration, "service_b_url", products)
        answer = integration.app.test_client().get("/user_product/1")
        return answer.status_code, answer.json

    return asked


OTHER_JSON = {
    "a list": http("[]"),
    "null": http("null"),
    "an empty object": http("{}"),
    "an age in words": http('{"name": "Alice", "age": "30", "price": "1"}'),
    "a yes for an age": http('{"name": "Alice", "age": true, "price": true}'),
    "a name in numbers": http('{"name": 1, "age": 30, "price": 1}'),
    "a price with cents": http('{"name": "Laptop", "price": 1200.5, "age": 1.5}'),
}


@pytest.mark.promise("S0-31", "S0-33", "W0-10")
@pytest.mark.parametrize("way", [*BAD, *NO_JSON, *OTHER_JSON])
def test_whatever_one_of_them_does_wrong_is_a_404(way: str, ask: Ask) -> None:
    """With the text of the pattern, in time; never an error inside, never half an answer."""
    wrong = {**BAD, **NO_JSON, **OTHER_JSON}[way]
    with peer(wrong) as bad, peer(http(ALICE)) as users, peer(http(LAPTOP)) as products:
        for pair in ((bad.url, products.url), (users.url, bad.url)):
            before = monotonic()
            assert ask(*pair, timeout=patience(wrong)) == (404, NOTHING)
            assert monotonic() - before < 2


@pytest.mark.promise("S0-31", "W0-10")
def test_without_one_of_them_there_is_nothing(ask: Ask) -> None:
    """A connection that is refused is no error inside; and the next answer is whole again."""
    with away() as nobody, peer(http(ALICE)) as users, peer(http(LAPTOP)) as products:
        assert ask(nobody, products.url) == (404, NOTHING)
        assert ask(users.url, nobody) == (404, NOTHING)
        assert ask(nobody, nobody) == (404, NOTHING)
        assert ask(users.url, products.url)[0] == 200


def test_both_are_asked_at_the_same_time(ask: Ask) -> None:
    """Either answers only once both were asked: one after the other would never end well."""
    both = Barrier(2, timeout=5)

    def when_both(body: str) -> Callable[[str], bytes]:
        return lambda _: http(body if both.wait() >= 0 else "")

    with peer(when_both(ALICE)) as users, peer(when_both(LAPTOP)) as products:
        assert ask(users.url, products.url)[0] == 200


def test_both_hanging_cost_one_timeout(ask: Ask) -> None:
    """Together, not one after the other."""
    with peer(Hanging()) as users, peer(Hanging()) as products:
        before = monotonic()
        assert ask(users.url, products.url, timeout=1.0) == (404, NOTHING)
        assert 1.0 <= monotonic() - before < 2.0


def test_connections_are_kept_and_cookies_are_not(ask: Ask) -> None:
    """Ten answers cost one connection to either service; one user's cookie goes with no other."""
    with (
        peer(http(ALICE, "200 OK", "Set-Cookie: whose=Alice")) as users,
        peer(http(LAPTOP)) as products,
    ):
        for _ in range(10):
            assert ask(users.url, products.url)[0] == 200
        assert (users.accepted, products.accepted) == (1, 1)
        assert not [request for request in users.requests if "Cookie" in request]


def test_the_trace_goes_along(integration: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks at a trace sees both calls as parts of it."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with peer(http(ALICE)) as users, peer(http(LAPTOP)) as products:
        monkeypatch.setattr(integration, "service_a_url", users.url)
        monkeypatch.setattr(integration, "service_b_url", products.url)
        client = integration.app.test_client()
        assert client.get("/user_product/1", headers={"traceparent": trace}).status_code == 200
        assert all(f"Traceparent: {trace}" in r for r in (*users.requests, *products.requests))


def test_many_at_once_get_their_own(services: dict[str, Program]) -> None:
    """Threads share connections, never answers."""
    with ThreadPoolExecutor(16) as many:
        asked = [str(number % 2 + 1) for number in range(100)]
        paths = (f"/user_product/{user_id}" for user_id in asked)
        answers = list(many.map(services["integration"].get, paths))
    assert [answer.json()["user_id"] for answer in answers] == asked
    names = {"1": "Alice", "2": "Bob"}
    assert [answer.json()["user_name"] for answer in answers] == [names[user] for user in asked]


@pytest.mark.promise("S0-33")
def test_the_addresses_are_settings(integration: ModuleType) -> None:
    """USERS_URL and PRODUCTS_URL say where; without them it is where the pattern says."""
    fresh = load("03-integration/integration.py")
    told = (fresh.service_a_url, fresh.service_b_url, fresh.TIMEOUT)
    assert told == ("http://localhost:5000", "http://localhost:5001", 2)
