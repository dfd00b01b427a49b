"""What the OpenAPI document of a contract says, and that others can read it."""

import datetime
import json
from pathlib import Path
from typing import Annotated, Any

import pytest
from coterie.binding.rest.openapi import openapi
from coterie.contract import (
    Contract,
    Description,
    Fault,
    Meta,
    Service,
    Struct,
    describe,
    get,
    owner,
    post,
    role,
    scope,
)
from coterie.system import load, resolve
from openapi_spec_validator import validate

from tests.binding.rich import Box, Orders

ROOT = Path(__file__).parents[2]

Document = dict[str, Any]


def document(*contracts: type[Contract], **options: Any) -> Document:
    return openapi([describe(c) for c in contracts], title="Test", version="1.0", **options)


@pytest.fixture(scope="module")
def rich() -> Document:
    return document(Orders)


@pytest.fixture(scope="module")
def shop() -> Document:
    services = resolve(load(ROOT / "examples" / "shop"))
    found = [description for service in services for description in service.descriptions]
    return openapi(found, title="shop", version="1.0", secured=True, public=True)


def operation(found: Document, identity: str) -> Document:
    for path in found["paths"].values():
        for written in path.values():
            if written["operationId"] == identity:
                return dict(written)
    raise LookupError(identity)


def json_schema(body: Document) -> Document:
    return dict(body["content"]["application/json"]["schema"])


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


def test_summaries_stand_as_they_are_written(rich: Document) -> None:
    """The docstring's first line is the summary, less its full stop; the rest the description."""
    placed = operation(rich, "orders.place")
    assert placed["summary"] == "Adds a new order"
    assert placed["description"].startswith("Takes the quantity out of stock.")
    assert "summary" not in operation(rich, "orders.motd")


def test_the_contract_is_the_tag(rich: Document) -> None:
    """Operations are grouped by contract, under its description; tags of one's own are kept."""
    assert rich["tags"][0]["name"] == "orders"
    assert rich["tags"][0]["description"].startswith("Orders of products by users.")
    assert operation(rich, "orders.search")["tags"] == ["search"]
    assert {"name": "search"} in rich["tags"]


def test_parameters_say_where_and_what(rich: Document) -> None:
    """Place, name, constraints, default and repetition of each parameter are there."""
    found = {p["name"]: p for p in operation(rich, "orders.search")["parameters"]}
    assert found["text"]["required"] is True
    assert found["text"]["description"] == "Words to look for"
    assert found["text"]["schema"] == {"type": "string", "maxLength": 20}
    assert found["limit"]["schema"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 20,
    }
    assert "required" not in found["limit"]
    assert (found["colour"]["style"], found["colour"]["explode"]) == ("form", True)
    assert found["wanted"]["style"] == "simple"
    assert (found["sid"]["in"], found["Accept-Language"]["in"]) == ("cookie", "header")
    assert found["cursor"]["schema"] == {"type": "string"}  # left out, never null


def test_a_value_is_shown_only_where_one_is_needed(rich: Document) -> None:
    """Optional parameters have no example: a page that fills it in would send it."""
    found = {p["name"]: p for p in operation(rich, "orders.search")["parameters"]}
    assert found["text"]["example"] == "text"
    assert "example" not in found["cursor"]


def test_templates_that_differ_in_names_alone_are_one_path(rich: Document) -> None:
    """``/orders/{id}`` and ``/orders/{order_id}`` are the same path (OpenAPI 3.1, 4.8.8.2)."""
    removed = operation(rich, "orders.remove")
    assert set(rich["paths"]["/orders/{order_id}"]) == {"get", "put", "delete"}
    assert [p["name"] for p in removed["parameters"]] == ["order_id"]


def test_bodies_come_in_every_form_that_is_read(rich: Document) -> None:
    """JSON and MessagePack, forms, files, raw media and streams are told apart."""

    def media(name: str) -> list[str]:
        return list(operation(rich, f"orders.{name}")["requestBody"]["content"])

    assert media("place") == ["application/json", "application/msgpack"]
    assert media("login") == ["application/x-www-form-urlencoded", "multipart/form-data"]
    assert media("attach") == ["multipart/form-data"]
    assert media("load") == ["application/octet-stream"]
    assert media("note") == ["text/markdown"]
    attached = operation(rich, "orders.attach")["requestBody"]["content"]["multipart/form-data"]
    file = attached["schema"]["properties"]["file"]
    assert file["contentMediaType"] == "application/octet-stream"
    assert attached["schema"]["required"] == ["file"]
    assert operation(rich, "orders.strict")["requestBody"]["required"] is False


def test_fields_that_travel_as_headers_are_not_in_the_body(rich: Document) -> None:
    """A field marked Header is a response header, and only that."""
    success = operation(rich, "orders.place")["responses"]["201"]
    assert success["headers"]["Location"]["description"] == "Where the order is"
    assert success["headers"]["X-Orders-Left"]["schema"] == {"type": "integer"}
    schema = json_schema(success)
    assert set(schema["properties"]) == {"order_id", "response"}
    assert schema["required"] == ["order_id"]
    assert success["content"]["application/json"]["example"] == {
        "order_id": 1,
        "response": "Order placed successfully",
    }


def test_what_comes_back_is_told_for_every_kind_of_result(rich: Document) -> None:
    """Nothing, files, pages, redirects, lists in parts and current copies."""

    def answers(name: str) -> Document:
        return dict(operation(rich, f"orders.{name}")["responses"])

    assert "content" not in answers("remove")["204"]
    assert list(answers("receipt")["200"]["content"]) == ["application/pdf"]
    assert list(answers("page")["200"]["content"]) == ["text/html"]
    assert "Location" in answers("go")["3XX"]["headers"]
    assert "Link" in answers("search")["200"]["headers"]
    assert "ETag" in answers("order")["200"]["headers"]
    assert "ETag" in answers("order")["304"]["headers"]
    assert {"412"} == set(answers("change")) & {"304", "412"}
    assert {p["name"] for p in operation(rich, "orders.change")["parameters"]} >= {"If-Match"}


def test_a_fault_is_a_model_of_its_own(rich: Document) -> None:
    """Its type is a constant, its fields are there, its message fills the example."""
    fault = rich["components"]["schemas"]["OutOfStock"]
    assert fault["properties"]["type"] == {"const": "urn:coterie:out-of-stock"}
    assert fault["properties"]["status"] == {"const": 409}
    assert {"product_id", "available"} <= set(fault["required"])
    answer = operation(rich, "orders.place")["responses"]["409"]
    example = answer["content"]["application/problem+json"]["examples"]["out-of-stock"]["value"]
    assert example["detail"] == "Only 1 left of product 1."


def test_faults_of_one_status_are_alternatives(rich: Document) -> None:
    """Several faults under one status, and the frame's own problem beside them."""
    answers = operation(rich, "orders.place")["responses"]

    def kinds(status: str) -> list[str]:
        schema = answers[status]["content"]["application/problem+json"]["schema"]
        return [option["$ref"].rpartition("/")[2] for option in schema["oneOf"]]

    assert kinds("409") == ["OutOfStock", "Closed"]
    assert kinds("400") == ["TooMuch", "InvalidRequest"]


def test_only_problems_that_can_happen_are_told(rich: Document) -> None:
    """400 where there is something to get wrong, 413 and 415 where there is a body, and so on."""
    assert set(operation(rich, "orders.motd")["responses"]) == {"200", "406", "default"}
    assert {"400", "413", "415"} <= set(operation(rich, "orders.note")["responses"])
    assert "406" not in operation(rich, "orders.go")["responses"]


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


def test_what_will_go_is_marked(rich: Document) -> None:
    """Deprecation, what to use instead, and the day of the sunset."""
    removed = operation(rich, "orders.remove")
    assert removed["deprecated"] is True
    assert removed["x-sunset"] == datetime.date(2030, 1, 1).isoformat()
    assert "Cancel it." in removed["description"]


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
        async def this(self, id: int) -> None: ...  # noqa: A002

    class Two(Contract, version="1"):
        @get("/same/{name}")
        async def that(self, name: str) -> None: ...

    with pytest.raises(ValueError, match=r"one\.this and by two\.that: give one of them"):
        document(One, Two)


def test_examples_of_the_author_go_first() -> None:
    """``Meta(examples=[...])`` on a field, or on the whole body, is what the page shows."""

    class Named(Struct):
        name: Annotated[str, Meta(examples=["newUser"])]
        born: Annotated[datetime.date, Meta(examples=[datetime.date(2000, 2, 29)])]

    class Examples(Contract, version="1"):
        @post("/fields")
        async def fields(self, named: Named) -> None: ...

        @post("/whole")
        async def whole(
            self, named: Annotated[Named, Meta(examples=[Named("a", datetime.date(1999, 1, 1))])]
        ) -> None: ...

    found = document(Examples)
    validate(found)

    def shown(name: str) -> Any:
        body = operation(found, f"examples.{name}")["requestBody"]
        return body["content"]["application/json"]["example"]

    assert shown("fields") == {"name": "newUser", "born": "2000-02-29"}
    assert shown("whole") == {"name": "a", "born": "1999-01-01"}


def test_no_example_is_better_than_a_wrong_one() -> None:
    """Where nothing made up can be valid, the document shows none."""

    class Odd(Struct):
        code: Annotated[str, Meta(pattern="^zz[0-9]{17}$")]

    class Choosy(Struct):
        either: str | None = None

        def __post_init__(self) -> None:
            raise ValueError("never content")

    class Picky(Contract, version="1"):
        @post("/odd")
        async def odd(self, odd: Odd) -> None: ...

        @post("/choosy")
        async def choosy(self, choosy: Choosy) -> None: ...

    found = document(Picky)
    for name in ("odd", "choosy"):
        body = operation(found, f"picky.{name}")["requestBody"]
        assert "example" not in body["content"]["application/json"]


def test_a_fault_without_fields_is_told_too() -> None:
    """The docstring is the answer's description; without one, the name."""

    class Gone(Fault, status=410):
        pass

    class Bare(Contract, version="1"):
        @get("/gone", faults=[Gone])
        async def gone(self) -> None: ...

    answer = operation(document(Bare), "bare.gone")["responses"]["410"]
    assert answer["description"] == "gone"


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
