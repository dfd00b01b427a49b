"""Instead of nothing: a value known beforehand, where a service is away, and only there."""

import pytest

from coterie.call import Failure, Reply, Sent
from coterie.contract import Code
from coterie.policy import fallback

from .library import Book, NoSuchBook, Shelf, Told, a_call

AWAY = [Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED]


@pytest.mark.parametrize("sent", Sent)
@pytest.mark.parametrize("code", AWAY)
async def test_a_service_that_is_away_is_answered_for(code: Code, sent: Sent) -> None:
    """However far the request got. Control: without the policy the caller meets the failure."""
    told = Told()
    away = Failure(code, "no", sent=sent)
    handler = fallback([Book("Dune", [])], told)(Shelf(away).handle)
    assert (await handler(a_call("books"))).value == [Book("Dune", [])]
    assert told.what == ["fallback answered"]
    with pytest.raises(Failure):
        await Shelf(away).handle(a_call("books"))


@pytest.mark.parametrize("code", [code for code in Code if code not in AWAY])
async def test_every_other_failure_is_an_answer(code: Code) -> None:
    """Who asks for what is not there, or may not be seen, is told so."""
    told = Told()
    refused = Failure(code, "no")
    with pytest.raises(Failure) as caught:
        await fallback([], told)(Shelf(refused).handle)(a_call("books"))
    assert caught.value is refused
    assert told.what == []


@pytest.mark.parametrize(
    "error", [NoSuchBook(1), Failure(Code.UNAVAILABLE, "closed", fault="closed"), KeyError()]
)
async def test_faults_and_defects_are_never_covered(error: Exception) -> None:
    """Those of the contract, and those of a newer one that this side does not know."""
    with pytest.raises(type(error)):
        await fallback(None)(Shelf(error).handle)(a_call())


async def test_what_is_answered_is_handed_on() -> None:
    """Be it empty."""
    assert (await fallback(7)(Shelf(Reply(None)).handle)(a_call())).value is None


async def test_each_caller_gets_a_copy_of_its_own() -> None:
    """What one of them does with it, the next does not find."""
    away = Failure(Code.UNAVAILABLE, "no")
    handler = fallback({"books": [Book("Dune", ["sand"])]})(Shelf(away, away).handle)
    first = (await handler(a_call("books"))).value
    first["books"][0].tags.append("spice")
    first["more"] = 1
    assert (await handler(a_call("books"))).value == {"books": [Book("Dune", ["sand"])]}
