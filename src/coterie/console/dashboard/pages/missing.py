"""Where there is no page."""

from coterie.console.dashboard.html import Html, joined, tag
from coterie.console.dashboard.known import Content

__all__ = ["missing_page"]


def missing_page(what: str, section: str = "", remedy: Html | None = None) -> Content:
    """``what`` is missing; ``remedy`` says where to go instead."""
    way = remedy or tag("a", "Go to the overview", href="/console")
    head = joined(tag("h1", "Not found"), tag("p", what, ". ", way, ".", class_="lead"))
    return Content(title="Not found", section=section, head=head, status=404)
