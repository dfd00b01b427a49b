"""Keys: what is published, what is kept, and what happens to damaged ones."""

import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from coterie.identity import PublicKeys, SigningKeys

from .conftest import b64


def test_the_name_of_a_key_is_its_rfc_7638_thumbprint(keys: SigningKeys) -> None:
    """Anyone can compute the kid from the public numbers alone."""
    for entry in keys.public.jwks()["keys"]:
        canonical = f'{{"crv":"P-256","kty":"EC","x":"{entry["x"]}","y":"{entry["y"]}"}}'
        assert entry["kid"] == b64(hashlib.sha256(canonical.encode()).digest())


def test_the_public_document_says_what_rfc_7517_asks_and_nothing_private(
    keys: SigningKeys,
) -> None:
    """A JWKS may be shown to the world: no member of it is a secret."""
    document = keys.public.jwks()
    assert len(document["keys"]) == 2
    for entry in document["keys"]:
        assert entry.keys() == {"kty", "crv", "x", "y", "use", "alg", "kid"}
        assert (entry["kty"], entry["crv"]) == ("EC", "P-256")
        assert (entry["use"], entry["alg"]) == ("sig", "ES256")


def test_keys_show_names_and_never_numbers(keys: SigningKeys) -> None:
    """A log line with keys in it gives nothing away."""
    secret = keys.private_jwks()["keys"][0]["d"]
    assert secret not in repr(keys) + repr(keys.public) + repr(vars(keys.public))
    assert keys.kid in repr(keys)


def test_a_rotated_set_signs_with_the_newest_and_keeps_the_one_before() -> None:
    """Rotation puts a new key in front and drops the oldest beyond `keep`."""
    first = SigningKeys.generate()
    second = first.rotated()
    third = second.rotated()
    assert len({first.kid, second.kid, third.kid}) == 3
    assert second.public.find(first.kid) is not None
    assert third.public.find(second.kid) is not None
    assert third.public.find(first.kid) is None
    assert third.rotated(keep=3).public.find(second.kid) is not None


@pytest.mark.parametrize("keep", [-1, 0, 1, 65])
def test_a_rotation_that_would_refuse_tokens_in_use_is_refused(keep: int) -> None:
    with pytest.raises(ValueError, match="keep 2 to 64"):
        SigningKeys.generate().rotated(keep)


def test_keys_survive_being_written_down(keys: SigningKeys) -> None:
    again = SigningKeys.from_private_jwks(json.loads(json.dumps(keys.private_jwks())))
    assert again.kid == keys.kid
    assert again.private_jwks() == keys.private_jwks()


def test_a_published_set_verifies_as_the_keys_themselves(keys: SigningKeys) -> None:
    again = PublicKeys.from_jwks(json.loads(json.dumps(keys.public.jwks())))
    assert again.jwks() == keys.public.jwks()


def test_private_members_of_a_foreign_set_are_not_kept(keys: SigningKeys) -> None:
    """Whoever publishes a private key by mistake is not helped to publish it further."""
    again = PublicKeys.from_jwks(keys.private_jwks())
    assert again.jwks() == keys.public.jwks()
    for held in (again, keys.public):
        for name in (entry["kid"] for entry in held.jwks()["keys"]):
            key = held.find(name)
            assert key is not None
            assert not key.is_private


def test_keys_for_other_uses_are_passed_over(keys: SigningKeys) -> None:
    """RFC 7517, 5: a set may hold keys that this verifier has no use for."""
    ours = keys.public.jwks()["keys"][0]
    others: list[dict[str, Any]] = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "1"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "2"},
        {**ours, "use": "enc", "kid": "3"},
        {**ours, "alg": "ES384", "kid": "4"},
        {**ours, "crv": "P-384", "kid": "5"},
        {"kid": "6"},
    ]
    found = PublicKeys.from_jwks({"keys": [*others, ours]})
    assert len(found) == 1
    assert all(found.find(str(kid)) is None for kid in range(1, 7))


def test_a_key_without_a_name_goes_by_its_thumbprint(keys: SigningKeys) -> None:
    entry = keys.public.jwks()["keys"][0]
    unnamed = {name: value for name, value in entry.items() if name != "kid"}
    assert PublicKeys.from_jwks({"keys": [unnamed]}).find(entry["kid"]) is not None


def _changed(keys: SigningKeys, **changes: Any) -> dict[str, Any]:
    return {"keys": [{**keys.public.jwks()["keys"][0], **changes}]}


@pytest.mark.parametrize(
    "changes",
    [
        {"x": "AAAA"},
        {"x": "!!"},
        {"x": ""},
        {"x": None},
        {"y": 7},
        {"kid": 7},
        {"kid": None},
    ],
    ids=str,
)
def test_a_damaged_public_key_is_an_error_and_not_a_crash(
    keys: SigningKeys, changes: dict[str, Any]
) -> None:
    """Control: the same set unchanged is taken."""
    assert len(PublicKeys.from_jwks(_changed(keys))) == 1
    with pytest.raises(ValueError, match="key"):
        PublicKeys.from_jwks(_changed(keys, **changes))


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": "abc"}, {"keys": []}], ids=str)
def test_a_document_without_usable_keys_is_an_error(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="JWK set"):
        PublicKeys.from_jwks(document)


def test_two_keys_of_one_name_or_too_many_keys_are_an_error(keys: SigningKeys) -> None:
    entry = keys.public.jwks()["keys"][0]
    with pytest.raises(ValueError, match="of its own"):
        PublicKeys.from_jwks({"keys": [entry, entry]})
    many = [{**entry, "kid": str(number)} for number in range(65)]
    assert len(PublicKeys.from_jwks({"keys": many[:64]})) == 64
    with pytest.raises(ValueError, match="at most 64"):
        PublicKeys.from_jwks({"keys": many})


def test_a_private_half_that_does_not_fit_is_found(keys: SigningKeys) -> None:
    """Otherwise every token signed with it would be refused, and nobody would know why."""
    document = keys.private_jwks()
    document["keys"][0]["d"] = document["keys"][1]["d"]
    with pytest.raises(ValueError, match="damaged"):
        SigningKeys.from_private_jwks(document)


def test_a_private_key_of_another_curve_is_refused(keys: SigningKeys) -> None:
    numbers = ec.generate_private_key(ec.SECP384R1()).private_numbers()
    entry = {
        **keys.private_jwks()["keys"][0],
        "crv": "P-384",
        "x": b64(numbers.public_numbers.x.to_bytes(48)),
        "y": b64(numbers.public_numbers.y.to_bytes(48)),
        "d": b64(numbers.private_value.to_bytes(48)),
    }
    with pytest.raises(ValueError, match="not for ES256"):
        SigningKeys.from_private_jwks({"keys": [entry]})
