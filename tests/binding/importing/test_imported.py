"""Documents in, contracts out: what comes of which, and that nothing of a document is ever run."""

import ast
import json
import subprocess
import sys
import types
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from functools import reduce
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coterie.binding.rest.importing import Imported, Unreadable, imported
from coterie.binding.rest.openapi import openapi
from coterie.contract import Contract, ContractError, Fault, contracts_of, describe
from tests.binding.importing.promised import lost, promises


def document(paths: Mapping[str, Any], **schemas: Any) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Lab", "version": "2.1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def getting(schema: Any, **more: Any) -> dict[str, Any]:
    """One operation that answers what ``schema`` says."""
    content = {"application/json": {"schema": schema}}
    answers = {"200": {"description": "ok", "content": content}, **more}
    return {"/things": {"get": {"operationId": "things", "responses": answers}}}


def module(made: Imported) -> types.ModuleType:
    """The source, as a module."""
    name = "imported_for_a_test"
    found = types.ModuleType(name)
    sys.modules[name] = found
    exec(compile(made.files[""], name, "exec"), vars(found))  # noqa: S102  # that is the test
    return found


def contract(made: Imported) -> type[Contract]:
    found: type[Contract] = getattr(module(made), made.contracts[0])
    return found


def decoded(schema: Any, value: Any, **schemas: Any) -> Any:
    """``value`` as the imported operation's result; `msgspec.ValidationError` where it does not fit."""
    [operation] = describe(contract(imported(document(getting(schema), **schemas)))).operations
    return msgspec.json.decode(json.dumps(value).encode(), type=operation.result.type)


def refused(schema: Any, value: Any, **schemas: Any) -> bool:
    try:
        decoded(schema, value, **schemas)
    except msgspec.ValidationError:
        return True
    return False


# --- What comes of which -------------------------------------------------------------------------

CAT = {"type": "object", "required": ["kind", "lives"], "properties": {
    "kind": {"const": "cat"}, "lives": {"type": "integer"}}}  # fmt: skip
DOG = {"type": "object", "required": ["kind", "tricks"], "properties": {
    "kind": {"const": "dog"}, "tricks": {"type": "array", "items": {"type": "string"}}}}  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "string", "pattern": "^a+$"}, "aa", "b"),
        ({"type": "integer", "minimum": 1, "exclusiveMaximum": 5}, 4, 5),
        ({"type": ["string", "null"]}, None, 1),
        ({"type": "string", "nullable": True}, None, 1),
        ({"enum": ["a", "b", None]}, "b", "c"),
        ({"type": "string", "format": "date"}, "2026-11-23", "soon"),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 2}, [1, 2], [1, 2, 3]),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"x": 1}, {"x": "y"}),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, 1, 1.5),
        (
            {"allOf": [{"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}},
                       {"type": "object", "required": ["b"], "properties": {"b": {"type": "string"}}}]},
            {"a": 1, "b": "x"},
            {"a": 1},
        ),
        (
            {"oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
             "discriminator": {"propertyName": "kind", "mapping": {
                 "cat": "#/components/schemas/Cat", "dog": "#/components/schemas/Dog"}}},
            {"kind": "cat", "lives": 9},
            {"kind": "cow"},
        ),
    ],
)  # fmt: skip
def test_a_schema_takes_in_what_it_says(schema: Any, good: Any, bad: Any) -> None:
    """And refuses the rest."""
    decoded(schema, good, Cat=CAT, Dog=DOG)
    assert refused(schema, bad, Cat=CAT, Dog=DOG)


def test_a_type_may_hold_itself() -> None:
    """To any depth."""
    tree = {"type": "object", "properties": {
        "name": {"type": "string"},
        "below": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
    }}  # fmt: skip
    value = {"name": "a", "below": [{"name": "b", "below": [{"name": "c"}]}]}
    found = decoded({"$ref": "#/components/schemas/Tree"}, value, Tree=tree)
    assert found.below[0].below[0].name == "c"


def test_an_error_with_members_is_a_fault_of_its_status() -> None:
    """Known by its status, as programs answer that know no problem details."""
    error = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
    missing = {"description": "none", "content": {"application/json": {"schema": error}}}
    made = imported(document(getting({"type": "string"}, **{"404": missing})))
    [operation] = describe(contract(made)).operations
    [fault] = operation.faults
    assert issubclass(fault, Fault)
    assert (fault.status, fault.bare) == (404, True)


def test_what_a_pattern_shares_with_a_list_does_not_crash() -> None:
    """A union that msgspec cannot hold is never written."""
    schema = {"oneOf": [{"type": "string", "pattern": "^a$"}, {"type": "array", "items": {}}]}
    made = imported(document(getting(schema)))
    describe(contract(made))


def test_what_cannot_be_said_is_listed() -> None:
    """With its place, and what the contract does now."""
    webhook = document(getting({"type": "string"}, default={"description": "else"}))
    webhook["webhooks"] = {"new": {"post": {"responses": {"200": {"description": "ok"}}}}}
    notes = imported(webhook).notes
    assert any("webhook" in note.what.lower() for note in notes), notes
    assert any("default" in note.what for note in notes), notes
    assert all(note.where and note.what and note.instead for note in notes)


OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}


def asking(*parameters: Mapping[str, Any]) -> Imported:
    """What comes of one operation with these parameters."""
    paths = getting({"type": "string"})
    paths["/things"]["get"]["parameters"] = list(parameters)
    return imported(document(paths))


def test_a_name_that_two_parameters_travel_under_is_one() -> None:
    """An object's members travel beside the others: the first of a name counts, the other is noted."""
    members = {"type": "object", "properties": {"limit": {}, "kind": {}, "page": {}}}
    made = asking(
        {"name": "kind", "in": "query", "schema": {"type": "string"}},
        {"name": "page", "in": "query", "schema": members},
        {"name": "limit", "in": "query", "schema": {"type": "integer"}},
    )
    [operation] = describe(contract(made)).operations
    assert [one.name for one in operation.parameters] == ["kind", "limit", "page"]
    assert sorted(n.what for n in made.notes) == [
        "query parameter 'kind' beside one of its name",
        "query parameter 'limit' beside one of its name",
    ]


@pytest.mark.parametrize(
    ("parameter", "says"),
    [
        ({"name": "x", "in": "querystring", "content": {"text/plain": {}}}, "a parameter in 'querystring'"),
        ({"name": "x", "schema": {"type": "string"}}, "a parameter in 'None'"),
    ],
)  # fmt: skip
def test_a_parameter_in_no_place_of_ours_is_noted(parameter: Any, says: str) -> None:
    """And never sent in the query instead."""
    made = asking(parameter)
    assert [note.what for note in made.notes] == [says]
    assert describe(contract(made)).operations[0].parameters == ()


def test_a_style_of_the_path_is_noted() -> None:
    """A text is sent as it is given, without the signs of the style."""
    paths = getting({"type": "string"})
    told = {"name": "x", "in": "path", "required": True, "schema": {"type": "string"}}
    paths = {"/{x}": {**paths["/things"], "parameters": [{**told, "style": "label"}]}}
    assert [note.what for note in imported(document(paths)).notes] == ["style label in the path"]


@pytest.mark.parametrize("member", ["self", 'a"b', "c\nd", "message", "code"])
def test_any_member_of_an_error_makes_a_fault(member: str) -> None:
    """One that no field can be called is noted."""
    error = {"type": "object", "properties": {member: {"type": "string"}}}
    answers = {"404": {"description": "no", "content": {"application/json": {"schema": error}}}}
    made = imported(document(getting({"type": "string"}, **answers)))
    openapi([describe(contract(made))], title="Lab", version="1")
    assert len(made.notes) == (not member.isidentifier())


@pytest.mark.parametrize(("version", "checked"), [("3.1.0", True), ("3.0.3", False)])
def test_what_is_asked_beside_a_reference_counts_since_3_1(version: str, checked: bool) -> None:
    """Also on the way to the end of several; before, it is to be ignored."""
    schema = {"$ref": "#/components/schemas/B", "maxProperties": 9}
    there = {"B": {"$ref": "#/components/schemas/A", "required": ["a"]}, "A": OBJECT}
    whole = {**document(getting(schema), **there), "openapi": version}
    [operation] = describe(contract(imported(whole))).operations
    value = msgspec.json.decode(b'{"a": "x"}', type=operation.result.type)
    assert value.a == "x"
    with pytest.raises(msgspec.ValidationError) if checked else nullcontext():
        msgspec.json.decode(b"{}", type=operation.result.type)


def test_members_by_pattern_are_let_in() -> None:
    """Also where no others are."""
    told = {"type": "object", "patternProperties": {"^x-": {}}, "additionalProperties": False}
    assert decoded(told, {"x-1": 2}) == {"x-1": 2}
    assert decoded({**told, **OBJECT}, {"x-1": 2, "a": "b"}).a == "b"


@pytest.mark.parametrize(
    ("schema", "answers", "says"),
    [
        ({**OBJECT, "minProperties": 1}, {}, "`minProperties` of an object with named members"),
        ({}, {"404": {"description": "", "headers": {"X-Why": {}}}}, "response header X-Why"),
        ({}, {"404": {"description": "", "links": {"a": {}}}}, "`links`"),
        ({}, {"200": {"description": "", "content": {"application/xml": {"schema": OBJECT}}}},
         "the parts of what travels as application/xml"),
        ({}, {"200": {"description": "", "content": {"text/json": {"schema": {}}}}},
         "media type text/json"),
    ],
)  # fmt: skip
def test_nothing_is_dropped_in_silence(schema: Any, answers: Any, says: str) -> None:
    """Not the small print either."""
    paths = getting(schema)
    paths["/things"]["get"]["responses"] |= answers
    assert says in [note.what for note in imported(document(paths)).notes]


def test_answers_of_any_status_are_noted() -> None:
    """2XX is read as 200."""
    paths = getting({"type": "string"})
    answers = paths["/things"]["get"]["responses"]
    answers["2XX"] = answers.pop("200")
    [note] = imported(document(paths)).notes
    assert (note.what, note.instead) == ("answers 2XX, of any such status", "read as 200")


def test_a_module_that_begins_with_an_alias_is_written_as_the_formatter_would() -> None:
    """And so are numbers that are large."""
    told = {"type": ["string", "number"], "maximum": 1e308}
    source = imported(document(getting({"$ref": "#/components/schemas/A"}), A=told)).files[""]
    assert "le=1e308" in source
    ruff = (Path(sys.executable).parent / "ruff", "--isolated", "-")
    for command in (("format", "--line-length=100", "--check"), ("check", "--select=I,F")):
        run = [ruff[0], *command, *ruff[1:]]
        done = subprocess.run(run, input=source, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_a_schema_that_nobody_speaks_of_is_noted() -> None:
    """By its name; the others are there."""
    made = imported(document(getting({"$ref": "#/components/schemas/Used"}), Used=OBJECT, Gone={}))
    assert [note.where for note in made.notes] == ["#/components/schemas/Gone"]


@pytest.mark.parametrize(
    ("server", "address", "notes"),
    [
        ({"url": "/api/v3/"}, '"http://HOST/api/v3"', 0),
        ({"url": "https://{at}.x/v1", "variables": {"at": {"default": "eu"}}}, '"https://eu.x/v1"', 1),
    ],
)  # fmt: skip
def test_the_address_is_told_with_its_path(server: Any, address: str, notes: int) -> None:
    """A client that leaves it out asks for what is not there."""
    made = imported({**document(getting({})), "servers": [server]})
    assert address in made.files[""]
    assert len(made.notes) == notes


# --- Round trips --------------------------------------------------------------------------------


def test_a_contract_of_ours_comes_back_as_it_was() -> None:
    """Described, imported and described again: the same paths, parameters, bodies and answers."""
    error = {"type": "object", "required": ["left"], "properties": {"left": {"type": "integer"}}}
    paths = {
        "/orders/{id}": {"get": {
            "operationId": "orders.order", "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}},
                {"name": "verbose", "in": "query", "schema": {"type": "boolean", "default": False}},
                {"name": "X-Reason", "in": "header", "required": True, "schema": {"type": "string"}},
            ],
            "responses": {
                "200": {"description": "ok", "content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/Order"}}}},
                "409": {"description": "few", "content": {"application/json": {"schema": error}}},
            },
        }},
        "/orders": {"post": {
            "operationId": "orders.place",
            "requestBody": {"required": True, "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/Order"}}}},
            "responses": {"201": {"description": "made"}},
        }},
    }  # fmt: skip
    order = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
    first = contract(imported(document(paths, Order=order)))
    once = openapi([describe(one) for one in contracts_of(first)], title="Lab", version="2.1")
    second = contract(imported(json.loads(json.dumps(once))))
    twice = openapi([describe(one) for one in contracts_of(second)], title="Lab", version="2.1")
    assert lost(promises(once), promises(twice)) == {}
    assert lost(promises(twice), promises(once)) == {}
    assert lost(promises(document(paths, Order=order)), promises(once)) == {}


# --- What is no document -------------------------------------------------------------------------

# A few parts that are shared, as YAML can write them, which stand for 10 ** 12.
SHARED: list[Any] = reduce(lambda inner, _: [inner] * 10, range(12), list[Any]())
ITSELF: list[Any] = []
ITSELF.append(ITSELF)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "is an object"),
        ({}, "openapi"),
        ({"openapi": "1.0"}, "version"),
        ({"openapi": "3.0.0", "paths": []}, "paths"),
        (document({"/x": {"get": {"$ref": "#/nowhere", "responses": {}}}}), ""),
        (document(getting({"$ref": "#/components/schemas/Gone"})), "leads to nothing"),
        (document(getting({"$ref": "other.json#/X"})), "refers to"),
        ({**document({}), "x": SHARED}, "more than"),
        ({**document({}), "x": ["long" * 2**18] * 2**11}, "more than"),
        ({**document({}), "x": "\ud800"}, "half a character"),
        ({**document({}), "x": ITSELF}, "holds itself"),
    ],
)
def test_what_cannot_be_read_is_named(values: Any, says: str) -> None:
    """With its place and a remedy; and never a traceback of ours."""
    with pytest.raises(Unreadable) as caught:
        imported(values)
    assert says in str(caught.value)


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


@pytest.mark.parametrize(
    "schemas",
    [
        {"A": {"allOf": [ref("B"), ref("B")]}, "B": {"allOf": [ref("A"), ref("A")]}},
        {"A": {**ref("A"), "required": ["x"]}},
        {**{f"B{n}": {"allOf": [ref(f"B{n + 1}")] * 2} for n in range(60)}, "B60": OBJECT,
         "A": ref("B0")},
        {**{f"B{n}": {**ref(f"B{n + 1}"), "allOf": [ref(f"B{n + 1}")]} for n in range(60)},
         "B60": OBJECT, "A": ref("B0")},
        {"A": {"type": "object", "properties": {"c": {"allOf": [ref("A"), ref("B")]}}},
         "B": {"type": "object", "properties": {"c": {"allOf": [ref("B"), ref("A")]}}}},
    ],
    ids=["circle", "itself", "doubled", "doubled beside", "grown"],
)  # fmt: skip
def test_parts_that_lead_to_one_another_end(schemas: Any) -> None:
    """Each is folded once, however often it is named: doubling would never end."""
    made = imported(document(getting(ref("A")), **schemas))
    describe(contract(made))
    assert made.types <= 4


@pytest.mark.parametrize("where", ["webhooks", "components", "servers", "security", "info", "tags"])
def test_parts_of_the_wrong_kind_do_not_crash(where: str) -> None:
    """What is not as it should be counts as absent."""
    for junk in (5, "x", [5], {"x": 5}):
        assert imported({**document(getting({"type": "string"})), where: junk}).operations == 1


def test_a_part_of_nothing_does_not_crash() -> None:
    """In a union with a discriminator."""
    told = {"oneOf": [{"allOf": [None, OBJECT]}], "discriminator": {"propertyName": "a"}}
    describe(contract(imported(document(getting(told)))))


def test_a_name_that_must_be_there_and_cannot_is_noted() -> None:
    """Said by `required` alone."""
    made = imported(document(getting({**OBJECT, "required": ['"', "b"]})))
    describe(contract(made))
    assert [note.what for note in made.notes] == ["a member called '\"'"]


# --- Hostile documents ----------------------------------------------------------------------------

HOSTILE = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            '"""\nimport os\nos.abort()\n"""',
            "\\",
            "'''",
            '"); raise SystemExit("',
            "class",
            "__import__('os').abort()",
            "{x!r:{y}}",
            "a\x00b",
            "\u202e",
            "line\nbreak",
            "\ud800",
            "None",
            "1abc",
            "self",
        ]
    ),
)


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(st.lists(HOSTILE, min_size=12, max_size=12))
def test_no_text_of_a_document_becomes_code(texts: list[str]) -> None:
    """Names, descriptions, defaults, patterns and values: the module is promises, and nothing else."""
    t = iter(texts)
    schema = {
        "type": "object",
        "title": next(t),
        "description": next(t),
        "required": [texts[0]],
        "properties": {
            texts[0]: {"type": "string", "description": next(t), "default": next(t)},
            next(t): {"enum": [next(t), next(t)]},
            next(t): {"type": "string", "pattern": texts[3]},
        },
    }
    parameter = {"name": next(t) or "p", "in": "query", "schema": {"type": "string"}}
    operation = {
        "operationId": next(t),
        "summary": next(t),
        "description": texts[1],
        "tags": [next(t)],
        "parameters": [parameter],
        "responses": {"200": {"description": texts[2], "content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/X"}}}}},
    }  # fmt: skip
    whole = document({"/x": {"get": operation}}, X=schema)
    whole["info"]["title"] = texts[4]
    try:
        source = imported(whole).files[""]
    except Unreadable:
        return
    tree = ast.parse(source)
    allowed = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.Expr)
    assert all(isinstance(node, allowed) for node in tree.body)
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert called <= {"get", "field", "Meta", "Header", "Query", "Cookie", "Body", "Content"}, (
        called
    )
    for node in tree.body:
        if isinstance(node, ast.Expr):
            assert isinstance(node.value, ast.Constant)
    with suppress(ContractError):  # refused in words, where it stands
        describe(contract(imported(whole)))
