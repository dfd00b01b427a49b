"""Bodies that are not JSON: text, HTML, files, redirects, uploads."""

from typing import Annotated

from msgspec import Struct

__all__ = ["Content", "Html", "Redirect", "Text", "Upload"]


class Content(Struct, frozen=True):
    """The media type of a result or body: ``Annotated[bytes, Content("application/pdf")]``."""

    media: str


Text = Annotated[str, Content("text/plain; charset=utf-8")]
"""A result that travels as plain text."""

Html = Annotated[str, Content("text/html; charset=utf-8")]
"""A result that travels as an HTML page. Escape what users wrote before you put it in."""


class Redirect(Struct, frozen=True):
    """A result that sends the browser elsewhere (RFC 9110, 15.4).

    ``status`` is 303 (see other), 302, 307 or 308.
    """

    location: str
    status: int = 303


class Upload(Struct, frozen=True):
    """A file from a multipart form (RFC 7578): its name as the sender gave it, type and bytes.

    Never use ``filename`` as a path: it is the sender's text.
    """

    filename: str
    content_type: str
    data: bytes
