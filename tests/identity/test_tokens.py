"""Tokens that are what they say: issued, read, remembered, and over when they say."""

import dataclasses
import json
import pickle
import re
import threading
from typing import Any

import pytest
from joserfc.jwk import ECKey

from coterie.call import Failure
from coterie.contract import Code
from coterie.identity import InvalidToken, PublicKeys, SigningKeys, TokenIssuer, TokenVerifier

from .conftest import AUDIENCE, ISSUER, NOW, Clock, Forge, unb64


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, payload, _ = token.split(".")
    return json.loads(unb64(header)), json.loads(unb64(payload))


# --- Issued ------------------------------------------------------------------------------------


def test_a_token_has_the_members_of_rfc_9068(issuer: TokenIssuer, keys: SigningKeys) -> None:
    token = issuer.issue("42", ["orders:read", "orders:write"], ["admin"], client_id="web")
    header, claims = parts(token.access_token)
    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": keys.kid}
    assert re.fullmatch(r"[\w-]{22}", claims.pop("jti"))
    assert claims == {
        "iss": ISSUER,
        "sub": "42",
        "aud": AUDIENCE,
        "iat": NOW,
        "exp": NOW + 900,
        "scope": "orders:read orders:write",
        "roles": ["admin"],
        "client_id": "web",
    }
    assert (token.token_type, token.expires_in) == ("Bearer", 900)


def test_no_two_tokens_are_the_same(issuer: TokenIssuer) -> None:
    """Each has a `jti` of its own, by which it can be told from others and revoked."""
    names = {parts(issuer.issue("42").access_token)[1]["jti"] for _ in range(100)}
    assert len(names) == 100


def test_who_it_was_issued_for_is_who_it_speaks_for(
    issuer: TokenIssuer, verifier: TokenVerifier
) -> None:
    token = issuer.issue("42", ["a", "b"], ["admin"], client_id="web").access_token
    principal = verifier.verify(token)
    assert principal.subject == "42"
    assert principal.scopes == {"a", "b"}
    assert principal.roles == {"admin"}
    assert principal.issuer == ISSUER
    assert principal.claims["client_id"] == "web"


def test_a_token_without_scopes_and_roles_gives_none(
    issuer: TokenIssuer, verifier: TokenVerifier
) -> None:
    principal = verifier.verify(issuer.issue("42").access_token)
    assert principal.scopes == principal.roles == frozenset()


def test_a_token_is_never_shown(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    """Neither the answer of a login nor a principal writes it into a log."""
    token = issuer.issue("42")
    assert token.access_token not in repr(token)
    assert token.access_token not in repr(verifier.verify(token.access_token))


@pytest.mark.parametrize(
    "scopes",
    [["two words"], ["a\tb"], ['"'], ["back\\slash"], [""], ["ä"], ["a\n"], "orders:read"],
    ids=repr,
)
def test_a_scope_cannot_smuggle_in_another(issuer: TokenIssuer, scopes: Any) -> None:
    """Scopes travel as one text with blanks between (RFC 6749, 3.3)."""
    with pytest.raises(ValueError, match="scope"):
        issuer.issue("42", scopes)


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope"])
def test_claims_of_the_issuer_cannot_be_overwritten(issuer: TokenIssuer, name: str) -> None:
    further: dict[str, Any] = {name: "x"}
    with pytest.raises(ValueError, match=f"the issuer sets {name}"):
        issuer.issue("42", **further)


def test_what_could_not_be_used_is_not_issued(issuer: TokenIssuer, keys: SigningKeys) -> None:
    with pytest.raises(ValueError, match="subject"):
        issuer.issue("")
    with pytest.raises(ValueError, match="one text"):
        issuer.issue("42", roles="admin")
    with pytest.raises(ValueError, match="claim less"):
        issuer.issue("42", note="x" * 8192)
    for lifetime in (0, -1, 86_401):
        with pytest.raises(ValueError, match="lifetime"):
            TokenIssuer(keys, ISSUER, AUDIENCE, lifetime=lifetime)
    with pytest.raises(ValueError, match="audience"):
        TokenIssuer(keys, ISSUER, "")


def test_a_verifier_that_would_let_all_pass_cannot_be_made(keys: SigningKeys) -> None:
    with pytest.raises(ValueError, match="issuer"):
        TokenVerifier(keys.public, "", AUDIENCE)
    with pytest.raises(ValueError, match="audience"):
        TokenVerifier(keys.public, ISSUER, "")
    for leeway in (-1.0, 301.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="leeway"):
            TokenVerifier(keys.public, ISSUER, AUDIENCE, leeway=leeway)
    for longest in (0.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="longest"):
            TokenVerifier(keys.public, ISSUER, AUDIENCE, longest=longest)


# --- Read --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["other", AUDIENCE]},
        {"exp": NOW + 0.5},
        {"iat": NOW + 29},
        {"nbf": NOW + 29},
        {"exp": NOW - 29, "iat": NOW - 900},
        {"exp": NOW + 86_400},
        {"scope": ""},
        {"scope": " a  b "},
        {"roles": []},
        {"groups": [{"deep": ["er"]}]},
    ],
    ids=str,
)
def test_unusual_but_right_tokens_pass(
    forge: Forge, verifier: TokenVerifier, changes: dict[str, Any]
) -> None:
    """RFC 7519: several audiences, fractions of seconds, a leeway for clocks that differ."""
    assert verifier.verify(forge.token(**changes)).subject == "42"


@pytest.mark.parametrize("kind", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_type_may_be_written_as_a_media_type(
    forge: Forge, verifier: TokenVerifier, kind: str
) -> None:
    assert verifier.verify(forge.token({**forge.header, "typ": kind})).subject == "42"


def test_blanks_in_a_scope_are_only_blanks(forge: Forge, verifier: TokenVerifier) -> None:
    """Another kind of space does not divide, so nothing can be made to look like two scopes."""
    principal = verifier.verify(forge.token(scope="a  b c\u00a0d e\tf"))
    assert principal.scopes == {"a", "b", "c\u00a0d", "e\tf"}


def test_a_refusal_is_a_401_that_says_why_and_quotes_nothing(
    forge: Forge, verifier: TokenVerifier
) -> None:
    """RFC 6750, 3: the header tells a client to get a new token."""
    token = forge.token(exp=NOW - 900, iat=NOW - 1800)
    with pytest.raises(InvalidToken) as caught:
        verifier.verify(token)
    error = caught.value
    assert isinstance(error, Failure)
    assert (error.code, error.status) == (Code.UNAUTHENTICATED, 401)
    assert error.reason == "it has expired"
    expected = 'Bearer error="invalid_token", error_description="it has expired"'
    assert error.headers == (("www-authenticate", expected),)
    assert not any(part in repr(error) + str(error) for part in token.split("."))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert (type(again), again.reason, again.headers) == (InvalidToken, error.reason, error.headers)


def test_tokens_of_the_key_before_are_good_until_it_falls_out(clock: Clock) -> None:
    """Rotation: the newest signs, all that are kept verify."""
    first = SigningKeys.generate()
    second = first.rotated()
    third = second.rotated()
    token = TokenIssuer(first, ISSUER, AUDIENCE, clock=clock).issue("42").access_token
    after = TokenIssuer(second, ISSUER, AUDIENCE, clock=clock).issue("42").access_token
    assert parts(after)[0]["kid"] == second.kid

    def verify(keys: SigningKeys, token: str) -> str:
        return TokenVerifier(keys.public, ISSUER, AUDIENCE, clock=clock).verify(token).subject

    assert verify(second, token) == verify(second, after) == verify(third, after) == "42"
    with pytest.raises(InvalidToken, match="key that is not known"):
        verify(third, token)


# --- Remembered --------------------------------------------------------------------------------


class Counting(PublicKeys):
    """Keys that count how often they are asked for, so how often a token is verified in full."""

    def __init__(self, keys: SigningKeys) -> None:
        super().__init__({keys.kid: ECKey.import_key(dict(keys.public.jwks()["keys"][0]))})
        self.asked = 0

    def find(self, kid: str) -> ECKey | None:
        self.asked += 1
        return super().find(kid)


@pytest.fixture
def counting(keys: SigningKeys) -> Counting:
    return Counting(keys)


def remembering(keys: Counting, clock: Clock, **options: Any) -> TokenVerifier:
    return TokenVerifier(keys, ISSUER, AUDIENCE, clock=clock, **options)


def test_a_token_used_again_is_not_verified_again(
    counting: Counting, clock: Clock, issuer: TokenIssuer
) -> None:
    """Control: without a cache it is."""
    token = issuer.issue("42").access_token
    verifier = remembering(counting, clock)
    assert verifier.verify(token) is verifier.verify(token)
    assert counting.asked == 1
    verifier = remembering(counting, clock, cache_size=0)
    assert verifier.verify(token) == verifier.verify(token)
    assert counting.asked == 3


@pytest.mark.parametrize("leeway", [0.0, 30.0])
def test_what_is_remembered_is_over_when_the_token_is(
    counting: Counting, clock: Clock, issuer: TokenIssuer, leeway: float
) -> None:
    """To the second. Within the leeway it is verified in full each time, then refused."""
    token = issuer.issue("42").access_token
    verifier = remembering(counting, clock, leeway=leeway)
    verifier.verify(token)
    clock.now = NOW + 899.999
    verifier.verify(token)
    assert counting.asked == 1
    clock.now = NOW + 900
    if leeway:
        verifier.verify(token)
        verifier.verify(token)
        assert counting.asked == 3
        clock.now = NOW + 930
    with pytest.raises(InvalidToken, match="expired"):
        verifier.verify(token)


def test_refusals_are_not_remembered(counting: Counting, clock: Clock, forge: Forge) -> None:
    """A token that is not valid yet becomes valid, and a flood of bad ones fills no memory."""
    token = forge.token(nbf=NOW + 100)
    verifier = remembering(counting, clock)
    with pytest.raises(InvalidToken, match="not valid yet"):
        verifier.verify(token)
    assert len(verifier._cache) == 0
    clock.now = NOW + 100
    assert verifier.verify(token).subject == "42"


def test_the_tokens_used_last_are_remembered(
    counting: Counting, clock: Clock, issuer: TokenIssuer
) -> None:
    """The cache is bounded, and what was not used for longest goes first."""
    one, two, three = (issuer.issue("42").access_token for _ in range(3))
    verifier = remembering(counting, clock, cache_size=2)
    for token in (one, two, one, three):
        verifier.verify(token)
    assert (counting.asked, len(verifier._cache)) == (3, 2)
    verifier.verify(one)
    assert counting.asked == 3
    verifier.verify(two)
    assert counting.asked == 4


def test_each_verifier_remembers_for_itself(
    verifier: TokenVerifier, keys: SigningKeys, clock: Clock, issuer: TokenIssuer
) -> None:
    """What one audience took is not thereby good for another."""
    token = issuer.issue("42").access_token
    verifier.verify(token)
    with pytest.raises(InvalidToken, match="another audience"):
        TokenVerifier(keys.public, ISSUER, "other", clock=clock).verify(token)


def test_nobody_can_change_who_a_remembered_token_speaks_for(
    forge: Forge, verifier: TokenVerifier
) -> None:
    """The principal is shared by all calls of its token, so it is frozen throughout."""
    principal = verifier.verify(forge.token(groups=["a"], address={"city": "Delft"}))
    claims: Any = principal.claims
    with pytest.raises(TypeError):
        claims["roles"] = ["admin"]
    with pytest.raises(TypeError):
        claims["address"]["city"] = "Leiden"
    with pytest.raises(AttributeError):
        claims["groups"].append("admin")
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(principal, "subject", "1")  # noqa: B010  # the checkers forbid it plainly


def test_threads_may_share_a_verifier(keys: SigningKeys, clock: Clock, issuer: TokenIssuer) -> None:
    """A small cache under four threads: every answer is right, and the bound holds."""
    verifier = TokenVerifier(keys.public, ISSUER, AUDIENCE, clock=clock, cache_size=3)
    tokens = {str(n): issuer.issue(str(n)).access_token for n in range(6)}
    wrong: list[object] = []

    def use() -> None:
        try:
            for _ in range(50):
                wrong.extend(s for s, t in tokens.items() if verifier.verify(t).subject != s)
        except Exception as error:  # noqa: BLE001  # shown by the test itself
            wrong.append(error)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(verifier._cache) <= 3
