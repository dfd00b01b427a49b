"""Requests made to cost more than they should are refused at the price of any other."""

import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from coterie.binding.rest import Request, media
from coterie.binding.rest.arguments import ArgumentReader
from coterie.binding.rest.media import accepts, negotiate, of_content_type
from coterie.call import Failure
from coterie.contract import Contract, Struct, anyone, describe, post

JSON = {b"content-type": b"application/json"}
# Seconds of processor time that a refusal may cost on top of the typed decoding.
EXTRA = 0.2


class Tree(Struct):
    v: int
    c: "list[Tree]"


class Pair(Struct):
    n: int
    price: int


class Hostile(Contract, version="1.0"):
    """Takes large bodies."""

    @post("/tree", allow=anyone)
    async def tree(self, body: Tree) -> str: ...

    @post("/pairs", allow=anyone)
    async def pairs(self, body: list[Pair]) -> str: ...

    @post("/numbers", allow=anyone)
    async def numbers(self, body: list[int]) -> str: ...


OPERATIONS = {operation.name: operation for operation in describe(Hostile).operations}
HINTS: dict[str, Any] = {"tree": Tree, "pairs": list[Pair], "numbers": list[int]}

NESTED = (
    b'{"v":1,"c":[' * 14 + b",".join([b'{"v":1,"c":[]}'] * 60_000) + b',{"v":"x"}' + b"]}" * 14,
    "#" + "/c/0" * 13 + "/c/60000/v",
)
FLAT = (
    b"[" + b",".join([b'{"n":1,"price":1}'] * 55_000) + b',{"n":"x","price":1}]',
    "#/55000/n",
)
POINTED = (b"[" + b"1.0," * 200_000 + b'"x"]', "#/200000")


def costs(*works: Callable[[], object]) -> list[float]:
    """Seconds of this thread, the least of some turns: others use the processor, its caches, memory.

    They take turns, since memory that was in use just before costs less to have.
    """

    def once(work: Callable[[], object]) -> float:
        begun = time.thread_time()
        work()
        return time.thread_time() - begun

    return [min(turn) for turn in zip(*(map(once, works) for _ in range(6)), strict=True)]


def refusal(name: str, body: bytes) -> Failure:
    """What the reader says to a body it does not take."""
    with pytest.raises(Failure) as caught:
        ArgumentReader(OPERATIONS[name]).read(Request({}, b"", JSON, body))
    return caught.value


@pytest.mark.parametrize(
    ("name", "hostile"),
    [("tree", NESTED), ("pairs", FLAT), ("numbers", POINTED)],
    ids=["nested", "flat", "pointed"],
)
def test_a_large_wrong_body_is_cheap_to_refuse(name: str, hostile: tuple[bytes, str]) -> None:
    """However it is built, and the mistake is named with its place all the same."""
    body, pointer = hostile

    def typed() -> None:
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(body, type=HINTS[name])

    failure = refusal(name, body)
    assert failure.status == 400
    assert [violation.pointer for violation in failure.violations] == [pointer]
    refused, decoded = costs(lambda: refusal(name, body), typed)
    assert refused < decoded + EXTRA


def test_the_search_for_mistakes_ends() -> None:
    """Parts beyond its reach are told by the first mistake alone, at its place."""
    wrong = [{"n": 1, "price": 1}] * 3000 + [{"n": "x", "price": "x"}]
    body = msgspec.json.encode(wrong)
    assert len(body) < 65536
    failure = refusal("pairs", body)
    assert [violation.pointer for violation in failure.violations] == ["#/3000/n", "#/3000/price"]
    body = b"[" + b"1," * 20_000 + b'"x","y"]'
    assert [violation.pointer for violation in refusal("numbers", body).violations] == ["#/20000"]


ASKED: list[tuple[Callable[[bytes], object], str]] = [
    (of_content_type, "_of_content_type"),
    (negotiate, "_negotiate"),
    (lambda value: accepts(value, "text/html"), "_accepts"),
]


@pytest.mark.parametrize(("ask", "cache"), ASKED, ids=[name for _, name in ASKED])
def test_caches_keep_no_values_of_a_stranger_s_size(
    ask: Callable[[bytes], object], cache: str
) -> None:
    """Long headers are understood like short ones, and forgotten; silly ones are refused."""
    kept = getattr(media, cache).cache_info
    kind = b"text/html" if cache == "_accepts" else b"application/json"
    before = kept().currsize
    ask(kind + b";a=" + b"l" * 1000)
    assert kept().currsize == before
    ask(kind + b";a=" + cache.encode())
    assert kept().currsize == before + 1
    with pytest.raises(Failure) as caught:
        ask(kind + b";a=" + b"l" * 9000)
    assert caught.value.status == (400 if cache == "_of_content_type" else 406)
