"""carry_trace(): what a program asks of others belongs to the trace of what it was asked."""

import functools
import http.client
import importlib.util
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from time import perf_counter
from types import ModuleType
from typing import Any

from coterie.call import Trace, current_context
from coterie.contract import Code
from coterie.telemetry import Meter

from .named import Named, code_of

__all__ = ["Carrying", "carry_trace"]

log = logging.getLogger("coterie.program")

_HEADER = "traceparent"
_BEGUN = "_coterie_begun"


class Carrying:
    """What was changed, so that it can be changed back by `stop`."""

    def __init__(self) -> None:
        self._before: list[tuple[Any, str, Any]] = []
        self._finder: _Finder | None = None

    def put(self, owner: Any, name: str, made: Callable[[Any], Any]) -> None:
        """Put ``made(what is there)`` in the place of ``owner.name``."""
        before = getattr(owner, name)
        self._before.append((owner, name, before))
        setattr(owner, name, functools.wraps(before)(made(before)))

    def watch(self, patches: Mapping[str, Callable[[Any], None]]) -> None:
        """Call each of ``patches`` with its module: now, or once that is imported."""
        for name, patch in patches.items():
            if name in sys.modules:
                _tried(patch, sys.modules[name])
        waiting = {name: patch for name, patch in patches.items() if name not in sys.modules}
        self._finder = _Finder(waiting)
        sys.meta_path.insert(0, self._finder)

    def stop(self) -> None:
        """Leave everything as it was."""
        if self._finder is not None and self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        for owner, name, before in reversed(self._before):
            setattr(owner, name, before)
        self._before.clear()


def carry_trace(meter: Meter, names: Mapping[str, str] | None = None) -> Carrying:
    """Have requests that this process makes carry ``traceparent``, and leave a span in ``meter``.

    For programs that know nothing of it. Covered is what is made with `http.client` (by Requests,
    urllib and urllib3, that is), HTTPX and aiohttp while a request is being served: in its thread, its task, and
    in those begun from it as far as they take its context along. Requests that have the header
    already are left as they are, and so are all others. ``names`` are services by ``host:port``; who
    is asked elsewhere is called by that host. What goes wrong here is never the program's trouble.

    Source: W3C Trace Context, 3.2.
    """
    carrying = Carrying()
    calls = _Calls(Named(meter), {} if names is None else dict(names))
    _carry_http_client(carrying, calls)
    _note_http_client(carrying, calls)
    carrying.watch(
        {
            "httpx": functools.partial(_carry_httpx, carrying, calls),
            "aiohttp": functools.partial(_carry_aiohttp, carrying, calls),
        }
    )
    return carrying


class _Outgoing:
    """One request that is made: its span, and since when."""

    def __init__(self, method: str, where: str, trace: Trace) -> None:
        self.method = method
        self.where = where
        self.trace = trace
        self.began = perf_counter()


class _Calls:
    """Begins and notes requests that are made."""

    def __init__(self, named: Named, names: Mapping[str, str]) -> None:
        self._named = named
        self._names = names

    def begin(self, method: str, where: str) -> _Outgoing | None:
        """A request to ``where``; ``None`` where it belongs to no request that is served."""
        context = current_context.get(None)
        return None if context is None else _Outgoing(method, where, context.trace.child())

    def end(self, made: _Outgoing, code: Code | None) -> None:
        """Note it."""
        service = self._names.get(made.where) or made.where.partition(":")[0]
        operation = self._named.operation(service, made.method, "")
        self._named.made(operation, made.trace, code, perf_counter() - made.began)


# --- http.client: Requests, urllib, urllib3 ----------------------------------------------------------


def _carry_http_client(carrying: Carrying, calls: _Calls) -> None:
    def putrequest(original: Any) -> Any:
        def begun(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            done = original(self, method, url, *args, **kwargs)
            self.__dict__[_BEGUN] = calls.begin(str(method), f"{self.host}:{self.port}")
            return done

        return begun

    def putheader(original: Any) -> Any:
        def put(self: Any, header: Any, *values: Any) -> Any:
            word = header.decode("latin-1") if isinstance(header, bytes) else str(header)
            if word.lower() == _HEADER:
                self.__dict__.pop(_BEGUN, None)
            return original(self, header, *values)

        return put

    def endheaders(original: Any) -> Any:
        def ended(self: Any, *args: Any, **kwargs: Any) -> Any:
            made = self.__dict__.get(_BEGUN)
            if made is not None:
                http.client.HTTPConnection.putheader(self, _HEADER, made.trace.traceparent)
                self.__dict__[_BEGUN] = made  # it was taken out just now, as for anybody's header
            try:
                return original(self, *args, **kwargs)
            except OSError:
                _note(calls, self.__dict__.pop(_BEGUN, None), Code.UNAVAILABLE)
                raise

        return ended

    connection = http.client.HTTPConnection
    carrying.put(connection, "putrequest", putrequest)
    carrying.put(connection, "putheader", putheader)
    carrying.put(connection, "endheaders", endheaders)


def _note_http_client(carrying: Carrying, calls: _Calls) -> None:
    def getresponse(original: Any) -> Any:
        def got(self: Any, *args: Any, **kwargs: Any) -> Any:
            code: Code | None = Code.UNAVAILABLE
            try:
                answer = original(self, *args, **kwargs)
                code = code_of(answer.status)
                return answer
            finally:
                _note(calls, self.__dict__.pop(_BEGUN, None), code)

        return got

    carrying.put(http.client.HTTPConnection, "getresponse", getresponse)


def _note(calls: _Calls, made: _Outgoing | None, code: Code | None) -> None:
    if made is not None:
        calls.end(made, code)


# --- HTTPX ------------------------------------------------------------------------------------------


def _carry_httpx(carrying: Carrying, calls: _Calls, httpx: Any) -> None:
    def marked(request: Any) -> _Outgoing | None:
        if _HEADER in request.headers:
            return None
        url = request.url
        port = url.port or (443 if url.scheme == "https" else 80)
        made = calls.begin(request.method, f"{url.host}:{port}")
        if made is not None:
            request.headers[_HEADER] = made.trace.traceparent
        return made

    def send(original: Any) -> Any:
        def sent(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            made = marked(request)
            code: Code | None = Code.UNAVAILABLE
            try:
                answer = original(self, request, *args, **kwargs)
                code = code_of(answer.status_code)
                return answer
            finally:
                _note(calls, made, code)

        return sent

    def send_later(original: Any) -> Any:
        async def sent(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            made = marked(request)
            code: Code | None = Code.UNAVAILABLE
            try:
                answer = await original(self, request, *args, **kwargs)
                code = code_of(answer.status_code)
                return answer
            finally:
                _note(calls, made, code)

        return sent

    carrying.put(httpx.Client, "send", send)
    carrying.put(httpx.AsyncClient, "send", send_later)


# --- aiohttp ----------------------------------------------------------------------------------------


def _carry_aiohttp(carrying: Carrying, calls: _Calls, aiohttp: Any) -> None:
    def request(original: Any) -> Any:
        async def asked(self: Any, method: str, url: Any, **kwargs: Any) -> Any:
            headers = [*_pairs(kwargs.get("headers")), *_pairs(self.headers)]
            made = None
            if all(str(name).lower() != _HEADER for name, _ in headers):
                target = self._build_url(url)
                made = calls.begin(str(method).upper(), f"{target.host}:{target.port}")
            if made is not None:
                own = (_HEADER, made.trace.traceparent)
                kwargs["headers"] = [*_pairs(kwargs.get("headers")), own]
            code: Code | None = Code.UNAVAILABLE
            try:
                answer = await original(self, method, url, **kwargs)
                code = code_of(answer.status)
                return answer
            finally:
                _note(calls, made, code)

        return asked

    carrying.put(aiohttp.ClientSession, "_request", request)


def _pairs(headers: Any) -> list[tuple[Any, Any]]:
    if headers is None:
        return []
    return list(headers.items() if hasattr(headers, "items") else headers)


# --- modules that are imported later --------------------------------------------------------------


class _Finder:
    """Finds nothing by itself; has each of ``waiting`` patched once another has found and run it."""

    def __init__(self, waiting: Mapping[str, Callable[[Any], None]]) -> None:
        self._waiting = dict(waiting)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's own specification, with a loader that patches what it has run."""
        patch = self._waiting.pop(name, None)
        if patch is None:
            return None
        spec = importlib.util.find_spec(
            name
        )  # asks all finders, us included: who knows no more of it
        loader: Any = None if spec is None else spec.loader
        if loader is not None and hasattr(loader, "exec_module"):
            run = loader.exec_module

            def run_and_patch(module: ModuleType) -> None:
                run(module)
                _tried(patch, module)

            loader.exec_module = run_and_patch
        return spec


def _tried(patch: Callable[[Any], None], module: Any) -> None:
    try:
        patch(module)
    except Exception:  # another version, without what we know of it
        log.warning("requests made by %s carry no trace", module.__name__, exc_info=True)
