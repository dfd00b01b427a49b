"""The frame around every page: who we are, where one can go, whether it is live."""

import time
from collections.abc import Callable

from coterie.console.dashboard.html import Html, joined, tag
from coterie.console.dashboard.known import Content, Known
from coterie.console.dashboard.words import span_of_time

__all__ = ["SECTIONS", "frame", "notice"]

SECTIONS = {
    "Overview": "/console",
    "Graph": "/console/graph",
    "Protection": "/console/protection",
    "Traces": "/console/traces",
    "Logs": "/console/logs",
    "Contracts": "/console/contracts",
}
"""What the navigation offers."""


def frame(known: Known, content: Content, version: str, file: Callable[[str], str]) -> bytes:
    """The whole document; ``version`` is the system's, ``file`` says where an asset lies."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{content.title} · {known.title}"),
        tag("link", rel="icon", type="image/svg+xml", href=file("icon.svg")),
        tag("link", rel="stylesheet", href=file("console.css")),
        # Not deferred: the theme must be known before the first line is drawn.
        tag("script", src=file("theme.js")),
        tag("script", src=file("console.js"), defer=True),
    )
    parts = [tag("div", part, id=place, class_="part") for place, part in content.parts.items()]
    main = tag(
        "main",
        tag("div", notice(known), id="notice", role="status"),
        tag("div", content.head, class_="heading"),
        *parts,
        id="content",
        tabindex=-1,
        data_live=bool(content.parts),
        data_page=content.section.lower(),
    )
    skip = tag("a", "Skip to content", class_="skip", href="#content")
    body = tag("body", skip, _header(known, content.section, version), main)
    return b"<!doctype html>" + tag("html", head, body, lang="en").encode()


def notice(known: Known) -> Html:
    """That the system cannot be seen, where it cannot."""
    live = known.live
    if not live.away_since:
        return Html()
    when = (
        f"What is shown is {span_of_time(max(0.0, time.time() - live.at))} old."
        if live.at
        else "It appears here as soon as it answers."
    )
    return tag("p", tag("strong", "Not connected: "), f"{live.away_since}. {when}", class_="notice")


def _header(known: Known, section: str, version: str) -> Html:
    brand = tag(
        "a",
        _mark(),
        tag("span", known.title, class_="name"),
        tag("span", version, class_="version") if version else None,
        href="/console",
        class_="brand",
        aria_label=f"{known.title} {version}, overview".replace("  ", " "),
    )
    links = [
        tag("a", name, href=path, aria_current="page" if name == section else None)
        for name, path in SECTIONS.items()
    ]
    docs = None
    if known.gateway_url:
        docs = tag(
            "a", "API docs", href=f"{known.gateway_url}/docs", class_="out", rel="noreferrer"
        )
    return tag(
        "header",
        brand,
        tag("nav", *links, docs, aria_label="Console"),
        tag(
            "div",
            tag("span", "Static", id="link", class_="link-state", hidden=True),
            tag("button", "Theme", id="theme", type="button", hidden=True),
            class_="tools",
        ),
    )


def _mark() -> Html:
    """Three that belong together."""
    return tag(
        "svg",
        joined(
            tag("path", d="M12 5L5.5 17H18.5Z", class_="mark-line"),
            tag("circle", cx=12, cy=5, r=3),
            tag("circle", cx=5.5, cy=17, r=3),
            tag("circle", cx=18.5, cy=17, r=3),
        ),
        viewBox="0 0 24 22", width=22, height=20, aria_hidden="true", class_="mark",
    )  # fmt: skip
