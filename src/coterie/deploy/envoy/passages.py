"""Programs that join as they are: paths which Envoy passes on, with all that is below them."""

from collections.abc import Iterator, Sequence

from coterie.members.gateway import HIDDEN, PREFIX, REGISTRY, RESERVED, Passage, spelt

from .document import Json, seconds
from .edge import Edge
from .reply import OVERWRITE, answered, metadata
from .retry import retry

__all__ = ["LATER", "passages", "unhurried"]

LATER = 0.5
"""Seconds. The service answers first when a call takes too long, and its answer says more than ours."""


def passages(found: Sequence[Passage], edge: Edge) -> Iterator[Json]:
    """The routes of all of ``found``, and of the registry; the longest paths first."""
    if edge.console is not None:
        yield from _passage(REGISTRY, edge)
    if found:
        yield answered("reserved", {"safe_regex": {"regex": RESERVED}}, 404)
    for passage in sorted(found, key=lambda one: len(one.path), reverse=True):
        yield from _passage(passage, edge)


def unhurried(service: str, begins: float, edge: Edge) -> Json:
    """The action of a route whose answers have ``begins`` seconds to begin, and then all the time.

    A program may be silent for as long as a stream, or for its own time where that is longer. Its
    time is not the limit of both: Envoy counts it as silence, too, while a client reads slowly, or
    while a WebSocket has nothing to say.
    """
    begins += LATER
    return {
        "cluster": service,
        "timeout": "0s",
        "idle_timeout": seconds(max(begins + 1, edge.stream_idle_timeout)),
        "max_stream_duration": {"max_stream_duration": "0s"},
        "retry_policy": retry(begins=begins),
    }


def _passage(passage: Passage, edge: Edge) -> Iterator[Json]:
    begins = edge.timeout if passage.timeout is None else passage.timeout
    action = unhurried(passage.service, begins, edge)
    pattern = spelt(passage.outside)
    if passage.buried:
        yield answered("hidden", {"safe_regex": {"regex": f"{pattern}(?:/.*)?"}}, 404)
        return
    if pattern and not passage.inside:
        yield answered("hidden", {"safe_regex": {"regex": pattern + HIDDEN}}, 404)
    for match, rewrite in _ways(passage, pattern):
        route: Json = {
            "name": passage.name,
            "match": match,
            "metadata": metadata(service=passage.service),
            "route": action | rewrite,
        }
        if passage.prefix:
            # A percent sign begins a command of Envoy's, two are one.
            header = {"key": PREFIX, "value": passage.prefix.replace("%", "%%")}
            route["request_headers_to_add"] = [{"header": header, "append_action": OVERWRITE}]
        yield route


def _ways(passage: Passage, pattern: str) -> Iterator[tuple[Json, Json]]:
    """What is matched, and what becomes of the path: that itself, then all below it."""
    outside, inside = passage.outside, passage.inside
    alike = outside == inside
    if "%" in outside:  # its digits may come in any case
        alone, below = (
            {"safe_regex": {"regex": pattern}},
            {"safe_regex": {"regex": f"{pattern}/.*"}},
        )
        yield alone, {} if alike else _replaced(f"{pattern}$", inside or "/")
        yield below, {} if alike else _replaced(f"{pattern}/", f"{inside}/")
        return
    if outside:
        yield {"path": outside}, {} if alike else {"prefix_rewrite": inside or "/"}
    yield {"prefix": f"{outside}/"}, {} if alike else {"prefix_rewrite": f"{inside}/"}


def _replaced(pattern: str, text: str) -> Json:
    return {"regex_rewrite": {"pattern": {"regex": f"^{pattern}"}, "substitution": text}}
