"""What the OpenAPI document says of each operation."""

import datetime
from typing import Annotated, Any

import pytest
from openapi_spec_validator import validate

from coterie.contract import Contract, Fault, Meta, Struct, get, post
from tests.binding.documented import Document, document, operation
from tests.binding.rich import Orders


@pytest.fixture(scope="module")
def rich() -> Document:
    return document(Orders)


def json_schema(body: Document) -> Document:
    return dict(body["content"]["application/json"]["schema"])


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


def test_what_will_go_is_marked(rich: Document) -> None:
    """Deprecation, what to use instead, and the day of the sunset."""
    removed = operation(rich, "orders.remove")
    assert removed["deprecated"] is True
    assert removed["x-sunset"] == datetime.date(2030, 1, 1).isoformat()
    assert "Cancel it." in removed["description"]


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
