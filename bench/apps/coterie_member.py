"""Coterie: hosts a WSGI program as an instance does, on a port, access log on.

`python -m bench.apps.coterie_member MODULE:APP PORT`
"""

import asyncio
import signal
import sys

import uvloop

from coterie.members.program import Surround, Wsgi, load_application
from coterie.server import AccessLog, HttpServer
from coterie.telemetry import Meter


async def main(name: str, port: int) -> None:
    """Serve until a signal says stop."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    program = Wsgi(load_application(name, "wsgi"), threads=8)
    surround = Surround(
        program, service="member", meter=Meter("member"), access=AccessLog(sys.stdout)
    )
    server = HttpServer(surround, port=port)
    await program.start()
    await server.start()
    surround.ready = True
    await stopped.wait()
    await server.stop()
    await program.stop()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
