"""The route table: which request goes to whom, for how long, and how often it is tried."""

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from coterie.members.gateway import CONSOLE, HIDDEN, PAGES, PREFIX, TRIES, Passage, Route, spelt

from .document import Json, resources, seconds, typed
from .edge import Edge
from .listener import BODY_LIMIT, WHOLE_BODY
from .passages import LATER, passages
from .places import Place, places
from .reply import OVERWRITE, answered, metadata
from .retry import retry

__all__ = ["routes"]

# What a segment may hold as it is (RFC 3986, 3.3); the rest of a template comes percent-encoded.
_PLAIN = "!$&'()*+,;=:@-._~"

_READING = ("GET", "HEAD", "OPTIONS")
_JSON = "application/json"


def routes(table: Sequence[Route], joined: Sequence[Passage], edge: Edge) -> bytes:
    """``rds.json``: one route an operation, one for the rest of its path, then our own pages.

    Then programs that have ``joined`` as they are.
    """
    found = list(_refused())
    for place in places(table):
        found += _place(place, edge)
    found += _pages(edge)
    found += passages(joined, edge)
    found += _one_slash_away(table, edge)
    found.append(answered("nowhere", {"prefix": "/"}, 404))
    return resources(
        [
            {
                **typed("envoy.config.route.v3.RouteConfiguration"),
                "name": "routes",
                "virtual_hosts": [
                    {
                        "name": "gateway",
                        "domains": ["*"],
                        "retry_policy": retry(),
                        "routes": found,
                    }
                ],
                # Nobody outside says what was taken off a path; a route that takes something off
                # says so after this.
                "request_headers_to_remove": ["x-envoy-external-address", PREFIX],
                "request_headers_to_add": [
                    {
                        "header": {"key": "x-forwarded-host", "value": "%REQ(:AUTHORITY)%"},
                        "append_action": OVERWRITE,
                    }
                ],
                "most_specific_header_mutations_wins": True,
            }
        ]
    )


def _refused() -> Iterator[Json]:
    # Envoy joins several Host headers by commas. Which of them would be believed?
    hosts = {"name": ":authority", "string_match": {"contains": ","}}
    yield answered("two-hosts", {"prefix": "/", "headers": [hosts]}, 400)
    yield answered("tunnel", {"connect_matcher": {}}, 400)
    yield answered("hidden", {"safe_regex": {"regex": HIDDEN}}, 404)


def _place(place: Place, edge: Edge) -> Iterator[Json]:
    match = _match(place.shape)
    for route in place.routes:
        if len(place.services) > 1 or _special(route):
            methods = ("GET", "HEAD") if route.method == "GET" else (route.method,)
            yield _routed(route, match | _method(*methods), edge)
    path = "/" + "/".join(place.shape)
    if len(place.services) == 1:
        # The service itself answers for methods that it has not, and for OPTIONS.
        rest = Route(service=place.services[0], operation=path, method="", path=path)
        yield _routed(rest, match, edge)
    else:
        yield from _methods(path, match, place.allowed)


def _special(route: Route) -> bool:
    return route.attempts > 1 or route.timeout is not None or route.stream


def _match(shape: Sequence[str]) -> Json:
    path = "/" + "/".join(quote(piece, safe=_PLAIN) for piece in shape if piece != "{}")
    if "{}" in shape or "%" in path:
        return {"safe_regex": {"regex": _pattern(shape)}}
    return {"path": path}


def _pattern(shape: Sequence[str]) -> str:
    return "/" + "/".join(
        "[^/]+" if piece == "{}" else spelt(quote(piece, safe=_PLAIN)) for piece in shape
    )


def _method(*methods: str) -> Json:
    if len(methods) == 1:
        match: Json = {"exact": methods[0]}
    else:
        match = {"safe_regex": {"regex": "|".join(methods)}}
    return {"headers": [{"name": ":method", "string_match": match}]}


def _routed(route: Route, match: Json, edge: Edge) -> Json:
    lasts = (edge.timeout if route.timeout is None else route.timeout) + LATER
    more: Json = {}
    if route.stream:
        times: Json = {
            "timeout": "0s",
            "idle_timeout": seconds(edge.stream_idle_timeout),
            "max_stream_duration": {"max_stream_duration": "0s"},
        }
        more = {"typed_per_filter_config": {BODY_LIMIT: _OFF, WHOLE_BODY: _OFF}}
    else:
        # A call that may take long may be silent as long.
        idle = max(lasts, edge.body_timeout) + 1
        times = {"timeout": seconds(lasts), "idle_timeout": seconds(idle)}
    return {
        "name": route.operation,
        "match": match,
        "metadata": metadata(service=route.service),
        **more,
        "route": {
            "cluster": route.service,
            **times,
            **({"retry_policy": retry(",reset", route.attempts)} if route.attempts > 1 else {}),
        },
    }


_OFF = typed("envoy.config.route.v3.FilterConfig", disabled=True)


def _pages(edge: Edge) -> Iterator[Json]:
    live = {"path": "/health/live"}
    reading = _method("GET", "HEAD")
    yield answered("live", live | reading, 200, body='{"status":"live"}', kind=_JSON)
    yield from _methods("live", live, _READING)
    if edge.console is None:
        ready = {"path": "/health/ready"}
        yield answered("ready", ready | reading, 200, body='{"status":"ready"}', kind=_JSON)
        yield from _methods("ready", ready, _READING)
        return
    for page in PAGES:
        if edge.docs or not page.startswith(("/docs", "/openapi")):
            match = {"safe_regex": {"regex": f"{re.escape(page)}(?:[/.].*)?"}}
            found = Route(service=CONSOLE, operation=page, method="GET", path=page, attempts=TRIES)
            yield _routed(found, match, edge)


def _methods(name: str, match: Json, allowed: Sequence[str]) -> Iterator[Json]:
    """OPTIONS is answered, and what is not ``allowed`` is refused."""
    allow = ", ".join(allowed)
    yield answered(name, match | _method("OPTIONS"), 204, allow=allow)
    use = f"{', '.join(allowed[:-1])} or {allowed[-1]}"
    yield answered(name, match, 405, allow=allow) | {"metadata": metadata(use=use)}


def _one_slash_away(table: Iterable[Route], edge: Edge) -> Iterator[Json]:
    """Paths with one slash less or more at the end: the service knows what was meant."""
    shapes = {place.shape: place.services[0] for place in places(table)}
    near: dict[str, list[str]] = {}
    for shape, service in shapes.items():
        other = shape[:-1] if shape[-1] == "" else (*shape, "")
        if other and other not in shapes:
            near.setdefault(service, []).append(_pattern(other))
    for service, patterns in near.items():
        match = {"safe_regex": {"regex": "|".join(patterns)}}
        rest = Route(service=service, operation="one-slash-away", method="", path="")
        yield _routed(rest, match, edge)
