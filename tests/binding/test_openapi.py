"""What the OpenAPI document of a contract says, and that others can read it."""

import json
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from coterie.binding.rest.openapi import openapi
from coterie.contract import (
    Contract,
    Description,
    Service,
    Struct,
    get,
    owner,
    post,
    role,
    scope,
)
from coterie.system import load, resolve
from tests.binding.documented import Document, document, operation
from tests.binding.rich import Box, Orders

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rich() -> Document:
    return document(Orders)


@pytest.fixture(scope="module")
def shop() -> Document:
    services = resolve(load(ROOT / "examples" / "shop"))
    found = [description for service in services for description in service.descriptions]
    return openapi(found, title="shop", version="1.0", secured=True, public=True)


@pytest.mark.parametrize("secured", [False, True])
@pytest.mark.parametrize("public", [False, True])
def test_an_outside_judge_finds_the_document_valid(*, secured: bool, public: bool) -> None:
    """A contract that uses everything gives a valid OpenAPI 3.1 document, defaults included."""
    found = document(Orders, secured=secured, public=public, servers=["https://api.example"])
    validate(found)
    assert found["openapi"].startswith("3.1.")


def test_the_judge_does_find_faults(rich: Document) -> None:
    """Control: a default of another type than its field is noticed."""
    spoilt = json.loads(json.dumps(rich))
    spoilt["components"]["schemas"]["Item"]["properties"]["quantity"]["default"] = "many"
    with pytest.raises(Exception, match="many"):
        validate(spoilt)


@pytest.mark.promise("S2-06", "S2-51")
def test_the_shop_has_a_document_that_other_tools_import(shop: Document) -> None:
    """One valid document for all services, plain JSON: what Postman and Insomnia import."""
    validate(json.loads(json.dumps(shop)))
    assert {tag["name"] for tag in shop["tags"]} == {"users", "orders", "inventory"}


@pytest.mark.promise("S2-52")
def test_payloads_and_success_are_declared(shop: Document) -> None:
    """Every body of the shop is a declared model with an example, and success is "Success"."""
    bodies = 0
    for path in shop["paths"].values():
        for written in path.values():
            success = next(iter(written["responses"].values()))
            assert success["description"] == "Success"
            if "requestBody" in written:
                content = written["requestBody"]["content"]["application/json"]
                name = content["schema"]["$ref"].rpartition("/")[2]
                assert shop["components"]["schemas"][name]["properties"]
                assert content["example"]
                bodies += 1
    assert bodies >= 5


def test_the_same_contract_gives_the_same_document() -> None:
    """Nothing depends on the run: two documents are equal, octet by octet."""
    assert json.dumps(document(Orders)) == json.dumps(document(Orders))


def test_every_reference_leads_somewhere(rich: Document) -> None:
    """Each ``$ref`` names a component, and each component is referred to or was asked for."""
    text = json.dumps(rich)
    for kind, inside in rich["components"].items():
        for name in inside:
            used = kind == "securitySchemes" or f'"#/components/{kind}/{name}"' in text
            assert used, f"{kind}/{name}"
    for place in text.split('"$ref": "')[1:]:
        _, kind, name = place.split('"')[0].removeprefix("#/").split("/")
        assert name in rich["components"][kind]


def test_templates_that_differ_in_names_alone_are_one_path(rich: Document) -> None:
    """``/orders/{id}`` and ``/orders/{order_id}`` are the same path (OpenAPI 3.1, 4.8.8.2)."""
    removed = operation(rich, "orders.remove")
    assert set(rich["paths"]["/orders/{order_id}"]) == {"get", "put", "delete"}
    assert [p["name"] for p in removed["parameters"]] == ["order_id"]


def rules() -> Document:
    class Guarded(Contract, version="1"):
        @get("/a", allow=scope("read") & scope("more"))
        async def both(self) -> None: ...

        @get("/b", allow=scope("read") | role("admin"))
        async def either(self) -> None: ...

        @get("/c/{user_id}", allow=scope("read") & (owner("user_id") | role("admin")))
        async def mine(self, user_id: int) -> None: ...

        @get("/d")
        async def silent(self) -> None: ...

    return document(Guarded, secured=True)


def test_only_scopes_nobody_gets_in_without_are_asked_for() -> None:
    """A scope that a role may stand for is no requirement; one that all need is."""
    found = rules()
    assert operation(found, "guarded.both")["security"] == [{"bearer": ["more", "read"]}]
    assert operation(found, "guarded.either")["security"] == [{"bearer": []}]
    assert operation(found, "guarded.mine")["security"] == [{"bearer": ["read"]}]
    assert found["components"]["securitySchemes"]["bearer"]["bearerFormat"] == "JWT"


def test_an_operation_without_a_rule_is_closed_where_the_system_is() -> None:
    """``secured`` asks for a token where the contract is silent; 403 needs a rule to be broken."""
    silent = operation(rules(), "guarded.silent")
    assert silent["security"] == [{"bearer": []}]
    assert "401" in silent["responses"]
    assert "403" not in silent["responses"]


def test_who_may_call_is_told_in_words(rich: Document) -> None:
    """The rule stands in the description; an open operation asks for nothing."""
    told = operation(rich, "orders.order")["description"]
    assert "role admin or the owner (user_id)" in told
    assert "security" not in operation(rich, "orders.search")
    assert "401" not in operation(rich, "orders.search")["responses"]


def test_the_public_document_leaves_out_what_only_services_call(rich: Document) -> None:
    """A `call` has no way in through the gateway, so its document does not name it."""
    assert operation(rich, "orders.reserve")["summary"] == "Reserves stock"
    with pytest.raises(LookupError):
        operation(document(Orders, public=True), "orders.reserve")


class OrdersSide:
    class Item(Struct):
        quantity: int

    class Problem(Struct):
        text: str


class UsersSide:
    class Item(Struct):
        address: str

    class Violation(Struct):
        fine: int


# As if each stood in a module of its own.
OrdersSide.Item.__module__ = OrdersSide.Problem.__module__ = "shop.orders"
UsersSide.Item.__module__ = UsersSide.Violation.__module__ = "shop.users"


def test_two_models_of_one_name_stay_two() -> None:
    """Structs of the same name in two modules, inside generics too, do not hide each other."""

    class Twins(Contract, version="1"):
        @get("/ours")
        async def ours(self) -> Box[OrdersSide.Item]: ...

        @get("/theirs")
        async def theirs(self) -> Box[UsersSide.Item]: ...

        @post("/both")
        async def both(self, item: OrdersSide.Item) -> UsersSide.Item: ...

    found = document(Twins)
    validate(found)
    schemas = found["components"]["schemas"]
    assert set(schemas["orders.Item"]["properties"]) == {"quantity"}
    assert set(schemas["users.Item"]["properties"]) == {"address"}
    assert {"BoxOforders.Item", "BoxOfusers.Item"} <= set(schemas)


def test_a_model_may_be_called_as_the_frame_calls_its_own() -> None:
    """A struct named Problem or Violation does not replace the frame's."""

    class Support(Contract, version="1"):
        @post("/problems")
        async def tell(self, problem: OrdersSide.Problem) -> UsersSide.Violation: ...

    schemas = document(Support)["components"]["schemas"]
    assert "code" in schemas["Problem"]["properties"]
    assert set(schemas["orders.Problem"]["properties"]) == {"text"}
    assert set(schemas["users.Violation"]["properties"]) == {"fine"}
    assert "pointer" in schemas["failure.Violation"]["properties"]


def test_two_versions_of_a_contract_have_operations_of_their_own() -> None:
    """Operation ids are unique: the version is told where two are served."""

    class Hello(Service, version="1.0"):
        @get("/v1/hello")
        async def greet(self) -> str:
            return "hello"

    class HelloV2(Service, version="2.0"):
        @get("/v2/hello")
        async def greet(self) -> str:
            return "hello"

    found = document(Hello, HelloV2)
    validate(found)
    assert operation(found, "hello.v1.greet")
    assert operation(found, "hello.v2.greet")


def test_two_operations_at_one_place_are_refused() -> None:
    """The error names both, and says what to do."""

    class One(Contract, version="1"):
        @get("/same/{id}")
        async def this(self, id: int) -> None: ...

    class Two(Contract, version="1"):
        @get("/same/{name}")
        async def that(self, name: str) -> None: ...

    with pytest.raises(ValueError, match=r"one\.this and by two\.that: give one of them"):
        document(One, Two)


def test_one_contract_tells_about_itself(rich: Document) -> None:
    """The docstring of a single contract introduces the document; servers are listed."""
    assert rich["info"]["description"].startswith("Orders of products by users.")
    assert "servers" not in rich
    listed = document(Orders, servers=["https://api.example/v1"])["servers"]
    assert listed == [{"url": "https://api.example/v1"}]


def test_no_contract_gives_an_empty_document() -> None:
    """A system without services has a document all the same."""
    nothing: list[Description] = []
    found = openapi(nothing, title="Nothing", version="0")
    validate(found)
    assert found["paths"] == {}
