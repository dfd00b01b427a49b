"""What an OpenAPI document promises, as far as two documents can be held against each other."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Promise", "lost", "promises"]

Promise = tuple[str, str, str]
"""Method, path with empty braces, and what is promised there."""

_METHODS = ("get", "put", "post", "delete", "patch")


def promises(document: Mapping[str, Any]) -> dict[Promise, str]:
    """Each operation, its parameters, its body and its answers, with the path as it is written."""
    found: dict[Promise, str] = {}
    for path, item in document.get("paths", {}).items():
        shared = _followed(document, item)
        for method in _METHODS:
            if method in shared:
                for told in _operation(document, shared, shared[method], path):
                    plain = re.sub(r"\{[^}]*\}", "{}", path.partition("?")[0])
                    found[method.upper(), plain, told] = path
    return found


def lost(before: Mapping[Promise, str], after: Mapping[Promise, str]) -> dict[Promise, str]:
    """What the first document promises and the second does not."""
    return {promise: path for promise, path in before.items() if promise not in after}


def _operation(
    document: Mapping[str, Any], item: Mapping[str, Any], operation: Mapping[str, Any], path: str
) -> Iterator[str]:
    yield "operation"
    own = [_followed(document, one) for one in operation.get("parameters", ())]
    shared = [_followed(document, one) for one in item.get("parameters", ())]
    known = {(one.get("in"), one.get("name")) for one in own}
    for one in own + [one for one in shared if (one.get("in"), one.get("name")) not in known]:
        place, name = one.get("in"), str(one.get("name"))
        if place == "path":
            continue  # its name is nobody's but the document's
        name = name.lower() if place == "header" else name
        yield f"{place} {name}{' required' if one.get('required') else ''}"
    if "requestBody" in operation:
        yield "body"
    good = [code for code in operation.get("responses", {}) if str(code).startswith("2")]
    if len(good) == 1 and str(good[0]).isdigit():
        yield f"answer {good[0]}"


def _followed(document: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in value:
        found: Any = document
        for piece in value["$ref"].partition("#/")[2].split("/"):
            found = found[piece.replace("~1", "/").replace("~0", "~")]
        value = found
    return value
