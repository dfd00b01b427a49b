"""What pages are made from, what they are asked, and what they answer."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from msgspec import Struct

from .history import History
from .html import Html
from .live import Live
from .sse import Event

__all__ = ["Asked", "Content", "Known", "Page", "View"]


class Known(Struct, frozen=True, kw_only=True):
    """``databases`` are what services keep their data in, by service, as a person calls it."""

    title: str
    live: Live
    history: History
    gateway_url: str = ""
    databases: Mapping[str, str] = {}


class Asked(Struct, frozen=True, kw_only=True):
    """``rest`` is what follows the page's own path, ``query`` the last value of each name.

    ``after`` is the id of the last event that a browser had before it came again.
    """

    path: str
    rest: str = ""
    query: Mapping[str, str] = {}
    after: str = ""


class Content(Struct, frozen=True, kw_only=True):
    """A page: ``head`` stands still, ``parts`` are replaced while the page is open, by their id.

    ``section`` is where in the navigation it belongs.
    """

    title: str
    section: str
    head: Html
    parts: Mapping[str, Html] = {}
    status: int = 200


Page = Callable[[Known, Asked], Awaitable[Content]]
"""Makes a page as it is now."""


class View(Struct, frozen=True):
    """A page, and how it goes on where replacing its parts is not the way."""

    page: Page
    stream: Callable[[Known, Asked], AsyncIterator[Event]] | None = None
