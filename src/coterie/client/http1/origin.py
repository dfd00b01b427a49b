"""Where requests go: scheme, host and port."""

import re
from urllib.parse import urlsplit

from msgspec import Struct

__all__ = ["Origin"]

_HOST = re.compile(r"[0-9a-z._:%-]+")  # names, IPv4, IPv6 with its zone


class Origin(Struct, frozen=True):
    """Scheme, host and port, nothing else (RFC 6454).

    Attributes:
        host: In lower case and ASCII; an IPv6 address without brackets.
        port: Given or standard.
        secure: Whether TLS is spoken.
    """

    host: str
    port: int
    secure: bool

    @classmethod
    def parse(cls, url: str) -> "Origin":
        """Read ``http://host:port``.

        Raises:
            ValueError: It is not an absolute http(s) URL, or it says more than an origin.
        """
        parts = urlsplit(url)
        if "@" in parts.netloc:
            raise ValueError("a URL with a password in it: send credentials in a header instead")
        host = parts.hostname or ""
        labels = host.removesuffix(".").split(".")
        if parts.scheme not in {"http", "https"} or not all(
            0 < len(label) < 64 for label in labels
        ):
            raise ValueError(f"need http:// or https:// and a host: {url!r}")
        if not _HOST.fullmatch(host):
            raise ValueError(f"a host is ASCII, other names in their xn-- form: {url!r}")
        if parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise ValueError(f"need an origin, such as {parts.scheme}://{host}:8080, not {url!r}")
        secure = parts.scheme == "https"
        return cls(host, parts.port or (443 if secure else 80), secure)

    @property
    def authority(self) -> str:
        """As Host says it (RFC 9110, section 7.2)."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.secure else 80) else f"{name}:{self.port}"

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.authority}"
