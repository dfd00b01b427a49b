"""Forged tokens: each differs from a valid one in one thing, and each is refused.

Most are signed with the issuer's real key, so that nothing but the check in question can refuse
them. Sources: RFC 8725 (JWT best practices), RFC 7515, RFC 7519, RFC 9068.
"""

import hashlib
import hmac
import json
import string
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coterie.identity import InvalidToken, SigningKeys, TokenIssuer, TokenVerifier

from .conftest import AUDIENCE, ISSUER, NOW, Clock, Forge, b64, es256, private, unb64

Forgery = Callable[[Forge], str]

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256, FIPS 186-4


def changed(**header: Any) -> Forgery:
    """Members of the header changed or added; signed with the real key."""
    return lambda forge: forge.token({**forge.header, **header})


def lacking(name: str) -> Forgery:
    def make(forge: Forge) -> str:
        header = forge.header
        del header[name]
        return forge.token(header)

    return make


def claim(**claims: Any) -> Forgery:
    return lambda forge: forge.token(**claims)


def payload(content: bytes) -> Forgery:
    return lambda forge: forge.token(claims=content)


def raw(old: bytes, new: bytes) -> Forgery:
    """The valid payload with some bytes replaced; signed with the real key."""

    def make(forge: Forge) -> str:
        content = json.dumps(forge.claims).encode()
        assert old in content
        return forge.token(claims=content.replace(old, new, 1))

    return make


def signature(change: Callable[[bytes], bytes]) -> Forgery:
    def make(forge: Forge) -> str:
        content, _, signed = forge.token().rpartition(".")
        return f"{content}.{b64(change(unb64(signed)))}"

    return make


def text(change: Callable[[str], str]) -> Forgery:
    return lambda forge: change(forge.token())


def hs256(secret: Callable[[Forge], bytes], **header: Any) -> Forgery:
    """Signed with HMAC under something public, for a verifier that takes it for a secret."""

    def make(forge: Forge) -> str:
        protected = json.dumps({**forge.header, "alg": "HS256", **header}).encode()
        content = f"{b64(protected)}.{b64(json.dumps(forge.claims).encode())}"
        return f"{content}.{b64(hmac.digest(secret(forge), content.encode(), 'sha256'))}"

    return make


def pem(forge: Forge) -> bytes:
    public = private(forge.keys).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def attacker_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    x, y = b64(numbers.x.to_bytes(32)), b64(numbers.y.to_bytes(32))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def own_key(with_header: Callable[[dict[str, str]], dict[str, Any]]) -> Forgery:
    """Signed with the attacker's key, which the header asks to be used."""

    def make(forge: Forge) -> str:
        key = ec.generate_private_key(ec.SECP256R1())
        return forge.token({**forge.header, **with_header(attacker_jwk(key))}, key=key)

    return make


def rs256(forge: Forge) -> str:
    key = rsa.generate_private_key(65537, 2048)
    protected = json.dumps({**forge.header, "alg": "RS256"}).encode()
    content = f"{b64(protected)}.{b64(json.dumps(forge.claims).encode())}"
    return f"{content}.{b64(key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def der(signed: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(signed[:32]), int.from_bytes(signed[32:]))


def spare_bits(token: str) -> str:
    """The same bytes written with the unused last bits set: another text, once accepted alike."""
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    last = alphabet[alphabet.index(token[-1]) | 1]
    assert last != token[-1]
    assert unb64(token[:-1].rpartition(".")[2] + last) == unb64(token.rpartition(".")[2])
    return token[:-1] + last


def other_alphabet(forge: Forge) -> str:
    """A payload whose base64url has a `-` or `_`, written with `+` and `/`."""
    token = forge.token(jti="\u00ff\u00bf~~~???>>>")
    head, middle, tail = token.split(".")
    assert "-" in middle or "_" in middle
    return f"{head}.{middle.replace('-', '+').replace('_', '/')}.{tail}"


def padded(part: int) -> Callable[[str], str]:
    def change(token: str) -> str:
        pieces = token.split(".")
        pieces[part] += "=" * (-len(pieces[part]) % 4) or "===="
        return ".".join(pieces)

    return change


def swapped(forge: Forge) -> str:
    """Claims of one token under the signature of another."""
    head, middle, _ = forge.token(roles=["admin"]).split(".")
    return f"{head}.{middle}.{forge.token().rpartition('.')[2]}"


def wrong_key_named(forge: Forge) -> str:
    """Signed with one known key in the name of another."""
    return forge.token({**forge.header, "kid": forge.keys.private_jwks()["keys"][1]["kid"]})


def nested(forge: Forge) -> str:
    return forge.token({**forge.header, "cty": "JWT"}, forge.token().encode())


def nested_plainly(forge: Forge) -> str:
    return forge.token(claims=json.dumps(forge.token()).encode())


def as_json(forge: Forge) -> str:
    """The same signature in the JSON serialization (RFC 7515, 7.2.2)."""
    head, middle, tail = forge.token().split(".")
    return json.dumps({"protected": head, "payload": middle, "signature": tail})


def without_signature(alg: str) -> Forgery:
    return lambda forge: forge.token({**forge.header, "alg": alg}, signature=b"")


def too_long(forge: Forge) -> str:
    token = forge.token(note="x" * 6200)
    assert len(token) > 8192
    return token


def header_bytes(content: bytes) -> Forgery:
    return lambda forge: forge.token(content)


def doubled_header(forge: Forge) -> str:
    content = json.dumps(forge.header)
    return forge.token(content.replace("{", '{"alg": "none", ', 1).encode())


def remote_timestamped(forge: Forge) -> str:
    return forge.token({**forge.header, "crit": ["b64"], "b64": False})


SIGNATURES_AND_KEYS: dict[str, Forgery] = {
    "alg none, no signature": without_signature("none"),
    "alg None": without_signature("None"),
    "alg nOnE": without_signature("nOnE"),
    "alg empty": without_signature(""),
    "alg none, signature kept": changed(alg="none"),
    "real alg, no signature": without_signature("ES256"),
    "HS256 with the public key as PEM": hs256(pem),
    "HS256 with the published coordinate": hs256(
        lambda forge: unb64(forge.keys.public.jwks()["keys"][0]["x"])
    ),
    "HS256 with the published document": hs256(
        lambda forge: json.dumps(forge.keys.public.jwks()).encode()
    ),
    "HS256 with an empty secret": hs256(lambda forge: b""),
    "HS256 with the empty file its kid names": hs256(lambda forge: b"", kid="../../dev/null"),
    "HS256 with the kid": hs256(lambda forge: forge.keys.kid.encode()),
    "RS256 with an own key": rs256,
    "alg ES384": changed(alg="ES384"),
    "alg es256": changed(alg="es256"),
    "alg in a list": changed(alg=["ES256"]),
    "alg null": changed(alg=None),
    "alg missing": lacking("alg"),
    "alg twice": doubled_header,
    "own key, known kid": own_key(lambda jwk: {}),
    "own key embedded (jwk)": own_key(lambda jwk: {"jwk": jwk}),
    "own key, kid of its own": own_key(lambda jwk: {"kid": "attacker"}),
    "own key by address (jku)": own_key(lambda jwk: {"jku": "https://attacker.example/jwks"}),
    "own key by address (x5u)": own_key(lambda jwk: {"x5u": "https://attacker.example/x"}),
    "own certificate (x5c)": own_key(lambda jwk: {"x5c": ["MIIB"]}),
    "jwk, real signature": changed(jwk={"kty": "oct", "k": "AAAA"}),
    "jku, real signature": changed(jku="https://attacker.example/jwks"),
    "x5u, real signature": changed(x5u="https://attacker.example/x"),
    "kid unknown": changed(kid="unknown"),
    "kid missing": lacking("kid"),
    "kid null": changed(kid=None),
    "kid a list": changed(kid=["a"]),
    "kid with a path": changed(kid="../../../../etc/passwd"),
    "kid with SQL": changed(kid="' UNION SELECT 'key"),
    "kid of another known key": wrong_key_named,
    "signature of another token": swapped,
    "signature all zero (CVE-2022-21449)": signature(lambda _: bytes(64)),
    "signature r = 0": signature(lambda signed: bytes(32) + signed[32:]),
    "signature s = 0": signature(lambda signed: signed[:32] + bytes(32)),
    "signature r and s the order": signature(lambda _: ORDER.to_bytes(32) * 2),
    "signature s plus the order, shifted": signature(
        lambda signed: signed[:32] + ((int.from_bytes(signed[32:]) + ORDER) % 2**256).to_bytes(32)
    ),
    "signature DER": signature(der),
    "signature cut": signature(lambda signed: signed[:-1]),
    "signature longer": signature(lambda signed: signed + b"\0"),
    "signature with leading zero": signature(lambda signed: b"\0" + signed),
    "signature halves exchanged": signature(lambda signed: signed[32:] + signed[:32]),
    "signature twice": signature(lambda signed: signed * 2),
    "signature a hash": signature(lambda _: hashlib.sha512(b"").digest()),
}

HEADERS: dict[str, Forgery] = {
    "crit of a known name": changed(crit=["exp"], exp=NOW + 900),
    "crit of an unknown name": changed(
        crit=["http://example.com/x"], **{"http://example.com/x": 1}
    ),
    "crit empty": changed(crit=[]),
    "unencoded payload (b64)": remote_timestamped,
    "compressed (zip)": changed(zip="DEF"),
    "encrypted (enc)": changed(enc="A256GCM"),
    "nested (cty JWT)": nested,
    "nested without saying so": nested_plainly,
    "a header nobody knows": changed(admin=True),
    "typ of an ID token": changed(typ="JWT"),
    "typ of a logout token": changed(typ="logout+jwt"),
    "typ of a DPoP proof": changed(typ="dpop+jwt"),
    "typ empty": changed(typ=""),
    "typ missing": lacking("typ"),
    "typ null": changed(typ=None),
    "typ with something behind": changed(typ="at+jwt; x"),
    "header an array": header_bytes(b'["ES256"]'),
    "header a text": header_bytes(b'"ES256"'),
    "header null": header_bytes(b"null"),
    "header not JSON": header_bytes(b"alg=ES256"),
    "header not UTF-8": header_bytes(b'{"alg": "\xff"}'),
    "header too deep": header_bytes(b"[" * 3000),
}

WRITINGS: dict[str, Forgery] = {
    "empty": text(lambda token: ""),
    "dots alone": text(lambda token: ".."),
    "two parts": text(lambda token: token.rpartition(".")[0]),
    "no signature, dot kept": text(lambda token: token.rpartition(".")[0] + "."),
    "four parts": text(lambda token: token + ".AAAA"),
    "five parts, as if encrypted": text(lambda token: token + ".AAAA.AAAA"),
    "dot behind": text(lambda token: token + "."),
    "dot before": text(lambda token: "." + token),
    "garbage behind": text(lambda token: token + "AAAA"),
    "line end behind": text(lambda token: token + "\n"),
    "line end within": text(lambda token: token[:20] + "\n" + token[20:]),
    "blank before": text(lambda token: " " + token),
    "scheme before": text(lambda token: "Bearer " + token),
    "NUL behind": text(lambda token: token + "\0"),
    "full-width dot": text(lambda token: token.replace(".", "\uff0e", 1)),
    "letter of another script": text(lambda token: token.replace("e", "\u0435", 1)),
    "digit of another script": text(lambda token: token[:-1] + "\u0664"),
    "header padded": text(padded(0)),
    "payload padded": text(padded(1)),
    "signature padded": text(padded(2)),
    "other alphabet": other_alphabet,
    "spare bits set": text(spare_bits),
    "upper case": text(str.upper),
    "twice": text(lambda token: token + token),
    "JSON serialization": as_json,
    "too long": too_long,
    "far too long": text(lambda token: token + "A" * 100_000),
}

CLAIMS: dict[str, Forgery] = {
    "exp missing": claim(without="exp"),
    "exp null": claim(exp=None),
    "exp a text": claim(exp="9999999999"),
    "exp true": claim(exp=True),
    "exp a list": claim(exp=[NOW + 900]),
    "exp past": claim(iat=NOW - 1000, exp=NOW - 30),
    "exp negative": claim(exp=-1),
    "exp absurdly far": claim(exp=NOW + 86_401),
    "exp in the year 5138": claim(exp=99_999_999_999),
    "exp beyond all numbers": claim(exp=10**400),
    "exp NaN": raw(b'"exp": 1700000900', b'"exp": NaN'),
    "exp Infinity": raw(b'"exp": 1700000900', b'"exp": Infinity'),
    "exp 1e999": raw(b'"exp": 1700000900', b'"exp": 1e999'),
    "NaN anywhere": raw(b'"jti": "one"', b'"a": NaN'),
    "-Infinity anywhere": raw(b'"jti": "one"', b'"a": [-Infinity]'),
    "exp before iat": claim(iat=NOW + 20, exp=NOW + 10),
    "exp twice": raw(b'"exp": 1700000900', b'"exp": 1, "exp": 1700000900'),
    "iat missing": claim(without="iat"),
    "iat a text": claim(iat="0"),
    "iat in the future": claim(iat=NOW + 31, exp=NOW + 900),
    "iat long ago": claim(iat=0),
    "nbf in the future": claim(nbf=NOW + 31),
    "nbf null": claim(nbf=None),
    "nbf a text": claim(nbf="0"),
    "iss missing": claim(without="iss"),
    "iss null": claim(iss=None),
    "iss another": claim(iss="https://attacker.example"),
    "iss with a slash": claim(iss=ISSUER + "/"),
    "iss in capitals": claim(iss=ISSUER.upper()),
    "iss a list": claim(iss=[ISSUER]),
    "iss twice": raw(b'{"iss"', b'{"iss": "https://attacker.example", "iss"'),
    "aud missing": claim(without="aud"),
    "aud null": claim(aud=None),
    "aud another": claim(aud="another"),
    "aud longer": claim(aud=AUDIENCE + "s"),
    "aud shorter": claim(aud=AUDIENCE[:-1]),
    "aud empty": claim(aud=""),
    "aud empty list": claim(aud=[]),
    "aud list of others": claim(aud=["a", "b"]),
    "aud list with a number": claim(aud=[AUDIENCE, 1]),
    "aud list in a list": claim(aud=[[AUDIENCE]]),
    "aud an object": claim(aud={AUDIENCE: True}),
    "sub missing": claim(without="sub"),
    "sub null": claim(sub=None),
    "sub empty": claim(sub=""),
    "sub a number": claim(sub=42),
    "sub a list": claim(sub=["42"]),
    "sub twice": raw(b'"sub": "42"', b'"sub": "42", "sub": "1"'),
    "sub twice, once escaped": raw(b'"sub": "42"', b'"sub": "42", "s\\u0075b": "1"'),
    "sub a lone surrogate": raw(b'"sub": "42"', b'"sub": "\\ud800"'),
    "jti a number": claim(jti=1),
    "scope a list": claim(scope=["admin"]),
    "scope null": claim(scope=None),
    "roles a text": claim(roles="admin"),
    "roles an object": claim(roles={"admin": True}),
    "roles with a number": claim(roles=["admin", 1]),
    "roles null": claim(roles=None),
    "a name twice, deep inside": raw(b'"jti": "one"', b'"a": [{"b": 1, "b": 2}]'),
    "payload empty object": payload(b"{}"),
    "payload an array": payload(b"[]"),
    "payload a text": payload(b'"42"'),
    "payload null": payload(b"null"),
    "payload not JSON": payload(b"sub=42"),
    "payload not UTF-8": raw(b'"42"', b'"\xff"'),
    "payload UTF-16": lambda forge: forge.token(claims=json.dumps(forge.claims).encode("utf-16")),
    "payload with a byte order mark": raw(b"{", b"\xef\xbb\xbf{"),
    "payload with something behind": raw(b"]}", b"]}{}"),
    "payload with a comment": raw(b"{", b"{/**/"),
    "payload with a control character": raw(b'"42"', b'"4\n2"'),
    "payload too deep": raw(b'"jti": "one"', b'"a": ' + b"[" * 2500 + b"]" * 2500),
    "payload with objects too deep": raw(
        b'"jti": "one"', b'"a": ' + b'{"":' * 900 + b"1" + b"}" * 900
    ),
    "payload with a number of 5,000 digits": raw(b'"jti": "one"', b'"a": ' + b"1" * 5000),
}

FORGERIES = {**SIGNATURES_AND_KEYS, **HEADERS, **WRITINGS, **CLAIMS}


def test_there_are_enough_kinds() -> None:
    """No name hides another, and there are well over the thirty kinds that are asked for."""
    assert len(FORGERIES) == sum(map(len, (SIGNATURES_AND_KEYS, HEADERS, WRITINGS, CLAIMS)))
    assert len(FORGERIES) >= 150


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_token_is_refused(forge: Forge, verifier: TokenVerifier, forgery: Forgery) -> None:
    """With a reason that quotes nothing of it, however often it is tried.

    Control: the token it was made from is accepted, before and after.
    """
    valid = forge.token()
    assert verifier.verify(valid).subject == "42"
    forged = forgery(forge)
    assert forged != valid
    for _ in range(2):
        with pytest.raises(InvalidToken) as caught:
            verifier.verify(forged)
        assert not any(part in caught.value.message for part in forged.split(".") if len(part) > 8)
        assert caught.value.reason.isascii()
        assert '"' not in caught.value.reason
        assert "\\" not in caught.value.reason
    assert verifier.verify(valid).subject == "42"


def test_the_forge_makes_valid_tokens(forge: Forge, clock: Clock) -> None:
    """Control of all the above: unchanged, each way to build a token gives one that passes."""
    unchanged: list[Forgery] = [
        changed(),
        claim(),
        raw(b"{", b"{"),
        signature(lambda signed: signed),
        text(lambda token: token),
        lambda forge: forge.token(json.dumps(forge.header).encode()),
        lambda forge: forge.token(note="x" * 4000),
    ]
    for make in unchanged:
        verifier = TokenVerifier(forge.keys.public, ISSUER, AUDIENCE, clock=clock)
        assert verifier.verify(make(forge)).subject == "42"


def test_another_issuers_keys_do_not_help(forge: Forge, clock: Clock) -> None:
    """A token made right in every detail, by somebody else."""
    stranger = Forge(SigningKeys.generate())
    token = stranger.token()
    TokenVerifier(stranger.keys.public, ISSUER, AUDIENCE, clock=clock).verify(token)
    with pytest.raises(InvalidToken, match="key that is not known"):
        TokenVerifier(forge.keys.public, ISSUER, AUDIENCE, clock=clock).verify(token)


def test_a_signature_that_could_be_turned_round_changes_nothing(
    forge: Forge, verifier: TokenVerifier
) -> None:
    """ECDSA: whoever holds a token can write its signature in one other way. It says the same.

    So a list of revoked tokens must go by `jti`; this test notes what is true, not a defence.
    """
    token = forge.token()
    content, _, signed = token.rpartition(".")
    r, s = unb64(signed)[:32], int.from_bytes(unb64(signed)[32:])
    turned = f"{content}.{b64(r + (ORDER - s).to_bytes(32))}"
    assert turned != token
    assert verifier.verify(turned) == verifier.verify(token)
    assert verifier.verify(turned).claims["jti"] == verifier.verify(token).claims["jti"]


# --- Any change at all -------------------------------------------------------------------------

_KEYS = SigningKeys.generate()
_CLOCK = Clock()
_VERIFIER = TokenVerifier(_KEYS.public, ISSUER, AUDIENCE, clock=_CLOCK)
_TOKEN = TokenIssuer(_KEYS, ISSUER, AUDIENCE, clock=_CLOCK).issue("42", ["a"], ["b"]).access_token

_quick = settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
_places = st.integers(0, len(_TOKEN) - 1)
_characters = st.one_of(
    st.sampled_from(string.ascii_letters + string.digits + "-_.=+/ \n\t\0"),
    st.characters(exclude_categories=()),
)


def refused(token: str) -> bool:
    try:
        _VERIFIER.verify(token)
    except InvalidToken:
        return True
    return False


def test_the_token_that_is_changed_below_is_valid() -> None:
    """Control."""
    assert not refused(_TOKEN)


@_quick
@given(_places, _characters)
def test_no_character_can_be_replaced(place: int, character: str) -> None:
    """At any place, by any character, the last one's spare bits included."""
    changed = _TOKEN[:place] + character + _TOKEN[place + 1 :]
    assert refused(changed) is (changed != _TOKEN)


@_quick
@given(_places, _characters)
def test_no_character_can_be_added(place: int, character: str) -> None:
    assert refused(_TOKEN[:place] + character + _TOKEN[place:])
    assert refused(_TOKEN + character)


@_quick
@given(_places)
def test_no_character_can_be_left_out(place: int) -> None:
    assert refused(_TOKEN[:place] + _TOKEN[place + 1 :])


@_quick
@given(_places, _places)
def test_no_two_characters_can_be_exchanged(one: int, other: int) -> None:
    characters = list(_TOKEN)
    characters[one], characters[other] = characters[other], characters[one]
    changed = "".join(characters)
    assert refused(changed) is (changed != _TOKEN)


@_quick
@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_any_text_is_answered_with_a_refusal_and_never_a_crash(content: str) -> None:
    assert refused(content)


@_quick
@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=70))
def test_any_bytes_in_the_shape_of_a_token_are_refused(a: bytes, b: bytes, c: bytes) -> None:
    assert refused(f"{b64(a)}.{b64(b)}.{b64(c)}")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@_quick
@given(st.sampled_from(["iss", "sub", "aud", "exp", "iat"]), _json)
def test_a_signed_claim_of_any_other_type_is_refused_or_right(name: str, value: Any) -> None:
    """The issuer itself may err: whatever it signs, the answer is a principal or a refusal."""
    header = json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": _KEYS.kid}).encode()
    own = Forge(_KEYS).claims
    claims = {**own, name: value}
    content = f"{b64(header)}.{b64(json.dumps(claims).encode())}"
    token = f"{content}.{b64(es256(private(_KEYS), content.encode()))}"
    right = name == "sub" and isinstance(value, str) and bool(value)
    # Chance may hit on what is right: a number equal to ours, our audience alone or in a list.
    right = right or (type(value), value) == (type(own[name]), own[name])
    right = right or (name == "aud" and isinstance(value, list) and own["aud"] in value)
    if not right:
        assert refused(token)
