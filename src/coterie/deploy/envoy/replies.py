"""What Envoy says itself: problem details (RFC 9457), in the words of our own servers."""

from typing import Any

from coterie.binding.rest import UNREADABLE, phrase
from coterie.contract import Code
from coterie.members.gateway import BUSY, away_page, away_problem, broken_page, broken_problem
from coterie.server import TOO_SLOW

from .document import Json

__all__ = ["replies"]

_SERVICE = "%METADATA(ROUTE:coterie:service)%"

_DETAILS = {
    400: UNREADABLE,
    404: "There is nothing at %PATH(NQ):200%",
    405: "Use %METADATA(ROUTE:coterie:use)% here, not %REQ(:METHOD):20%",
    408: TOO_SLOW,
    431: "The request line and headers are longer than 65536 bytes",
    500: "The gateway could not pass this request on",
    502: f"{_SERVICE} answered what is no HTTP; its log may tell why",
    504: f"{_SERVICE} did not answer in time",
}


def replies(body_limit: int) -> Json:
    """The local replies of the gateway; of several that fit, the first counts."""
    again = {"header": {"key": "retry-after", "value": "1"}}
    large = f"The body is larger than {body_limit} bytes, the most taken here"
    away = _json(away_problem(_SERVICE))
    # It had the request: whether it did what was asked is not known, and nobody says "again".
    lost = _flag("UC", "UR")
    return {
        "mappers": [
            _mapper(_flag("OM"), _problem(503, BUSY), headers_to_add=[again]),
            _mapper(_flag("UO"), _problem(503, BUSY), headers_to_add=[again]),
            _mapper(_person(lost), _page(broken_page(_SERVICE))),
            _mapper(lost, _json(broken_problem(_SERVICE))),
            _mapper(_person(_status(503)), _page(away_page(_SERVICE)), headers_to_add=[again]),
            _mapper(_status(503), away, headers_to_add=[again]),
            # CONNECT, and transfer codings that we do not know: to our servers, riddles like others.
            _mapper(_status(403), _problem(400, UNREADABLE), status_code=400),
            _mapper(_status(501), _problem(400, UNREADABLE), status_code=400),
            _mapper(_status(413), _problem(413, large)),
            *(
                _mapper(_status(status), _problem(status, told))
                for status, told in _DETAILS.items()
            ),
        ]
    }


def _mapper(where: Json, form: Json, **more: Any) -> Json:
    return {"filter": where, "body_format_override": form, **more}


def _problem(status: int, detail: str) -> Json:
    problem = {
        "type": "about:blank",
        "title": phrase(status),
        "status": status,
        "detail": detail,
        "code": _code(status).value,
    }
    return _json(problem)


def _json(problem: Json) -> Json:
    return {"content_type": "application/problem+json", "json_format": problem}


def _page(markup: str) -> Json:
    return {
        "content_type": "text/html; charset=utf-8",
        "text_format_source": {"inline_string": markup},
    }


def _person(where: Json) -> Json:
    """Where a browser is told."""
    html = {"header": {"name": "accept", "string_match": {"contains": "text/html"}}}
    return {"and_filter": {"filters": [where, {"header_filter": html}]}}


def _code(status: int) -> Code:
    return Code.RESOURCE_EXHAUSTED if status == 431 else Code.of_status(status)


def _status(status: int) -> Json:
    value = {"default_value": status, "runtime_key": f"coterie.reply.{status}"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}


def _flag(*flags: str) -> Json:
    return {"response_flag_filter": {"flags": list(flags)}}
