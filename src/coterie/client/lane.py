"""Lane: the way to one instance, and how busy it is."""

from coterie.call import Failure, Sent
from coterie.contract import Code, Operation
from coterie.registry import Instance

from .http import Http

__all__ = ["IDLE", "Lane"]

IDLE = 2.0
"""Seconds that an unused connection to an instance is kept. Shorter than an instance that goes
leaves silent connections open: so it is always the caller who closes one, and no request meets a
closing socket."""


_CONNECT = 2.0
"""Seconds to connect: a machine that is gone must leave time to ask another."""


class Lane:
    """One instance with its connections, made when the first call needs them."""

    __slots__ = ("_connections", "http", "in_flight", "instance")

    def __init__(self, instance: Instance, connections: int) -> None:
        self.instance = instance
        self.in_flight = 0
        self.http: Http | None = None
        self._connections = connections

    async def open(self) -> Http:
        """Make ready for calls. Raises `Failure` for an address that is none."""
        if self.http is None:
            try:
                made = Http(
                    self.instance.url,
                    connections=self._connections,
                    connect_timeout=_CONNECT,
                    idle_timeout=IDLE,
                )
            except ValueError as error:
                what = f"{self.instance.id} is announced at {self.instance.url!r}: {error}"
                raise Failure(Code.UNAVAILABLE, what, sent=Sent.NOT_SENT) from error
            await made.start()
            self.http = made
        return self.http

    async def close(self, *, drain: bool) -> None:
        """Close every connection; with ``drain``, each when its call has ended."""
        if self.http is not None:
            try:
                if drain:
                    await self.http.drain()
            finally:
                await self.http.stop()

    def serves(self, operation: Operation) -> bool:
        """Whether the instance offers the operation's contract, in its major version.

        One that says nothing of its offers is taken at its word that it is the service.
        """
        offers = self.instance.offers
        return not offers or any(
            offer.name == operation.contract and offer.major == operation.major for offer in offers
        )
