"""Routes that Envoy answers itself, and what it knows of the others."""

from .document import Json

__all__ = ["OVERWRITE", "answered", "metadata"]

OVERWRITE = "OVERWRITE_IF_EXISTS_OR_ADD"


def answered(
    name: str, match: Json, status: int, *, allow: str = "", body: str = "", kind: str = ""
) -> Json:
    """A route that Envoy answers itself. The words of a refusal are those of `replies`."""
    answer: Json = {"status": status}
    if body:
        answer["body"] = {"inline_string": body}
    found: Json = {"name": name, "match": match, "direct_response": answer}
    headers = [("allow", allow), ("content-type", kind)]
    added = [
        {"header": {"key": key, "value": value}, "append_action": OVERWRITE}
        for key, value in headers
        if value
    ]
    return found | ({"response_headers_to_add": added} if added else {})


def metadata(**known: str) -> Json:
    """What a route knows, for the words of refusals."""
    return {"filter_metadata": {"coterie": known}}
