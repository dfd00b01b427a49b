"""Addresses: which URL somebody may register, for others to call.

A registry hands its URLs to programs that call them from inside. So it takes none that are read
in two ways, and none of places that are no service: link-local ones (where clouds keep the
credentials of a machine), multicast, "every address of this machine". A host name can still lead
anywhere: what must not be reached is for the network to forbid.

Source: RFC 3986; the URL standard of WHATWG for hosts that end in a number.
"""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

__all__ = ["ADDRESS_HINT", "check_address", "check_link"]

ADDRESS_HINT = "write it like http://host:port"

_LONGEST = 2048
_PLAIN = re.compile(r"[!-~]+")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


def check_address(url: str) -> None:
    """Raise `ValueError`, saying what is wrong, for a URL that is no address of an instance."""
    parts = _split(url)
    if "?" in url or "#" in url:
        raise ValueError("the url is where a service begins: leave out what follows ? or #")
    _check_host(parts)


def check_link(url: str) -> None:
    """Raise `ValueError`, saying what is wrong, for a URL that is no link to a document."""
    if "#" in url:
        raise ValueError("the contract's url is a whole document: leave out what follows #")
    _check_host(_split(url))


def _split(url: str) -> SplitResult:
    if len(url) > _LONGEST:
        raise ValueError(f"the url is longer than {_LONGEST} characters")
    # `urlsplit` takes out line feeds and tabs: what is checked would not be what is stored.
    if not _PLAIN.fullmatch(url) or "\\" in url:
        raise ValueError(
            "the url has a character that no URL has: percent-encode its path, and write a"
            " host of another script in its xn-- form"
        )
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"the url cannot be read; {ADDRESS_HINT}") from error
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"the url must begin with http:// or https://; {ADDRESS_HINT}")
    return parts


def _check_host(parts: SplitResult) -> None:
    if "@" in parts.netloc:
        raise ValueError("the url has a user or a password in it: leave them out, all may read it")
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("the port must be between 1 and 65535") from error
    if not host:
        raise ValueError(f"the url has no host; {ADDRESS_HINT}")
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("the port must be between 1 and 65535")
    ip = _ip(host)
    if ip is None:
        return
    ip = getattr(ip, "ipv4_mapped", None) or ip
    broadcast = ip.version == 4 and ip.is_reserved
    if ip.is_unspecified or ip.is_multicast or ip.is_link_local or broadcast:
        raise ValueError("others cannot call this address: write the host under which they can")


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The host as an IP address; ``None`` where it is a name. Raises `ValueError` for neither."""
    wrong = f"the host of the url is neither a name nor an IP address; {ADDRESS_HINT}"
    try:
        if ":" in host:
            if "%" in host:
                raise ValueError(wrong)
            return ipaddress.IPv6Address(host)
        labels = host.removesuffix(".").split(".")
        # 2130706433, 0x7f.1 and 127.1 are 127.0.0.1 to some, and names to others.
        if _NUMBER.fullmatch(labels[-1]):
            return ipaddress.IPv4Address(host)
    except ValueError as error:
        raise ValueError(wrong) from error
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(wrong)
    return None
