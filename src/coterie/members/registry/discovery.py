"""Discovery: who may be called, also while the registry is away."""

import http.client
import threading
from collections.abc import Generator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from .client import RegistryAway, RegistryClient

__all__ = ["Discovery", "NoInstance"]

_FIRST = 1.0
_LONGEST = 30.0
_AWAY = 1.0


class NoInstance(LookupError):
    """Nobody is there to be called."""


class _Known:
    """What is known of a service."""

    __slots__ = ("asking", "at", "turn", "urls")

    def __init__(self) -> None:
        self.asking = threading.Lock()
        self.urls: tuple[str, ...] | None = None
        self.at = 0.0
        self.turn = 0


class Discovery:
    """Finds instances of services through ``registry``, one after the other. For many threads.

    What it knows it believes for ``fresh`` seconds, and for as long as the registry is away: then
    one request a second looks whether it is back. An instance that `failed` is put aside for a
    second, and twice as long each time it fails again, 30 seconds at most; if all are aside, the
    next is given all the same.
    """

    def __init__(self, registry: RegistryClient, *, fresh: float = 1.0) -> None:
        self._registry = registry
        self._fresh = fresh
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._aside: dict[str, tuple[float, float]] = {}  # until when, and for how long
        self._away: tuple[float, str] = (0.0, "")  # until when it is not asked, and why

    def discover(self, name: str) -> str | None:
        """The URL of the next instance of ``name``; ``None`` where none is up.

        Raises `RegistryAway` only where nothing is known of ``name`` yet, and `RegistryRefused`.
        """
        known = self._look_up(name)
        now = monotonic()
        with self._lock:
            urls = known.urls or ()
            for step in range(len(urls)):
                url = urls[(known.turn + step) % len(urls)]
                if self._aside.get(url, (0.0, 0.0))[0] <= now:
                    known.turn += step + 1
                    return url
            known.turn += 1
            return urls[known.turn % len(urls)] if urls else None

    @contextmanager
    def calling(self, name: str) -> Generator[str]:
        """The URL of the next instance, for one call: whether that failed is noticed.

        A failure is an `OSError` (as those of ``urllib`` and ``requests`` are) or an
        `http.client.HTTPException`, unless it tells of an answer below 500. For other clients, call
        `failed`. Raises `NoInstance`, and what `discover` raises.
        """
        url = self.discover(name)
        if url is None:
            raise NoInstance(f"no instance of {name} is up: start one, or look at its heartbeats")
        try:
            yield url
        except (OSError, http.client.HTTPException) as error:
            if _answered(error) < 500:
                self.succeeded(url)
            else:
                self.failed(url)
            raise
        self.succeeded(url)

    def failed(self, url: str) -> None:
        """Whoever is at ``url`` did not answer as it should: put it aside for a while."""
        now = monotonic()
        with self._lock:
            until, pause = self._aside.get(url, (0.0, 0.0))
            if until <= now:  # calls that failed together count once
                pause = min(_LONGEST, 2 * pause or _FIRST)
                self._aside[url] = (now + pause, pause)

    def succeeded(self, url: str) -> None:
        """Whoever is at ``url`` is well."""
        with self._lock:
            self._aside.pop(url, None)

    def _look_up(self, name: str) -> _Known:
        with self._lock:
            known = self._known.setdefault(name, _Known())
        if known.urls is not None and monotonic() < known.at + self._fresh:
            return known
        # One thread asks; the others go by what is known, and wait only where nothing is.
        if known.asking.acquire(blocking=known.urls is None):
            try:
                if known.urls is None or monotonic() >= known.at + self._fresh:
                    self._ask(name, known)
            finally:
                known.asking.release()
        return known

    def _ask(self, name: str, known: _Known) -> None:
        try:
            found = self._instances(name)
        except RegistryAway:
            if known.urls is None:
                raise
            return
        up = [one for one in found if one.get("status") == "UP"]
        urls = tuple(one["url"].rstrip("/") for one in [o for o in up if o.get("weight")] or up)
        with self._lock:
            for url in set(known.urls or ()) - set(urls):
                self._aside.pop(url, None)
            known.urls = urls
            known.at = monotonic()

    def _instances(self, name: str) -> list[dict[str, Any]]:
        until, why = self._away
        if monotonic() < until:
            raise RegistryAway(why)
        try:
            return self._registry.instances(name) or []
        except RegistryAway as error:
            self._away = (monotonic() + _AWAY, str(error))
            raise


def _answered(error: BaseException) -> int:
    """The status of the answer that an exception tells of; 599 where there was none."""
    status = getattr(error, "code", None)  # urllib
    if status is None:
        status = getattr(getattr(error, "response", None), "status_code", None)  # requests
    return status if isinstance(status, int) else 599
