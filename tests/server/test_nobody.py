"""Requests of nobody, where somebody is asked for: refused before anything is read for them."""

import pytest

from coterie.contract import Rule, anyone, authenticated, role
from tests.server.kit import request, site_of

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("rule", [authenticated, role("admin")])
@pytest.mark.parametrize("body", [b"", b"{", b'{"text": 1}', b"x" * 100_000])
async def test_nobody_learns_nothing_of_what_is_wrong(rule: Rule, body: bytes) -> None:
    """401 with a challenge, whatever the body, which is neither decoded nor measured."""
    async with site_of(rule=rule) as site:
        answer = await site.ask("POST", "/notes", body, JSON)
        assert (answer.status, answer["www-authenticate"]) == (401, "Bearer")
        assert answer.json["code"] == "unauthenticated"


@pytest.mark.parametrize("length", [3_000_000])
async def test_a_long_body_of_nobody_is_not_read(length: int) -> None:
    """The answer arrives, and the connection ends; nothing was begun."""
    async with site_of(rule=authenticated) as site, await site.talk() as talk:
        talk.say(request("POST", "/upload", bytes(length)))
        answer = await talk.answer()
        assert (answer.status, answer["connection"]) == (401, "close")
        assert await talk.rest() == b""
        assert site.lab.calls == []


@pytest.mark.parametrize("rule", [None, anyone])
async def test_control_where_nobody_is_welcome_the_body_is_read(rule: Rule | None) -> None:
    """Control: without a rule, or with one for anyone, the mistake is told."""
    async with site_of(rule=rule) as site:
        assert (await site.ask("POST", "/notes", b"{", JSON)).status == 400


async def test_who_brings_a_token_is_told_what_is_wrong() -> None:
    """Whether it is a good one is not decided here."""
    async with site_of(rule=authenticated) as site:
        headers = {**JSON, "authorization": "Bearer x"}
        assert (await site.ask("POST", "/notes", b"{", headers)).status == 400


async def test_health_is_for_nobody_too() -> None:
    """What no operation answers has no rule."""
    async with site_of(rule=authenticated) as site:
        assert await site.alive()
        assert (await site.ask("GET", "/nowhere")).status == 404
