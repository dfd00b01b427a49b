"""What is said where no instance of a service answered: to programs, and to people."""

from html import escape
from string import Template
from typing import Any

__all__ = ["BUSY", "away_page", "away_problem", "broken_page", "broken_problem", "wants_page"]

BUSY = "The gateway has more to do than it can; try again"
"""What a client is told who is one too many."""

_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
:root { color-scheme: light dark; }
body { font: 1.05rem/1.6 system-ui, sans-serif; max-width: 34rem; margin: 18vh auto 0; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; font-weight: 600; margin: 0 0 .5rem; }
code { font-size: .95em; }
p { margin: .5rem 0; }
small { opacity: .65; }
</style>
</head>
<body>
<h1>$title</h1>
<p>$told</p>
<p>$then <code>coterie ps</code> shows how the service is, and
<code>coterie logs $service</code> why.</p>
<p><small>503 Service Unavailable</small></p>
</body>
</html>
""")


def away_problem(service: str) -> dict[str, Any]:
    """The problem details (RFC 9457) that tell a program that nobody was there."""
    return _problem(f"{service} is away; it should be back in a moment, so try again")


def broken_problem(service: str) -> dict[str, Any]:
    """Those that tell it that the outcome is unknown: what it asked for may have been done."""
    return _problem(
        f"{service} broke off before it answered; what you asked for may have been done, so look"
        " before you send it again"
    )


def away_page(service: str) -> str:
    """The page that tells a person. It holds no percent sign but those of ``service``."""
    return _page(
        f"{service} is away",
        f"No instance of the service {service} answers at the moment.",
        "Wait a second and load the page again. If it stays like this,",
        service,
    )


def broken_page(service: str) -> str:
    """The same for an outcome that is unknown."""
    return _page(
        f"{service} broke off",
        f"The service {service} broke off before it answered. What you asked for may have been done.",
        "Look before you send it again.",
        service,
    )


def wants_page(accept: str) -> bool:
    """Whether who sent this ``Accept`` is a browser, and is shown the page."""
    return "text/html" in accept


def _problem(detail: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": detail,
        "code": "unavailable",
    }


def _page(title: str, told: str, then: str, service: str) -> str:
    return _PAGE.substitute(
        title=escape(title), told=escape(told), then=escape(then), service=escape(service)
    )
