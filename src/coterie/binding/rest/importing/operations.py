"""The operations of a document as methods of a contract."""

import re
from collections.abc import Iterator

from .answers import Answer, answer, errors
from .bodies import body
from .document import Document, Values
from .faults import Faults
from .kinds import NONE, Plain
from .literal import literal
from .model import Argument, Method
from .names import Names, snake
from .parameters import arguments
from .schemas import Schemas

__all__ = ["Found", "Operations"]

_METHODS = ("get", "put", "post", "delete", "patch")
_OTHERS = ("head", "options", "trace", "query")
_BRACE = re.compile(r"\{([^{}]*)\}")
_UNSAID = {
    "callbacks": "not told",
    "servers": "all are asked at one address",
    "externalDocs": "not told",
}
_KEY = "idempotency-key"


class Found:
    """An operation of a document, and where it stands."""

    def __init__(self, verb: str, path: str, item: Values, told: Values, at: str) -> None:
        self.verb = verb
        self.path = path
        self.told = told
        self.at = at
        self.item = item
        file = at.partition("#")[0]
        self.where = f"{f'{file}#' if file else ''}{verb.upper()} {path}"

    @property
    def tags(self) -> list[str]:
        """The tags that are texts."""
        tags = self.told.get("tags")
        return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


class Operations:
    """Reads the operations of a document."""

    def __init__(self, document: Document, schemas: Schemas, faults: Faults) -> None:
        self._document = document
        self._schemas = schemas
        self._faults = faults
        self._notes = schemas.notes

    def found(self) -> list[Found]:
        """All that a contract can promise; what it cannot is noted."""
        found: list[Found] = []
        routes: dict[tuple[str, str], str] = {}
        for path, item in self._document.paths.items():
            followed, at = self._document.follow(item, f"#/paths/{_escaped(path)}")
            if not path.startswith("/"):
                continue  # an extension
            for verb in _OTHERS:
                if verb in followed:
                    self._notes.add(f"{verb.upper()} {path}", f"method {verb.upper()}", _LEFT)
            for verb in _METHODS:
                if verb not in followed:
                    continue
                told, place = self._document.follow(followed[verb], f"{at}/{verb}")
                operation = Found(verb, path, followed, told, place)
                route = (verb, _BRACE.sub("{}", path))
                why = _unroutable(path)
                if route in routes:
                    why = f"a path that differs from {routes[route]} in its braces' names alone"
                if why:
                    self._notes.add(operation.where, why, _LEFT)
                    continue
                routes[route] = path
                found.append(operation)
        webhooks = self._document.root.get("webhooks")
        for name in webhooks if isinstance(webhooks, dict) else ():
            self._notes.add(f"#/webhooks/{name}", "webhook", "not told")
        return found

    def method(self, found: Found, name: str) -> tuple[Method, list[bytes]]:
        """One operation as a method called ``name``, and the keys of its faults."""
        told, where = found.told, found.where
        for word, instead in _UNSAID.items():
            if told.get(word) or (word == "servers" and found.item.get(word)):
                self._notes.add(where, f"`{word}` of an operation", instead)
        self._security(told, where)
        names = Names(("self",), reserved=())
        braces = {wire: names.of_value(wire, "part") for wire in _BRACE.findall(found.path)}
        every = list(self._parameters(found))
        kept = [each for each in every if not _is_key(each[0], found.verb)]
        made = list(arguments(kept, braces, self._schemas, names, name))
        have = {argument.name for argument in made}
        for wire, python in braces.items():
            if python not in have:
                self._notes.add(where, f"path parameter {wire!r} that nothing describes", "a text")
                made.insert(0, Argument(python, Plain("str")))
        made += self._body(told, found, names, name)
        result = answer(told.get("responses"), where, self._schemas, name)
        keys = list(
            dict.fromkeys(errors(told.get("responses"), where, self._schemas, self._faults))
        )
        method = Method(
            name=name,
            verb=found.verb,
            path=_BRACE.sub(lambda brace: f"{{{braces[brace[1]]}}}", found.path),
            doc=_doc(told),
            arguments=made,
            result=result.kind,
            media=result.media,
            status=_status(result),
            tags=tuple(found.tags),
        )
        options = list(self._options(found, result, keyed=len(kept) < len(every)))
        method.options = tuple(options)
        if result.etag:
            method.arguments = [a for a in made if a.marker.lower() != 'header("if-none-match")']
        return method, keys

    def _parameters(self, found: Found) -> Iterator[tuple[Values, str]]:
        # Those of the operation go before those of the path.
        for holder, at in ((found.told, found.at), (found.item, found.at.rpartition("/")[0])):
            given = holder.get("parameters")
            for number, parameter in enumerate(given if isinstance(given, list) else ()):
                followed, place = self._document.follow(parameter, f"{at}/parameters/{number}")
                told = f"{found.where}: {followed.get('in')} {followed.get('name')}"
                yield followed, place if "#" in place and "$ref" in parameter else told

    def _body(self, told: Values, found: Found, names: Names, name: str) -> list[Argument]:
        if not told.get("requestBody"):
            return []
        if found.verb in ("get", "delete"):
            self._notes.add(found.where, f"a body of {found.verb.upper()}", "left out")
            return []
        return list(body(told["requestBody"], found.where, self._schemas, names, name))

    def _security(self, told: Values, where: str) -> None:
        for name in self._unknown_schemes(told):
            self._notes.add(
                where, f"security scheme {name[:60]}", "send what it wants with a policy"
            )

    def _asked(self, told: Values) -> list[Values]:
        asked = told.get("security", self._document.root.get("security"))
        found = (
            [each for each in asked if isinstance(each, dict)] if isinstance(asked, list) else []
        )
        return [] if {} in found else found

    def _unknown_schemes(self, told: Values) -> Iterator[str]:
        for requirement in self._asked(told):
            yield from (name for name in requirement if not self._is_ours(name))

    def _is_ours(self, name: str) -> bool:
        components = self._document.root.get("components")
        schemes = components.get("securitySchemes") if isinstance(components, dict) else None
        scheme = schemes.get(name) if isinstance(schemes, dict) else None
        known = scheme if isinstance(scheme, dict) else {}
        return (known.get("type"), known.get("scheme")) == ("http", "bearer") and (
            known.get("bearerFormat") == "JWT"
        )

    def _options(self, found: Found, result: Answer, *, keyed: bool) -> Iterator[tuple[str, str]]:
        told = found.told
        asked = self._asked(told)
        if asked and not any(self._unknown_schemes(told)):
            scopes = sorted({str(s) for each in asked for given in each.values() for s in given})
            if scopes:
                yield "scopes", literal(list(scopes))
            else:
                yield "allow", "authenticated"
        if result.etag and found.verb == "get":
            yield "etag", "True"
        if keyed:
            yield "keyed", "True"
        if told.get("deprecated") is True:
            yield "deprecated", "True"


_LEFT = "left out"


def _doc(told: Values) -> str:
    summary = " ".join(str(told.get("summary") or "").split())
    description = str(told.get("description") or "").strip()
    if not summary or description.startswith(summary):
        return description or summary
    if summary[-1] not in ".!?:":
        summary += "."
    return f"{summary}\n\n{description}" if description else summary


def _status(result: Answer) -> int | None:
    if result.kind == Plain("Redirect"):
        return None if result.status == 200 else result.status
    return None if result.status == (204 if result.kind == NONE else 200) else result.status


def _is_key(parameter: Values, verb: str) -> bool:
    """Whether a client of ours makes it by itself."""
    asked = parameter.get("in") == "header" and parameter.get("required") is True
    return asked and verb in ("post", "patch") and str(parameter.get("name")).lower() == _KEY


def _escaped(path: str) -> str:
    return path.replace("~", "~0").replace("/", "~1")


def _unroutable(path: str) -> str | None:
    """Why no contract can promise ``path``."""
    if re.search(r"[?#\\\s]|//", path) or not path.isprintable():
        return "a path with a query, a fragment, spaces or empty segments"
    if any(("{" in part or "}" in part) and not _BRACE.fullmatch(part) for part in path.split("/")):
        return "a path whose braces do not fill a whole segment"
    names = _BRACE.findall(path)
    if len(set(names)) != len(names):
        return "a path that names one parameter twice"
    return None


def named(found: list[Found], taken: set[str]) -> list[str]:
    """A name for each operation: its own where it has one, else made of method and path."""
    own = [str(each.told.get("operationId") or "") for each in found]
    fronts = {name.partition(".")[0] for name in own}
    if len(fronts) == 1 and all("." in name for name in own):
        own = [name.partition(".")[2] for name in own]
    names = Names(taken)
    made: list[str] = []
    for each, identity in zip(found, own, strict=True):
        # FastAPI makes an id of the function's name, the path and the method.
        tail = re.sub(r"\W", "_", each.path) + f"_{each.verb}"
        short = identity[: -len(tail)] if len(identity) > len(tail) else ""
        told = short if identity.endswith(tail) and short else identity
        made.append(names.of_value(told or _spelled(each), each.verb))
    return made


def _spelled(found: Found) -> str:
    parts = [part for part in found.path.split("/") if part]
    words = [f"by_{snake(p[1:-1])}" if p.startswith("{") else snake(p) for p in parts]
    return "_".join([found.verb, *words])
