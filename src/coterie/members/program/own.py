"""Own: the pages that an instance of a program answers itself."""

from collections.abc import Callable
from urllib.parse import parse_qs

from coterie.binding.rest import problem_reply
from coterie.call import Failure, Reply, Sent
from coterie.contract import Code
from coterie.telemetry import Meter, answer, exposition

from .asgi import Scope

__all__ = ["OWN", "OWN_BELOW", "Own"]

OWN = "/.coterie"
"""Where the pages of an instance's own are; all else is the program's."""

OWN_BELOW = f"{OWN}/"

_JSON = (("content-type", "application/json"),)
_TEXT = (("content-type", "text/plain; version=0.0.4; charset=utf-8"),)
_READING = ("GET", "HEAD")
_DIGITS = 20


class Own:
    """Answers for ``meter``, for how many requests are ``in_flight``, and for whether all is well.

    ``away`` says why no requests are wanted, the empty text where they are.
    """

    def __init__(self, meter: Meter, in_flight: Callable[[], int], away: Callable[[], str]) -> None:
        self._meter = meter
        self._in_flight = in_flight
        self._away = away

    def answer(self, scope: Scope, *, gated: bool) -> Reply:
        """The answer to a GET below `OWN`; ``gated``: it came through a gateway, and learns nothing."""
        page = scope["path"][len(OWN) :]
        if gated or page not in ("/live", "/ready", "/metrics", "/telemetry"):
            return problem_reply(Failure(Code.NOT_FOUND, "There is nothing here"))
        if scope["method"] not in _READING:
            allow = (("allow", ", ".join(_READING)),)
            what = f"Use GET or HEAD here, not {scope['method'][:20]}"
            return problem_reply(Failure(Code.UNIMPLEMENTED, what, status=405, headers=allow))
        if page == "/live":
            return Reply(None, 200, _JSON, b'{"status":"live"}')
        if page == "/ready":
            return self._ready()
        if page == "/metrics":
            return Reply(None, 200, _TEXT, exposition([(self._meter, self._in_flight())]))
        return self._telemetry(scope["query_string"])

    def _ready(self) -> Reply:
        away = self._away()
        if not away:
            return Reply(None, 200, _JSON, b'{"status":"ready"}')
        refusal = Failure(Code.UNAVAILABLE, away, retry_after=1.0, sent=Sent.REFUSED)
        return problem_reply(refusal)

    def _telemetry(self, query: bytes) -> Reply:
        after = parse_qs(query.decode("latin-1")).get("after", ["0"])[-1]
        if not after.isdecimal() or len(after) > _DIGITS:
            what = "`after` is the number that the last answer called `next`; leave it out at first"
            return problem_reply(Failure(Code.INVALID_ARGUMENT, what))
        spans = self._meter.spans.after(int(after))
        return Reply(None, 200, _JSON, answer(spans, [self._meter]))
