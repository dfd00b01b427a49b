"""The header Idempotency-Key: quoted as the draft has it, or bare as most APIs have it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.binding.rest import from_headers, to_headers
from coterie.binding.rest.openapi import openapi
from coterie.call import Context, Trace
from coterie.contract import Contract, describe, post


def read(header: bytes) -> str | None:
    return from_headers({b"idempotency-key": header}).idempotency_key


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (b'"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        (b"8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        (b'  "a key"  ', "a key"),
        (rb'"say \"hello\" \\o/"', 'say "hello" \\o/'),
        (b'a"b', 'a"b'),
        (b"k" * 300, "k" * 300),
    ],
)
def test_a_key_is_read_quoted_and_bare(header: bytes, key: str) -> None:
    """A long one comes whole: cut off, two of them might become one."""
    assert read(header) == key


@pytest.mark.parametrize("header", [b"", b'"', b'"a', b'"a"b', rb'"a\b"', b'"a", "b"', b'"\xe4"'])
def test_what_is_no_key_is_not_mistaken_for_none(header: bytes) -> None:
    """Whoever sent it wanted protection; the policy refuses the empty key."""
    assert read(header) == ""
    assert from_headers({}).idempotency_key is None


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=255))
def test_every_printable_key_survives_the_wire(key: str) -> None:
    headers = dict(to_headers(Context(Trace.root()).keyed(key)))
    assert read(headers["idempotency-key"].encode("latin-1")) == key


class Till(Contract, version="1.0"):
    @post("/payments", keyed=True)
    async def pay(self, amount: int) -> int: ...

    @post("/notes")
    async def note(self, amount: int) -> int: ...


def test_the_document_asks_for_the_key_that_an_operation_needs() -> None:
    """And tells the two answers that come of it."""
    document: Any = openapi([describe(Till)], title="Till", version="1.0")
    paying = document["paths"]["/payments"]["post"]
    (header,) = (entry for entry in paying["parameters"] if entry["in"] == "header")
    assert (header["name"], header["required"]) == ("Idempotency-Key", True)
    assert {"400", "409", "422"} <= set(paying["responses"])
    noting = document["paths"]["/notes"]["post"]
    assert not {"409", "422"} & set(noting["responses"])
    assert all(entry["in"] == "query" for entry in noting["parameters"])
