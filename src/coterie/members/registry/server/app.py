"""RegistryApp: the registry over HTTP, as an ASGI application."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coterie.registry import Registry

from .asked import Alteration, Beat, Description, NewInstance, check_name, decoded, registration
from .body import is_json, json_body, whole_body
from .described import Described
from .directory import Directory
from .limits import Limits
from .names import default_id
from .records import InstanceRecord
from .refusal import Refused
from .reply import HANDLERS, PLAIN, answer
from .tokens import Tokens
from .views import ServiceView
from .watch_route import WatchRoute

__all__ = ["RegistryApp"]

_Endpoint = Callable[[Request], Awaitable[Response]]


class RegistryApp:
    """Where programs of any language register and find each other. An ASGI application, a component.

    Below ``prefix``: ``POST /register`` and ``GET /discover/NAME``, which is all that a simple program
    needs; ``/services`` with descriptions, instances, leases and heartbeats; ``GET /watch``, a long poll
    or server-sent events; ``GET /health``.

    What is registered is kept in ``file``. It is announced in ``registry`` too, where the system's own
    services find it, and the instances of these are shown beside it, with what ``catalogue`` says of
    them. ``registry`` is started and stopped by whoever made it. ``tokens`` say who may write. A name
    is its first registrant's: whoever else writes to it gets 403, and so does everybody for the
    names of the system's own services. The registrant ``system`` may remove whatever registered.

    Every error is JSON, ``{"error": "..."}``, and changes nothing. Stop it before its server: then
    watchers are answered, not cut off. Raises `RegisterFileError` at start.
    """

    def __init__(
        self,
        registry: Registry,
        file: Path,
        *,
        catalogue: Sequence[Described] = (),
        tokens: Tokens,
        prefix: str = "/registry",
        limits: Limits | None = None,
    ) -> None:
        self._tokens = tokens
        self._prefix = prefix.rstrip("/")
        self._limits = limits or Limits()
        self._directory = Directory(registry, file, catalogue=catalogue, limits=self._limits)
        self._watch = WatchRoute(self._directory)
        self._running = False
        self._app = self._made()

    async def start(self) -> None:
        """Read the file, learn what the system has. Raises `RegisterFileError`."""
        await self._directory.start()
        self._watch.watching.open()
        self._running = True

    async def stop(self) -> None:
        """Answer who watches, withdraw what was announced, close the file."""
        self._running = False
        self._watch.watching.close()
        await self._directory.stop()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request (ASGI 3.0)."""
        if scope["type"] == "lifespan":
            raise RuntimeError("this application's life belongs to whoever made it")
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        await self._app(scope, receive, send)

    def _made(self) -> Starlette:
        service = "/services/{name}"
        instance = f"{service}/instances/{{id}}"
        routes = [
            self._route("/register", POST=self._register),
            self._route("/discover/{name:path}", GET=self._discover),
            self._route("/services", GET=self._services),
            self._route(
                service,
                GET=self._service,
                PUT=self._describe,
                PATCH=self._alter,
                DELETE=self._remove,
            ),
            self._route(f"{service}/instances", POST=self._add),
            self._route(instance, GET=self._instance, DELETE=self._remove_instance),
            self._route(f"{instance}/heartbeat", PUT=self._beat),
            self._route("/watch", GET=self._watch),
            self._route("/health", GET=self._health),
        ]
        app = Starlette(routes=routes, exception_handlers=HANDLERS)
        app.router.redirect_slashes = False
        return app

    def _route(self, path: str, **endpoints: _Endpoint) -> Route:
        async def endpoint(request: Request) -> Response:
            if not self._running:
                # What is not loaded is not unknown: nobody must take a 404 from this.
                what = "The registry is just starting or stopping: ask again"
                raise Refused(503, what, {"Retry-After": "1"})
            method = "GET" if request.method == "HEAD" else request.method
            if method == "GET":
                self._tokens.check_reader(request.headers.get("authorization"))
            return await endpoints[method](request)

        return Route(f"{self._prefix}{path}", endpoint, methods=list(endpoints))

    # --- a name and a URL -----------------------------------------------------------------------

    async def _register(self, request: Request) -> Response:
        by = self._writer(request)
        body = await whole_body(request, self._limits)
        name, url = registration(body if is_json(request) else b"")
        record = InstanceRecord(id=default_id(name), url=url, registered_by=by)
        await self._directory.put(by, name, record)
        return answer({"message": f"Service {name} registered successfully"}, 201)

    async def _discover(self, request: Request) -> Response:
        name = request.path_params["name"]
        url = self._directory.discover(name, request.query_params.get("zone", ""))
        if url is None:
            raise Refused(404, f"Service {name} not found")
        return answer({"service_url": url})

    # --- services -------------------------------------------------------------------------------

    async def _services(self, request: Request) -> Response:
        found = self._directory.services(request.query_params.getlist("tag"))
        return answer({"services": found}, index=self._directory.changes.index)

    async def _service(self, request: Request) -> Response:
        return answer(self._known(request), index=self._directory.changes.index)

    async def _describe(self, request: Request) -> Response:
        by, name = self._writer(request), request.path_params["name"]
        how = decoded(await json_body(request, self._limits), Description)
        check_name(name)
        view, new = await self._directory.describe(by, name, how)
        return answer(view, 201 if new else 200)

    async def _alter(self, request: Request) -> Response:
        by, name = self._writer(request), request.path_params["name"]
        how = decoded(await json_body(request, self._limits), Alteration)
        return answer(await self._directory.alter(by, name, how))

    async def _remove(self, request: Request) -> Response:
        await self._directory.remove(self._writer(request), request.path_params["name"])
        return Response(status_code=204, headers=PLAIN)

    # --- instances ------------------------------------------------------------------------------

    async def _add(self, request: Request) -> Response:
        by, name = self._writer(request), request.path_params["name"]
        sent = decoded(await json_body(request, self._limits), NewInstance)
        check_name(name)
        view, new = await self._directory.put(by, name, sent.record(name, by, self._limits))
        where = f"{self._prefix}/services/{name}/instances/{view.id}"
        return answer(view, 201 if new else 200, headers={"Location": where})

    async def _instance(self, request: Request) -> Response:
        id_ = request.path_params["id"]
        service = self._known(request)
        found = next((one for one in service.instances if one.id == id_), None)
        if found is None:
            raise Refused(404, f"Instance {id_} of {service.name} not found: register it again")
        return answer(found, index=self._directory.changes.index)

    async def _beat(self, request: Request) -> Response:
        by, where = self._writer(request), request.path_params
        body = await whole_body(request, self._limits)
        beat = decoded(body, Beat) if body else Beat()
        return answer(await self._directory.beat(by, where["name"], where["id"], beat.status))

    async def _remove_instance(self, request: Request) -> Response:
        by, where = self._writer(request), request.path_params
        await self._directory.remove_instance(by, where["name"], where["id"])
        return Response(status_code=204, headers=PLAIN)

    # --- the registry itself --------------------------------------------------------------------

    async def _health(self, _: Request) -> Response:
        services = self._directory.services()
        instances = sum(len(service.instances) for service in services)
        told = {"status": "UP", "services": len(services), "instances": instances}
        return answer(told, index=self._directory.changes.index)

    def _writer(self, request: Request) -> str:
        return self._tokens.writer(request.headers.get("authorization"))

    def _known(self, request: Request) -> ServiceView:
        name = request.path_params["name"]
        found = self._directory.service(name)
        if found is None:
            raise Refused(404, f"Service {name} not found")
        return found
