"""Other origins' pages: whom a browser lets in, and that it never sends credentials along."""

import pytest

from coterie.server import Cors
from tests.server.kit import Answer, made, site_of

SHOP = "https://shop.example"
EVIL = "https://evil.example"


def cors(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers if name.startswith("access-control")}


async def test_named_origins_are_let_in_and_others_are_not() -> None:
    """The browser looks for its own origin; caches are told that answers differ by it."""
    async with site_of(cors=Cors([SHOP, "http://localhost:3000"])) as site:
        for origin in (SHOP, "http://localhost:3000"):
            answer = await site.ask("GET", "/notes/1", headers={"origin": origin})
            assert answer["access-control-allow-origin"] == origin
            assert "location" in (answer["access-control-expose-headers"] or "")
            assert sorted(answer.all("vary")) == ["accept", "origin"]
        for origin in (EVIL, "null", f"{SHOP}.evil.example", SHOP.upper(), f"{SHOP}:444"):
            answer = await site.ask("GET", "/notes/1", headers={"origin": origin})
            assert cors(answer) == {}
            assert "origin" in answer.all("vary")


async def test_caches_are_told_even_by_answers_that_no_page_asked_for() -> None:
    """Or a copy made for a script without an origin would be shown to a page, and refused."""
    async with site_of(cors=Cors([SHOP])) as site:
        for method, target in [("GET", "/text"), ("GET", "/nowhere"), ("GET", "/health/live")]:
            assert (await site.ask(method, target)).all("vary") == ["origin"]


async def test_a_page_sees_errors_too() -> None:
    """A problem without these headers would be a riddle to the page's author."""
    async with site_of(cors=Cors([SHOP])) as site:
        for method, target, body, status in [
            ("GET", "/nowhere", b"", 404),
            ("GET", "/notes/9", b"", 404),
            ("DELETE", "/notes/1", b"", 405),
            ("POST", "/notes", b"{}", 400),
            ("POST", "/notes", made("x").ljust(20_000), 413),
            ("GET", "/fails?how=badly", b"", 500),
        ]:
            answer = await site.ask(method, target, body, {"origin": SHOP})
            assert (answer.status, answer["access-control-allow-origin"]) == (status, SHOP)


async def test_the_question_before_the_request_is_answered() -> None:
    """With what the path can, and with any header but cookies."""
    async with site_of(cors=Cors([SHOP])) as site:
        question = {
            "origin": SHOP,
            "access-control-request-method": "PUT",
            "access-control-request-headers": "content-type, authorization, x-part",
        }
        answer = await site.ask("OPTIONS", "/notes/1", headers=question)
        assert (answer.status, answer.body) == (204, b"")
        assert answer["access-control-allow-origin"] == SHOP
        assert answer["access-control-allow-methods"] == "GET, HEAD, OPTIONS, PUT"
        assert answer["access-control-allow-headers"] == "authorization, *"
        assert answer["access-control-max-age"] == "600"
        refused = await site.ask("OPTIONS", "/notes/1", headers={**question, "origin": EVIL})
        assert refused["access-control-allow-origin"] is None


async def test_any_origin_may_be_let_in_by_choice() -> None:
    """The same answer for all, so caches need not tell them apart."""
    async with site_of(cors=Cors(["*"])) as site:
        answer = await site.ask("GET", "/text", headers={"origin": EVIL})
        assert answer["access-control-allow-origin"] == "*"
        assert answer.all("vary") == []


async def test_credentials_are_never_allowed() -> None:
    """Whatever the origins: cookies prove nothing here."""
    for origins in (["*"], [SHOP]):
        async with site_of(cors=Cors(origins)) as site:
            for method in ("GET", "OPTIONS"):
                answer = await site.ask(
                    method,
                    "/text",
                    headers={"origin": SHOP, "access-control-request-method": "GET"},
                )
                assert answer["access-control-allow-origin"] is not None
                assert answer["access-control-allow-credentials"] is None


async def test_control_without_cors_no_page_is_let_in() -> None:
    """Control: only who asks for it gets it."""
    async with site_of() as site:
        for method in ("GET", "OPTIONS"):
            answer = await site.ask(
                method, "/text", headers={"origin": SHOP, "access-control-request-method": "GET"}
            )
            assert cors(answer) == {}
            assert answer.all("vary") == []


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "shop.example",
        "https://shop.example/",
        "https://shop.example/app",
        "https://",
        "a b://c",
    ],
)
def test_what_is_no_origin_is_refused(wrong: str) -> None:
    """An origin that no browser sends would let nobody in, silently."""
    with pytest.raises(ValueError, match="is no origin; write https://host"):
        Cors([wrong])
