"""The console's own files, and how long a browser may keep them."""

from functools import cache
from importlib.resources import files

from msgspec import Struct

from coterie.binding.rest.etag import tag_of

__all__ = ["PLACE", "Asset", "address", "asset"]

PLACE = "/console/-/"
"""Where they lie."""

_MEDIA = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "theme.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


class Asset(Struct, frozen=True):
    """A file: media type, octets, and the tag that names them (RFC 9110, 8.8.3)."""

    media: str
    body: bytes
    tag: str


@cache
def asset(name: str) -> Asset | None:
    """The file called ``name``, read once; ``None`` if there is none."""
    if name not in _MEDIA:
        return None
    body = files("coterie.console.dashboard").joinpath("assets", name).read_bytes()
    return Asset(_MEDIA[name], body, tag_of(body))


def address(name: str) -> str:
    """Where ``name`` lies, with a version that changes with its octets."""
    found = asset(name)
    if found is None:
        raise LookupError(f"the console has no file {name!r}")
    return f"{PLACE}{name}?v={found.tag.strip(chr(34))[:12]}"
