"""Registrant: a program that is registered as long as it runs."""

import atexit
import logging
import random
import secrets
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from .client import RegistryAway, RegistryClient, RegistryRefused
from .discovery import Discovery

__all__ = ["Registrant"]

log = logging.getLogger("coterie.registry")

_SOON = 0.1
_REFUSED = 10.0


class Registrant:
    """Registers this program as an instance of ``name`` at ``address``, and keeps its lease.

    ``with Registrant(url, token=token, name="billing", address="http://127.0.0.1:5000"):`` or
    `start` and `stop`. A thread registers as soon as the registry can be reached, sends a heartbeat
    three times in each ``ttl`` (seconds), and registers anew where the registry has forgotten.
    It neither waits for the registry nor fails without it: `wait` does, where that is wanted.

    It deregisters when it is stopped, and when Python exits. SIGTERM ends a plain Python program
    without an exit; gunicorn, uvicorn and most servers make an exit of it, and
    ``signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))`` does in a program of your own. No handler
    is set here. Whoever is killed is gone when the lease ends.

    Start it in the process that answers: threads do not survive a fork.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str,
        address: str,
        token: str | None = None,
        ttl: float = 10.0,
        zone: str = "",
        weight: float = 1.0,
        metadata: Mapping[str, str] | None = None,
        timeout: float = 2.0,
    ) -> None:
        self.name = name
        self.id = f"{name}-{secrets.token_hex(6)}"
        """Of this instance: drawn here, so that registering twice is registering once."""
        self.problem: str | None = None
        """Why it is not registered, or not sure to be; ``None`` while all is well."""
        self._client = RegistryClient(url, token=token, timeout=timeout)
        self._discovery = Discovery(self._client)
        self._ttl = ttl
        self._join = 2 * timeout + 1
        self._instance = {
            "id": self.id,
            "url": address,
            "ttl": ttl,
            "zone": zone,
            "weight": weight,
            "metadata": dict(metadata or {}),
        }
        self._status = "UP"
        self._failures = 0
        self._known = False
        self._registered = threading.Event()
        self._stopping = False
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        state = "registered" if self._known else "not registered"
        return f"<Registrant {self.id} at {self._client.url}: {state}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Register, in a thread of its own."""
        if self._thread is not None:
            return
        self._stopping = False
        self._status = "UP"
        self._wake.clear()
        self._thread = threading.Thread(target=self._keep, name="registrant", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """Deregister, if the registry can be reached. Never raises."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        atexit.unregister(self.stop)
        self._stopping = True
        self._wake.set()
        thread.join(self._join)
        with suppress(RegistryAway, RegistryRefused):
            self._client.remove_instance(self.name, self.id)
        self._known = False
        self._registered.clear()

    def wait(self, seconds: float) -> bool:
        """Wait until it is registered; whether it is. `problem` tells why it is not."""
        return self._registered.wait(seconds)

    def drain(self) -> None:
        """Be called no more: what is under way goes on, and the lease is kept until `stop`."""
        self._status = "DRAINING"
        self._wake.set()

    def discover(self, name: str) -> str | None:
        """The URL of the next instance of ``name``; see `Discovery.discover`."""
        return self._discovery.discover(name)

    @property
    def discovery(self) -> Discovery:
        """What finds others, with the same token."""
        return self._discovery

    # --- in the thread --------------------------------------------------------------------------

    def _keep(self) -> None:
        while not self._stopping:
            pause = self._turn()
            # Not all at once: the programs of one system start together.
            self._wake.wait(pause * random.uniform(0.9, 1.0))  # noqa: S311  # no secret
            self._wake.clear()

    def _turn(self) -> float:
        """Register or send a heartbeat; the seconds until the next."""
        beat = self._ttl / 3
        try:
            if self._known and not self._client.beat(self.name, self.id, self._status):
                log.warning("the registry has forgotten %s: registering it anew", self.id)
                self._known = False
            if not self._known:
                instance = {**self._instance, "status": self._status}
                self._client.add_instance(self.name, instance)
                self._known = True
                self._registered.set()
        except RegistryAway as error:
            self._tell(str(error))
            self._failures += 1
            return min(beat, _SOON * 2.0 ** min(self._failures, 8))
        except RegistryRefused as error:
            self._tell(f"{self.name} is not registered: {error}")
            return _REFUSED
        if self.problem is not None:
            log.warning("%s is registered", self.id)
        self.problem, self._failures = None, 0
        return beat

    def _tell(self, problem: str) -> None:
        if self.problem != problem:
            log.warning("%s; trying again until it can be done", problem)
        self.problem = problem
