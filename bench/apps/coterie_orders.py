"""Coterie: the orders service, and what serves it alone on a port, access log on."""

import asyncio
import signal
import sys

import uvloop

from bench.apps.models import NewOrder, Order, priced
from coterie.call import Failure, Principal
from coterie.contract import Code, Service, anyone, authenticated, post
from coterie.policy import authenticate, authorize, deadline
from coterie.server import AccessLog, App, Host, HttpServer


class Orders(Service, version="1.0"):
    """Orders of the bench."""

    @post("/api/orders", allow=anyone)
    async def place(self, order: NewOrder) -> Order:
        """Price an order."""
        return priced(order)


class Nobody:
    """A verifier that is never asked: no call of the bench carries a token."""

    def verify(self, token: str) -> Principal:
        raise Failure(Code.UNAUTHENTICATED, "no token of this bench is known")


def hosted(*, policies: bool = True) -> Host:
    """The service, with the policies that a system puts round every call, or with none."""
    if not policies:
        return Host(Orders())
    return Host(
        Orders(),
        policies=[
            deadline(),
            authenticate(Nobody()),
            authorize(authenticated),
        ],
    )


async def main(port: int, *, policies: bool) -> None:
    """Serve until a signal says stop."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    host = hosted(policies=policies)
    server = HttpServer(App([host], access=AccessLog(sys.stdout)), port=port)
    await host.start()
    await server.start()
    await stopped.wait()
    await server.stop()
    await host.stop()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), policies="--no-policies" not in sys.argv))
