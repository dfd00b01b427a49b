"""Who may look: the names under which the console answers, and what its pages may do."""

from collections.abc import Collection

__all__ = ["LOCAL", "PAGE_HEADERS", "allowed"]

LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""What a browser on this machine calls it."""

PAGE_HEADERS: tuple[tuple[str, str], ...] = (
    (
        "content-security-policy",
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
)
"""Pages load nothing from elsewhere, run nothing that stands in them, and go into no frame."""


def allowed(host: bytes | None, names: Collection[str]) -> bool:
    """Whether a ``Host`` header is one of ``names``, at any port.

    A page from elsewhere whose name was made to point here (DNS rebinding) carries its own name:
    it could read whatever the console shows.
    """
    if host is None:
        return False
    name = host.decode("latin-1").strip().lower()
    if not name.endswith("]"):
        before, colon, port = name.rpartition(":")
        if colon and port.isdecimal():
            name = before
    return name in names
