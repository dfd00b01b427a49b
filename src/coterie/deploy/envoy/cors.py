"""Other origins' pages: the headers that `coterie.server.Cors` adds, as Envoy adds them."""

from collections.abc import Sequence

from coterie.server import Cors

from .document import Json, typed

__all__ = ["cors"]

_SET = "OVERWRITE_IF_EXISTS_OR_ADD"


def cors(origins: Sequence[str]) -> Json:
    """The filter that adds them, to our own answers too.

    Envoy's own one for this answers preflight requests itself, and for paths that do not exist.
    Raises `ValueError` for what is no origin.
    """
    told = Cors(origins)
    some = next((origin for origin in origins if origin != "*"), "")
    matched = "*" in origins
    headers = []
    for name, value in told.headers(None if matched else some.encode()):
        if matched:
            headers.append(_header(name, value))
        elif name == "vary":
            headers.append(_header(name, value, "APPEND_IF_EXISTS_OR_ADD"))
        else:
            said = "request.headers['origin']" if value == some else _text(value)
            listed = ", ".join(_text(origin) for origin in origins)
            headers.append(_where(name, f"request.headers['origin'] in [{listed}]", said))
    asked = "request.method == 'OPTIONS' && 'access-control-request-method' in request.headers"
    answered = f"{asked} && response.code == 204"
    for name, value in told.preflight(("allow",)):
        said = "response.headers['allow']" if value == "allow" else _text(value)
        headers.append(_where(name, answered, said))
    return {
        "name": "cors",
        "typed_config": typed(
            "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
            mutations={"response_mutations": headers},
        ),
    }


def _where(name: str, condition: str, value: str) -> Json:
    """Only where ``condition`` holds: a value that is empty adds no header."""
    return _header(name, f"%CEL({condition} ? {value} : '')%", _SET)


def _header(name: str, value: str, action: str = _SET) -> Json:
    return {"append": {"header": {"key": name, "value": value}, "append_action": action}}


def _text(text: str) -> str:
    """A text in the Common Expression Language; a percent sign would end the expression."""
    return "'" + text.replace("\\", r"\\").replace("'", r"\'").replace("%", r"\x25") + "'"
