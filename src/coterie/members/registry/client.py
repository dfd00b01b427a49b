"""RegistryClient: one request to the registry at a time, and its answer."""

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

__all__ = ["RegistryAway", "RegistryClient", "RegistryRefused"]

_LARGEST = 64 * 1024 * 1024
_STRANGER = "this is not how a registry answers: check its URL"


class RegistryAway(ConnectionError):
    """The registry cannot be reached, or cannot do it now: try again later."""


class RegistryRefused(Exception):
    """The registry says no, and why; asking again changes nothing. ``status`` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message

    def __str__(self) -> str:
        return f"the registry refused ({self.status}): {self.message}"


class RegistryClient:
    """Asks the registry at ``url``, such as ``http://127.0.0.1:8080/registry``. Blocking.

    ``token`` proves who registers; ``timeout`` is the seconds it may be silent. A connection is made
    for each request, past any proxy, and no redirect is followed: the token goes to ``url`` alone. To
    be used from several threads at once.

    Every method raises `RegistryAway` and `RegistryRefused`. Raises `ValueError` for a URL or a
    token that is none.
    """

    def __init__(self, url: str, *, token: str | None = None, timeout: float = 2.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ValueError(
                f"{url!r} is no registry's URL: write it like http://host:port/registry"
            )
        if token is not None and not (token.isascii() and token.isprintable() and token.strip()):
            raise ValueError(
                "the token has characters that no token has: was a line end read with it?"
            )
        self.url = url.rstrip("/")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._path = parts.path.rstrip("/")
        self._token = token
        self._timeout = timeout

    def __repr__(self) -> str:
        return f"<RegistryClient {self.url}>"

    # --- a name and a URL -----------------------------------------------------------------------

    def register_service(self, name: str, url: str) -> dict[str, Any]:
        """Register ``name`` at ``url``, until it is removed; what the registry answers."""
        status, told = self.ask("POST", "/register", {"name": name, "url": url})
        return _expected(status, told, 201)

    def discover_service(self, name: str) -> str | None:
        """The URL of an instance of ``name`` that is up; ``None`` where there is none."""
        status, told = self.ask("GET", f"/discover/{_part(name)}")
        if status == 404:
            return None
        url = _expected(status, told, 200).get("service_url")
        if not isinstance(url, str):
            raise RegistryRefused(status, _STRANGER)
        return url

    # --- instances ------------------------------------------------------------------------------

    def instances(self, name: str) -> list[dict[str, Any]] | None:
        """All instances of ``name``, as the registry shows them; ``None`` where it is unknown."""
        status, told = self.ask("GET", f"/services/{_part(name)}")
        if status == 404:
            return None
        found = _expected(status, told, 200).get("instances")
        if not isinstance(found, list) or not all(map(_is_instance, found)):
            raise RegistryRefused(status, _STRANGER)
        return found

    def add_instance(self, name: str, instance: Mapping[str, Any]) -> dict[str, Any]:
        """Register an instance: ``url``, and where wanted ``id``, ``ttl``, ``zone``, ``weight`` and more."""
        status, told = self.ask("POST", f"/services/{_part(name)}/instances", instance)
        return _expected(status, told, 200, 201)

    def beat(self, name: str, id: str, status: str | None = None) -> bool:
        """Begin the lease anew. False where the instance is unknown: register it again."""
        path = f"/services/{_part(name)}/instances/{_part(id)}/heartbeat"
        answered, told = self.ask("PUT", path, None if status is None else {"status": status})
        if answered != 404:
            _expected(answered, told, 200)
        return answered != 404

    def remove_instance(self, name: str, id: str) -> bool:
        """Remove an instance. False where it is unknown already."""
        status, told = self.ask("DELETE", f"/services/{_part(name)}/instances/{_part(id)}")
        if status != 404:
            _expected(status, told, 204)
        return status != 404

    # --- the request ----------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send one request below ``url``; the status, and the JSON that came with it.

        Raises `RegistryAway` also for 429 and from 500 on.
        """
        headers = {"Accept": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        if sent is not None:
            headers["Content-Type"] = "application/json"
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=self._timeout)
        try:
            connection.request(method, self._path + path, sent, headers)
            answer = connection.getresponse()
            status, text = answer.status, answer.read(_LARGEST)
        except (OSError, http.client.HTTPException) as error:
            what = f"the registry at {self.url} cannot be reached: {str(error) or type(error).__name__}"
            raise RegistryAway(what) from error
        finally:
            connection.close()
        if status == 429 or status >= 500:
            raise RegistryAway(f"the registry at {self.url} cannot do it now: it answered {status}")
        return status, _read(text)


def _read(text: bytes) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None


def _expected(status: int, told: Any, *right: int) -> dict[str, Any]:
    if status in right and (isinstance(told, dict) or status == 204):
        return told or {}
    error = told.get("error") if isinstance(told, dict) else None
    raise RegistryRefused(status, str(error or _STRANGER))


def _is_instance(told: Any) -> bool:
    return isinstance(told, dict) and isinstance(told.get("url"), str)


def _part(text: str) -> str:
    return quote(text, safe="")
