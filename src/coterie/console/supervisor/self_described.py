"""SelfDescribed: programs that describe themselves, asked for their OpenAPI documents."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

import msgspec

from coterie.binding.rest import problem_reply
from coterie.call import Failure, Reply
from coterie.client.http1 import NotSent, Pool, Unknown
from coterie.contract import Code
from coterie.registry import Instance, InstanceState
from coterie.system import Mount, ServiceEntry

__all__ = ["SelfDescribed"]

log = logging.getLogger("coterie.console")

_PATIENCE = 10.0
_LARGEST = 16 * 2**20
_JSON = (("content-type", "application/json"), ("cache-control", "no-cache"))
_PLACE = "/openapi/"


class SelfDescribed:
    """The page ``/openapi/NAME.json`` of each of ``services`` that says where it describes itself.

    Asked anew whenever an instance comes up, for it may be another version by then. The document is
    shown as the outside sees the program: below its mount. What cannot be had is told in the log
    and in the answer, with the remedy; it concerns nobody else.
    """

    def __init__(self, services: Sequence[ServiceEntry]) -> None:
        self._services = {one.name: one for one in services if one.public and one.openapi}
        self._up: dict[str, set[str]] = {}
        self._documents: dict[str, bytes] = {}
        self._wrong: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The programs that describe themselves."""
        return tuple(self._services)

    def heard(self, instances: tuple[Instance, ...]) -> None:
        """These are there now."""
        for name, service in self._services.items():
            up = {i.id: i for i in instances if i.service == name and i.state is InstanceState.UP}
            new = up.keys() - self._up.get(name, set())
            self._up[name] = set(up)
            if new:
                task = asyncio.create_task(self._ask(service, up[min(new)].url))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Ask no more."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def __call__(self, path: str, headers: Mapping[bytes, bytes]) -> Reply | None:
        """The page at ``path``, or ``None`` if it is none of these."""
        if not path.startswith(_PLACE) or not path.endswith(".json"):
            return None
        name = path.removeprefix(_PLACE).removesuffix(".json")
        if name not in self._services:
            return None
        if name in self._documents:
            return Reply(None, 200, _JSON, self._documents[name])
        what = self._wrong.get(name, f"{name} is not up yet, and so has not described itself")
        return problem_reply(Failure(Code.UNAVAILABLE, what, retry_after=1.0))

    async def _ask(self, service: ServiceEntry, url: str) -> None:
        try:
            self._documents[service.name] = await _document(service, url)
        except ValueError as error:
            # The one it had is an older version's.
            self._documents.pop(service.name, None)
            what = f"{service.name} does not describe itself at {service.openapi}: {error}"
            what += ". Mend it there, or take `openapi` out of its table"
            if self._wrong.get(service.name) != what:
                log.warning("%s", what)
            self._wrong[service.name] = what
        else:
            self._wrong.pop(service.name, None)


async def _document(service: ServiceEntry, url: str) -> bytes:
    """What ``service`` says of itself. Raises `ValueError` with what is wrong with that."""
    mount = next(iter(service.mounts), Mount("", ""))
    prefix = mount.path.removesuffix(mount.to)
    headers = [("accept", "application/json")]
    headers += [("x-forwarded-prefix", prefix)] if prefix else []
    try:
        async with Pool(url, connections=1, max_response=_LARGEST) as pool:
            deadline = monotonic() + _PATIENCE
            answer = await pool.request("GET", service.openapi or "", headers, deadline=deadline)
    except (NotSent, Unknown) as error:
        raise ValueError(str(error)) from error
    if answer.status != 200:
        raise ValueError(f"it answers {answer.status}")
    try:
        found = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"its answer is no JSON ({error})") from error
    if not isinstance(found, dict) or not {"openapi", "swagger"} & found.keys():
        raise ValueError("its answer is no OpenAPI document: it has no member `openapi`")
    with suppress(TypeError, AttributeError):
        _move(found, prefix)
    return msgspec.json.encode(found)


def _move(document: dict[str, Any], prefix: str) -> None:
    """Have ``document`` say where the outside has the program, where it does not know that."""
    if "swagger" in document:
        base: str = document.get("basePath", "/")
        if not base.startswith(prefix or "/"):
            document["basePath"] = f"{prefix}{base}".rstrip("/") or "/"
        document.pop("host", None)  # the page's own
        return
    servers = document.get("servers") or []
    known = any(str(server.get("url", "")).startswith(prefix or "/") for server in servers)
    if not known:
        document["servers"] = [{"url": prefix or "/"}]
