"""Named: requests of a program as operations, so that meters and spans show them like any other."""

from typing import Any

from coterie.call import Call, Context, Trace
from coterie.contract import Code, Operation, Result
from coterie.telemetry import Meter

__all__ = ["ROUTE", "Named", "code_of", "route_of"]

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET"})
_MOST = 512
"""Operations of one program: what it calls its routes must not fill the memory."""

_OTHER = "OTHER"

ROUTE = "coterie.route"
"""In the scope of a request: the route that was found for it, where the bridge to it knows."""


class Named:
    """Notes in ``meter`` what has no contract: requests that are served, and requests that are made.

    An operation is called ``users.GET /users/{id}``: whose it is, the method, and the route where it is
    known. Beyond 512 of them the route is left out.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._known: dict[tuple[str, str, str], Operation] = {}

    def operation(self, service: str, method: str, route: str) -> Operation:
        """The operation of ``service`` that a request is; always the same one for the same words."""
        key = (service, method, route)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST:
                route = ""
            method = method if method in _METHODS else _OTHER
            name = f"{method} {route}" if route else method
            key = (service, method, route)
            found = self._known.get(key)
            if found is None:
                found = self._known[key] = _operation(service, name, method)
        return found

    def promised(self, name: str) -> Operation:
        """The operation called ``name``, such as ``users.user``, which a contract promises."""
        key = (name, "", "")
        found = self._known.get(key)
        if found is None:
            service, _, word = name.rpartition(".")
            found = self._known[key] = _operation(service, word, "")
        return found

    def served(self, operation: Operation, trace: Trace, code: Code | None, seconds: float) -> None:
        """Note a request that was answered."""
        self._meter.note(Call(operation, {}, Context(trace)), code, seconds)

    def made(self, operation: Operation, trace: Trace, code: Code | None, seconds: float) -> None:
        """Note a request that was made."""
        self._meter.note_made(Call(operation, {}, Context(trace)), code, seconds)


def code_of(status: int) -> Code | None:
    """How a request ended that was answered with ``status``; ``None``: well."""
    return None if status < 400 else Code.of_status(status)


def route_of(scope: dict[str, Any]) -> str:
    """The route that a framework found for a request, where it says so; else the empty text."""
    found = scope.get(ROUTE)
    if found is None:  # of Starlette and FastAPI
        found = getattr(scope.get("route"), "path", "")
    return found if isinstance(found, str) else ""


def _operation(service: str, name: str, method: str) -> Operation:
    return Operation(
        contract=service,
        version="",
        name=name,
        method=method,
        path=None,
        parameters=(),
        result=Result(bytes),
        status=200,
        faults=(),
        rule=None,
        timeout=None,
        safe=False,
        idempotent=False,
        deprecated=False,
        sunset=None,
        tags=(),
        summary="",
        description="",
        etag=False,
        max_age=None,
        if_match=None,
        keyed=False,
        function=_operation,
        id=f"{service}.{name}",
    )
