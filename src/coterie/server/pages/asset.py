"""One file to be served, and how: media type, entity tag, how long a browser may keep it."""

from collections.abc import Mapping

from msgspec import Struct

from coterie.binding.rest.etag import matches, tag_of
from coterie.call import Reply

__all__ = ["Asset", "made"]

# What a versioned address holds never changes (RFC 8246); everything else is asked about again.
_KEPT = "public, max-age=31536000, immutable"
_ASKED = "no-cache"


class Asset(Struct, frozen=True):
    """Bytes with a media type; ``tag`` names them (RFC 9110, 8.8.3)."""

    media: str
    body: bytes
    tag: str

    @property
    def version(self) -> str:
        """A short name of these bytes, to stand in their address."""
        return self.tag.strip('"')[:12]

    def reply(
        self,
        headers: Mapping[bytes, bytes],
        *,
        keep: bool = False,
        more: tuple[tuple[str, str], ...] = (),
    ) -> Reply:
        """The answer to a GET with these request ``headers``; 304 where the asker has it."""
        shared = (
            ("etag", self.tag),
            ("cache-control", _KEPT if keep else _ASKED),
            ("x-content-type-options", "nosniff"),
            *more,
        )
        seen = headers.get(b"if-none-match")
        if seen is not None and matches(seen, self.tag, weak=True):
            return Reply(None, 304, shared)
        return Reply(None, 200, (("content-type", self.media), *shared), self.body)


def made(media: str, body: bytes) -> Asset:
    """An asset of these bytes, tagged."""
    return Asset(media, body, tag_of(body))
