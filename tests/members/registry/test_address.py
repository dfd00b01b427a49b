"""Which URLs may be registered: those that everybody reads in the same way, and may be called."""

import ipaddress
import string
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.members.registry.server.address import check_address

GOOD = [
    "http://localhost:5000",
    "http://localhost",
    "https://billing.example:8443/api/v2/",
    "http://user_service:5000",
    "http://127.0.0.1:1",
    "http://10.1.2.3:65535/x%20y",
    "http://[::1]:5000",
    "http://[2001:db8::7]",
    "HTTP://LOCALHOST:5000",
    "http://xn--caf-dma.example./",
    "http://8.example",
]

BAD = [
    "",
    "http",
    "//localhost",
    "localhost:5000",
    "ftp://localhost",
    "file:///etc/passwd",
    "gopher://localhost:70",
    "http:localhost",
    "http:/localhost",
    "http://",
    "http://:5000",
    "http:///path",
    "http://localhost:",
    "http://localhost:0",
    "http://localhost:65536",
    "http://localhost:-1",
    "http://localhost:5e3",
    "http://localhost:\u0665",
    "http://user@localhost",
    "http://user:pw@localhost",
    "http://good.example@evil.example",
    "http://good.example\\@evil.example",
    "http://localhost/?x=1",
    "http://localhost?",
    "http://localhost/#a",
    "http://local host",
    "http://localhost/a b",
    " http://localhost",
    "http://localhost\n",
    "ht\ntp://localhost",
    "http://local\thost",
    "http://localhost\x00",
    "http://café.example",
    "http://localhost。example",
    "http://a..b",
    "http://-a.example",
    "http://a-.example",
    f"http://{'a' * 64}.example",
    f"http://{'a.' * 127}example",
    f"http://localhost/{'a' * 2048}",
    "http://[::1",
    "http://[::1%25eth0]",
    "http://[localhost]",
    "http://[127.0.0.1]",
    "http://2130706433",
    "http://0x7f000001",
    "http://0x7f.1",
    "http://127.1",
    "http://0177.0.0.1",
    "http://256.1.1.1",
    "http://1.2.3.4.5",
    "http://0.0.0.0:5000",
    "http://[::]:5000",
    "http://169.254.169.254",
    "http://169.254.169.254./",
    "http://[fe80::1]",
    "http://[::ffff:169.254.169.254]",
    "http://[::ffff:a9fe:a9fe]",
    "http://224.0.0.1",
    "http://255.255.255.255",
    "http://[ff02::1]",
    "http://%31%36%39.254.169.254",
]


@pytest.mark.parametrize("url", GOOD)
def test_where_a_service_may_be(url: str) -> None:
    """Control: names and addresses, with a port, with a path."""
    check_address(url)


@pytest.mark.parametrize("url", BAD)
def test_where_none_is(url: str) -> None:
    """No scheme of the web, a secret, two readings, an address nobody may call: it says which."""
    with pytest.raises(ValueError, match=r"[a-z]{3}"):
        check_address(url)


PIECES = st.text(string.printable + "é。\u2028", max_size=6) | st.sampled_from([
    "http://", "https://", "localhost", "127.0.0.1", "[::1]", ":5000", "@", "/", "//", "\\", "%2F",
    "0x7f", ".", "169.254.169.254",
])  # fmt: skip


@given(st.lists(PIECES, max_size=8).map("".join))
def test_what_is_taken_is_read_in_one_way(url: str) -> None:
    """A URL that passes has a host that is a name or a plain address, and is what was checked."""
    if _refused(url):
        return
    parts = urlsplit(url)
    assert parts.scheme in ("http", "https")
    assert parts.hostname
    assert parts.username is None
    assert parts.geturl().lower() == url.lower()
    assert url.isprintable()
    last = parts.hostname.removesuffix(".").split(".")[-1]
    if last.isdigit() or ":" in parts.hostname:
        ip = ipaddress.ip_address(parts.hostname)
        assert not ip.is_link_local
        assert not ip.is_unspecified
        assert not ip.is_multicast


def _refused(url: str) -> bool:
    try:
        check_address(url)
    except ValueError:
        return True
    return False
